"""Templates to fill in: a sheet whose columns are text, so that long numbers keep their digits, and a sheet of help."""

import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

TEXT = "@"
_WIDTH, _HELP_WIDTHS = 32, (24, 90)


def template_file(title: str, heads: Sequence[str], help_rows: Sequence[tuple[str, str]]) -> io.BytesIO:
    """An XLSX file with an empty sheet of that title under the heads, and a sheet "Help".

    Args:
        help_rows: (what, sentence); an empty sentence makes a heading.
    """
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    sheet.freeze_panes = "A2"
    for number, head in enumerate(heads, start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = _WIDTH
        sheet.column_dimensions[letter].number_format = TEXT
        cell = sheet.cell(1, number, head)
        cell.font, cell.number_format = Font(bold=True), TEXT
    _help(book.create_sheet("Help"), help_rows)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def _help(sheet: Worksheet, rows: Sequence[tuple[str, str]]) -> None:
    for letter, width in zip("AB", _HELP_WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    for number, (what, sentence) in enumerate(rows, start=1):
        first = sheet.cell(number, 1, what)
        first.number_format = TEXT
        if not sentence:
            first.font = Font(bold=True)
            continue
        second = sheet.cell(number, 2, sentence)
        second.number_format, second.alignment = TEXT, Alignment(wrap_text=True, vertical="top")
