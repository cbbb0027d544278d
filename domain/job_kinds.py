"""The kinds of jobs: which function does a step of which."""

from collections.abc import Mapping
from functools import partial

from domain import batches, qr_files, rehearsals, rounds
from domain.batch_kinds import KINDS
from domain.jobs import Step

STEPS: Mapping[str, Step] = {
    batches.IMPORT: partial(batches.import_step, KINDS),
    batches.UNDO: partial(batches.undo_step, KINDS),
    qr_files.KIND: qr_files.step,
    rehearsals.KIND: rehearsals.step,
    rounds.KIND: rounds.step,
}
