"""Lists as files: CSV (UTF-8 with BOM, ISO times, decimal points) and XLSX (real numbers and dates, fixed head).

Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers and dates keep their type.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Excel keeps no other control characters.
_NOT_IN_XLSX = dict.fromkeys([*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20)])


class Column(NamedTuple):
    """A head and how a row gives its value: text, int, Decimal, or an aware datetime in the zone to show."""

    head: str
    value: Callable[[Any], Any]


def csv_file(columns: Sequence[Column], rows: Iterable[Any]) -> io.BytesIO:
    """The rows as CSV, ready to be read from its start."""
    file = io.BytesIO()
    wrapped = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(wrapped)
    writer.writerow([column.head for column in columns])
    writer.writerows(_csv_rows(columns, rows))
    wrapped.detach()
    file.seek(0)
    return file


def xlsx_file(title: str, columns: Sequence[Column], rows: Iterable[Any]) -> io.BytesIO:
    """The rows as XLSX with one sheet of that title, ready to be read from its start."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title.capitalize()[:31])
    sheet.freeze_panes = "A2"
    sheet.append([_head(sheet, column.head) for column in columns])
    for row in rows:
        sheet.append([_xlsx_cell(sheet, column.value(row)) for column in columns])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def guarded(text: str) -> str:
    """
    >>> guarded("=1+1"), guarded("Pier 4")
    ("'=1+1", 'Pier 4')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _csv_rows(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[list[str]]:
    return ([_csv_cell(column.value(row)) for column in columns] for row in rows)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return f"{value:f}" if isinstance(value, Decimal) else str(value) if isinstance(value, int) else guarded(str(value))


def _xlsx_cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value.replace(tzinfo=None, microsecond=0))  # Excel knows no zones
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
        return cell
    if value is None or isinstance(value, int | Decimal):
        return value
    cell = WriteOnlyCell(sheet, guarded(str(value).translate(_NOT_IN_XLSX)))
    cell.data_type = "s"
    return cell


def _head(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell
