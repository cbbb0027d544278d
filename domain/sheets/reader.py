"""`python -m domain.sheets.reader MOST_ROWS`: a spreadsheet on standard input, JSON on standard output.

Only ever run by domain/sheets/reading.py. What it cannot read makes it exit with 1.
"""

import csv
import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

MOST_MEMORY_BYTES = 150 * 1024 * 1024
MOST_CPU_S = 8
MOST_UNPACKED_BYTES = 20 * 1024 * 1024
MOST_PARTS = 200
MOST_COLUMNS = 40
LONGEST_CELL = 1000
# Excel keeps 15 digits of a number; a longer one has lost its end when it was typed.
MOST_EXACT_DIGITS = 15

Row = tuple[int, list[str], str | None]


class Unreadable(Exception):
    """The file is refused with that sentence."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    data, most_rows = sys.stdin.buffer.read(), int(sys.argv[1])
    try:
        rows = _limited(_xlsx_rows(data) if data.startswith(b"PK") else _csv_rows(data), most_rows)
        answer: dict[str, Any] = {"rows": list(rows)}
    except Unreadable as refusal:
        answer = {"refused": str(refusal)}
    json.dump(answer, sys.stdout)


def _limited(rows: Iterator[Row], most_rows: int) -> Iterator[Row]:
    count = 0
    for number, cells, trouble in rows:
        if number > 2 * most_rows:  # empty ones cost time too
            raise Unreadable("There is something far below the last row. Copy the rows into a fresh template.")
        if not any(cells):
            continue
        count += 1
        if count > most_rows + 1:  # and the head
            raise Unreadable(f"This file has more than {most_rows:,} rows. Split it.")
        while cells and not cells[-1]:
            cells.pop()
        yield number, cells, trouble


def _csv_rows(data: bytes) -> Iterator[Row]:
    text = _decoded(data)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(LONGEST_CELL * 10)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS:
                raise Unreadable(f"Row {reader.line_num} has more than {MOST_COLUMNS} columns.")
            yield reader.line_num, *_checked([cell.strip() for cell in cells])
    except csv.Error as error:
        raise Unreadable(f"Row {reader.line_num} cannot be read: {error}.") from error


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable("Save the file as XLSX or as CSV in UTF-8.") from error
    if "\0" in text:
        raise Unreadable("This is neither XLSX nor CSV. Download the template, fill it in and upload it again.")
    return text


def _xlsx_rows(data: bytes) -> Iterator[Row]:
    _check_parts(data)
    import openpyxl  # not before the limits are set

    if not openpyxl.DEFUSEDXML:
        raise RuntimeError("defusedxml is not installed.")
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what the file says about its size is not believed
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if any(cell.value is not None for cell in cells[MOST_COLUMNS:]):
            raise Unreadable(f"Row {number} has more than {MOST_COLUMNS} columns.")
        texts: list[str] = []
        trouble = None
        for cell in cells[:MOST_COLUMNS]:
            text, odd = _cell_text(cell.value, cell.data_type)
            texts.append(text)
            trouble = trouble or odd
        checked, long = _checked(texts)
        yield number, checked, trouble or long


def _check_parts(data: bytes) -> None:
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except zipfile.BadZipFile as error:
        raise Unreadable("This XLSX file is damaged. Save it again, then upload it.") from error
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
        raise Unreadable("This file unfolds to far more than a list of devices. Copy the rows into a fresh template.")
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise Unreadable("This is no XLSX file. Save it as XLSX or CSV, then upload it.")


def _cell_text(value: Any, kind: str) -> tuple[str, str | None]:
    """The cell as text, and what is odd about it."""
    if value is None:
        return "", None
    if kind == "f":
        return str(value), "A cell holds a formula. Type the value itself."
    if isinstance(value, bool):
        return str(value).upper(), None
    if isinstance(value, int | float):
        digits = f"{value:.0f}" if float(value).is_integer() else repr(value)
        if len(digits.lstrip("-")) > MOST_EXACT_DIGITS:
            return digits, "A number is longer than a spreadsheet keeps. Format the column as text and type it again."
        return digits, None
    if isinstance(value, datetime | date | time):
        return value.isoformat(), "A cell was taken for a date. Format the column as text and type it again."
    return str(value).strip(), None


def _checked(cells: list[str]) -> tuple[list[str], str | None]:
    if any(len(cell) > LONGEST_CELL for cell in cells):
        return [cell[:LONGEST_CELL] for cell in cells], f"A cell is longer than {LONGEST_CELL} characters."
    return cells, None


if __name__ == "__main__":
    main()
