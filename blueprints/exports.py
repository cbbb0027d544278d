"""Lists as downloads."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, send_file

from domain.errors import Refused
from domain.sheets.writing import CSV, XLSX, Column, csv_file, xlsx_file

MOST_ROWS = 100_000  # the file is made in memory while the person waits

__all__ = ["Column", "answer", "local"]


def local(at: datetime | None, zone: str) -> datetime | None:
    """The moment on the station's clock."""
    return at.astimezone(ZoneInfo(zone)) if at else None


def answer(kind: str, name: str, columns: Sequence[Column], rows: Iterable[Any]) -> Response:
    """The rows as a download; `kind` is "csv" or "xlsx".

    Raises:
        Refused: there are too many.
    """
    limited = _limited(rows)
    file = csv_file(columns, limited) if kind == "csv" else xlsx_file(name, columns, limited)
    mimetype = CSV if kind == "csv" else XLSX
    return send_file(file, mimetype=mimetype, as_attachment=True, download_name=f"{name}.{kind}")


def _limited(rows: Iterable[Any]) -> Iterator[Any]:
    for number, row in enumerate(rows):
        if number == MOST_ROWS:
            raise Refused(f"These are more than {MOST_ROWS:,} rows. Narrow the filter, for example to one month.")
        yield row
