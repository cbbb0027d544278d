"""Batches: a spreadsheet is checked row by row, what is good is imported by a job, what was imported can be undone.

What rows mean is the kind's business (`device_batches`, `token_batches`); here is what the kinds share. Each row
carries what became of it, changed in the transaction that does it: whatever stops an import, no row is done twice
or half.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from domain import audit, jobs, paging
from domain.errors import Conflict, Refused
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.batches import Batch, BatchKind, BatchRow, Verdict
from domain.models.files import FileKind
from domain.models.jobs import Job
from domain.models.stations import Station
from domain.sheets.reading import MOST_BYTES, SheetRow

STEP_ROWS = 500
FILE_LASTS = timedelta(days=90)
FORGOTTEN_AFTER = timedelta(days=30)  # a batch of which nothing was imported
MOST_FORGOTTEN = 5  # in one transaction: each may have ten thousand rows
IMPORT, UNDO = "batch_import", "batch_undo"  # kinds of jobs
GOOD = (Verdict.OK, Verdict.ADDED, Verdict.REMOVED)
BAD = tuple(verdict for verdict in Verdict if verdict not in GOOD)
FORMULA = "A cell begins with =, as formulas do. Type the value itself."
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Heading:
    """A column that a kind knows."""

    head: str  # as the template says it
    others: tuple[str, ...] = ()  # what else people write

    def is_meant(self, text: str) -> bool:
        return _plain(text) in {_plain(each) for each in (self.head, *self.others)}


@dataclass(frozen=True)
class Judged:
    """A row of the file and what it would do."""

    number: int
    key: str
    cells: tuple[str, ...]
    verdict: Verdict = Verdict.OK
    reason: str | None = None


Judge = Callable[[Session, int, Sequence[Judged]], list[Judged]]
"""(db, operator id, rows that passed so far) -> the same rows with the verdicts of the kind."""


@dataclass(frozen=True)
class Kind:
    """What a kind of batch knows and does.

    Attributes:
        add: (db, batch, rows, by, now): adds what the rows say and sets each row's verdict.
        remove: (db, batch, rows, by, now): takes away what the rows added, or says why it stays.
    """

    noun: str
    headings: tuple[Heading, ...]
    judge: Judge
    add: Callable[[Session, Batch, Sequence[BatchRow], str, datetime], None]
    remove: Callable[[Session, Batch, Sequence[BatchRow], str, datetime], None]

    @property
    def nouns(self) -> str:
        return f"{self.noun}s"


def check(
    db: Session,
    files: FileStore,
    data: bytes,
    read: Sequence[SheetRow],
    name: str,
    kind: Kind,
    kind_word: BatchKind,
    *,
    operator_id: int,
    station: Station | None,
    by: str,
    now: datetime,
) -> Batch:
    """The upload is kept with a verdict for each row; nothing else has changed.

    Args:
        read: the rows of `data`, read before the transaction began: a hostile file may take seconds.

    Raises:
        Refused: it holds no rows, or other columns.
    """
    judged = kind.judge(db, operator_id, rows_by_headings(read, kind.headings))
    stored = files.keep(
        db,
        files.write(BytesIO(data), MOST_BYTES),
        kind=FileKind.IMPORT,
        name=name,
        content_type="application/octet-stream",
        operator_id=operator_id,
        by=by,
        now=now,
        lasts=FILE_LASTS,
    )
    batch = Batch(
        operator_id=operator_id,
        kind=kind_word,
        station_id=station.id if station else None,
        file_id=stored.id,
        name=stored.name,
        created_at=now,
        created_by=by,
    )
    db.add(batch)
    db.flush()
    db.execute(insert(BatchRow), [_values(batch, row) for row in judged])
    return batch


def _values(batch: Batch, row: Judged) -> dict[str, Any]:
    return {
        "operator_id": batch.operator_id,
        "batch_id": batch.id,
        "number": row.number,
        "key": row.key,
        "cells": list(row.cells),
        "verdict": row.verdict,
        "reason": row.reason,
    }


def rows_by_headings(rows: Sequence[SheetRow], headings: Sequence[Heading]) -> list[Judged]:
    """The file's rows by those columns, wherever the file has them; refused already are those with formulas and such.

    Raises:
        Refused: it holds no rows, or other columns.
    """
    if not rows:
        raise _nothing()
    places = _places(rows[0], headings)
    body = rows[1:] if places else rows
    if not body:
        raise _nothing()
    where = places or list(range(len(headings)))
    return [_row(row, where) for row in body]


def _row(row: SheetRow, where: Sequence[int | None]) -> Judged:
    cells = tuple(unguarded(row.cell(place)) if place is not None else "" for place in where)
    trouble = row.trouble or (FORMULA if any(cell.startswith("=") for cell in cells) else None)
    return Judged(row.number, cells[0], cells, Verdict.CELL if trouble else Verdict.OK, trouble)


def _places(head: SheetRow, headings: Sequence[Heading]) -> list[int | None] | None:
    """Which column of the file each heading is; None if the first row is no head."""
    found = [
        next((place for place, text in enumerate(head.cells) if heading.is_meant(text)), None) for heading in headings
    ]
    if found[0] is not None:
        return found
    if any(place is not None for place in found):
        sentence = f'There is no column "{headings[0].head}". Download the template and fill that in.'
        raise Refused(sentence, [("file", sentence)])
    return None


def unguarded(text: str) -> str:
    """Without the apostrophe that our own files put before what looks like a formula.

    >>> unguarded("'-HE60"), unguarded("'s-Hertogenbosch")
    ('-HE60', "'s-Hertogenbosch")
    """
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA_STARTS else text


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _nothing() -> Refused:
    sentence = "This file holds no rows. Fill in the template and upload it again."
    return Refused(sentence, [("file", sentence)])


# --- Looking at one ---------------------------------------------------------------------------------------------


def counts(db: Session, batch: Batch) -> dict[Verdict, int]:
    """How many rows have each verdict."""
    found = select(BatchRow.verdict, func.count()).where(BatchRow.batch_id == batch.id).group_by(BatchRow.verdict)
    return dict.fromkeys(Verdict, 0) | dict(db.execute(found).all())


def rows(
    db: Session, batch: Batch, verdicts: Sequence[Verdict], text: str, cursor: str | None, limit: int
) -> paging.Page[BatchRow]:
    """One page of the rows with one of the verdicts, in the order of the file."""
    found = select(BatchRow).where(BatchRow.batch_id == batch.id, BatchRow.verdict.in_(verdicts))
    if text:
        found = found.where(BatchRow.key.icontains(text, autoescape=True))
    keys: list[Any] = [BatchRow.number]
    return paging.fetch_page(db, found, keys, cursor=cursor, limit=limit)


def rejected(db: Session, batch: Batch) -> Iterator[BatchRow]:
    """The rows that will not be imported as they are, in the order of the file."""
    found = select(BatchRow).where(BatchRow.batch_id == batch.id, BatchRow.verdict.in_(BAD))
    return iter(db.scalars(found.order_by(BatchRow.number)))


# --- Importing and undoing ---------------------------------------------------------------------------------------


def start(db: Session, batch: Batch, kind: Kind, *, by: str, now: datetime) -> Job:
    """A job imports what is good.

    Raises:
        Conflict: there is nothing to import, or a job is at it already.
    """
    good = _locked(db, batch)[Verdict.OK]
    if not good:
        raise Conflict("There is nothing left to import.")
    return _queue(db, batch, IMPORT, f"Import of {_counted(good, kind)}", good, by, now)


def undo(db: Session, batch: Batch, kind: Kind, *, by: str, now: datetime) -> Job:
    """A job takes away what the batch added, as far as nobody has used it.

    Raises:
        Conflict: it added nothing that is left, or a job is at it already.
    """
    added = _locked(db, batch)[Verdict.ADDED]
    if not added:
        raise Conflict("There is nothing left to undo.")
    batch.undone_at = now
    return _queue(db, batch, UNDO, f"Undo of {_counted(added, kind)}", added, by, now)


def _locked(db: Session, batch: Batch) -> dict[Verdict, int]:
    db.refresh(batch, with_for_update=True)
    if batch.job is not None and not batch.job.is_over:
        raise Conflict("This file is being worked on already.")
    return counts(db, batch)


def _queue(db: Session, batch: Batch, kind: str, title: str, total: int, by: str, now: datetime) -> Job:
    job = jobs.queue(
        db, kind, title, {"batch": batch.id, "after": 0}, operator_id=batch.operator_id, total=total, by=by, now=now
    )
    batch.job_id = job.id
    db.flush()
    db.expire(batch, ["job"])
    verb = "import started" if kind == IMPORT else "undo started"
    audit.record(
        db, verb, "batch", batch.id, operator_id=batch.operator_id, by=by, now=now, file=batch.name, rows=total
    )
    return job


def _counted(number: int, kind: Kind) -> str:
    return f"{number:,} {kind.noun if number == 1 else kind.nouns}"


def import_step(kinds: Mapping[BatchKind, Kind], place: Workplace, job_id: int, now: datetime) -> None:
    """The next rows of the batch are imported."""

    def add(db: Session, batch: Batch, job: Job, found: Sequence[BatchRow]) -> int:
        kinds[batch.kind].add(db, batch, found, job.asked_by, now)
        return _others(db, found, Verdict.ADDED)

    _step(place, job_id, now, Verdict.OK, add)


def undo_step(kinds: Mapping[BatchKind, Kind], place: Workplace, job_id: int, now: datetime) -> None:
    """The next rows of the batch are undone; `failed` counts what stays."""

    def remove(db: Session, batch: Batch, job: Job, found: Sequence[BatchRow]) -> int:
        kinds[batch.kind].remove(db, batch, found, job.asked_by, now)
        return _others(db, found, Verdict.REMOVED)

    _step(place, job_id, now, Verdict.ADDED, remove)


def _others(db: Session, found: Sequence[BatchRow], verdict: Verdict) -> int:
    """How many of the rows have another verdict by now, as the database has it."""
    others = select(func.count()).where(BatchRow.id.in_([row.id for row in found]), BatchRow.verdict != verdict)
    return db.scalar(others) or 0


def _step(
    place: Workplace,
    job_id: int,
    now: datetime,
    verdict: Verdict,
    do: Callable[[Session, Batch, Job, Sequence[BatchRow]], int],
) -> None:
    with place.transaction() as db:
        job = jobs.locked(db, job_id)
        if job.is_over:
            return
        batch = db.get_one(Batch, job.detail["batch"])
        wanted = select(BatchRow).where(BatchRow.batch_id == batch.id, BatchRow.verdict == verdict)
        wanted = wanted.where(BatchRow.number > job.detail["after"]).order_by(BatchRow.number)
        found = list(db.scalars(wanted.limit(STEP_ROWS).with_for_update()))
        if found:
            failed = do(db, batch, job, found)
            jobs.advance(job, done=len(found), failed=failed, after=found[-1].number)
        if len(found) < STEP_ROWS:
            jobs.finish(job, now)


def mark(db: Session, marks: Sequence[dict[str, Any]]) -> None:
    """Those rows (`id` and new values) are as told."""
    if marks:
        db.execute(update(BatchRow), list(marks))
        db.flush()


def forget(db: Session, now: datetime) -> None:
    """Uploads of which nothing was ever imported are gone after a while."""
    old = select(Batch.id).where(Batch.created_at < now - FORGOTTEN_AFTER, Batch.job_id.is_(None)).limit(MOST_FORGOTTEN)
    ids = list(db.scalars(old))
    db.execute(delete(BatchRow).where(BatchRow.batch_id.in_(ids)))
    db.execute(delete(Batch).where(Batch.id.in_(ids)))
