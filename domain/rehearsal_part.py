"""Compares a part of a rehearsal in a process of its own, so that a long one uses every core.

Run as `python -m domain.rehearsal_part`.
What to do comes as JSON on standard input (an address of a database is nobody else's business), the result goes out the
same way.
"""

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.orm import Session

from domain.db import make_engine, read_only
from domain.models.price_drafts import Rehearsal
from domain.rehearsal_compare import Compared, Sums, compare_slice

log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[1]
_BEHIND_THE_SIDECAR = 5  # chargers are answered first


def begin(database_url: str, rehearsal_id: int, after: Sequence[Any] | None, limit: int) -> subprocess.Popen[bytes]:
    """The sessions behind that place are being compared elsewhere."""
    command = [sys.executable, "-m", "domain.rehearsal_part"]
    part = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)  # noqa: S603
    assert part.stdin is not None  # noqa: S101 - it was asked for
    part.stdin.write(orjson.dumps({"url": database_url, "rehearsal": rehearsal_id, "after": after, "limit": limit}))
    part.stdin.close()
    return part


def result(part: subprocess.Popen[bytes]) -> Compared | None:
    """What came of it; None if the process came to grief."""
    assert part.stdout is not None  # noqa: S101 - it was asked for
    said = part.stdout.read()
    part.stdout.close()
    if part.wait() != 0:
        log.warning("a part of a rehearsal ended with %s", part.returncode)
        return None
    found = orjson.loads(said)
    return Compared(found["lines"], Sums(**found["sums"]), found["count"], found["last"])


def main() -> None:
    """Reads what to do, does it, tells what came of it."""
    os.nice(_BEHIND_THE_SIDECAR)
    gc.disable()  # it lives for seconds and leaves no rings behind; looking for them takes a tenth of the time
    asked = orjson.loads(sys.stdin.buffer.read())
    with read_only(), Session(make_engine(asked["url"])) as db:
        rehearsal = db.get_one(Rehearsal, asked["rehearsal"])
        found = compare_slice(db, rehearsal, asked["after"], asked["limit"])
    sys.stdout.buffer.write(orjson.dumps(asdict(found)))


if __name__ == "__main__":
    main()
