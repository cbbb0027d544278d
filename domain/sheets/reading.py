"""Reads a spreadsheet that somebody sent, in a process of its own with little memory and time.

A file of 158 KiB can unfold to half a gigabyte; whatever it does, it does it there.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Refused

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 10_000
# The reader itself ends after 8 s of computing; this is for a machine so busy that good files take long, too.
TIME_LIMIT_S = 10
_ROOT = Path(__file__).resolve().parents[2]
_BROKEN = "This file cannot be read as XLSX or CSV. Download the template, fill it in and upload it again."
_TOO_HARD = "This file takes too long or too much memory to read. Copy the rows into a fresh template."


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row that holds something: its number in the file (from 1), its cells as trimmed text, and what is odd."""

    number: int
    cells: tuple[str, ...]
    trouble: str | None = None

    def cell(self, index: int) -> str:
        """That cell, or an empty text where the row is shorter."""
        return self.cells[index] if index < len(self.cells) else ""


def read_rows(data: bytes, *, most_rows: int = MOST_ROWS) -> list[SheetRow]:
    """The rows of the first sheet of an XLSX file, or of a CSV file, empty ones left out. The head is a row as others.

    Raises:
        Refused: it is too large, too long, or no spreadsheet.
    """
    if len(data) > MOST_BYTES:
        raise _refused(f"This file is larger than {MOST_BYTES // 1024**2} MiB. Split it.")
    command = [sys.executable, "-m", "domain.sheets.reader", str(most_rows)]
    try:
        read = subprocess.run(command, input=data, capture_output=True, timeout=TIME_LIMIT_S, cwd=_ROOT)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise _refused(_TOO_HARD) from error
    if read.returncode < 0 or b"MemoryError" in read.stderr:
        raise _refused(_TOO_HARD)
    if read.returncode != 0:
        raise _refused(_BROKEN)
    answer = json.loads(read.stdout)
    if "refused" in answer:
        raise _refused(answer["refused"])
    return [SheetRow(number, tuple(cells), trouble) for number, cells, trouble in answer["rows"]]


def _refused(sentence: str) -> Refused:
    return Refused(sentence, [("file", sentence)])
