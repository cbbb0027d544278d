"""Spreadsheets that strangers send: what is good is read, what is hostile is refused soon and in a sentence."""

import io
import time
import zipfile
from datetime import date

import pytest

from domain.errors import Refused
from domain.sheets.reading import MOST_BYTES, TIME_LIMIT_S, read_rows
from tests.domain.batch_world import HEAD, csv_of, with_sheet, xlsx_of

SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
ROW = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>D%d</t></is></c></row>'


def cells(data):
    return [row.cells for row in read_rows(data)]


def test_xlsx_is_read_as_text():
    rows = read_rows(xlsx_of(HEAD, ("D1", 4711), (None, None), (12.0, 12.5), ("  D3 ", True)))

    assert [(row.number, row.cells) for row in rows] == [
        (1, HEAD),
        (2, ("D1", "4711")),
        (4, ("12", "12.5")),
        (5, ("D3", "TRUE")),
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [("=1+1", "formula"), (date(2026, 1, 2), "date"), (1234567890123456, "longer than a spreadsheet keeps")],
)
def test_a_cell_that_is_not_what_was_typed_is_odd(value, said):
    (row,) = read_rows(xlsx_of((value, "A1")))

    assert said in (row.trouble or "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_as_spreadsheets_write_it(encoding, delimiter):
    assert cells(csv_of(HEAD, ("Dä1", "A1"), encoding=encoding, delimiter=delimiter)) == [HEAD, ("Dä1", "A1")]


def test_csv_in_letters_that_nobody_can_tell_is_refused_with_the_way_out():
    with pytest.raises(Refused, match="CSV in UTF-8"):
        read_rows("D1;Länsi".encode("cp1252"))


def _sheet(*rows: bytes) -> bytes:
    return with_sheet(SHEET % b"".join(rows))


def _padded_strings() -> bytes:
    strings = (
        b"<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>" + b"<si><t>x</t></si>" * 1_300_000
    )
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_of(HEAD))) as good, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bad:
        for part in good.namelist():
            bad.writestr(part, good.read(part))
        bad.writestr("xl/sharedStrings.xml", strings + b"</sst>")
    return file.getvalue()


def _lying_zip() -> bytes:
    """The directory says that the sheet is small; it is not."""
    data = bytearray(_sheet(*(ROW % (n, n, n) for n in range(1, 400_000))))
    central = data.rfind(b"PK\x01\x02", 0, data.find(b"xl/worksheets/sheet1.xml", data.find(b"PK\x01\x02")))
    data[central + 24 : central + 28] = (1000).to_bytes(4, "little")
    return bytes(data)


def _many_parts() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bad:
        for number in range(5000):
            bad.writestr(f"xl/{number}", b"")
    return file.getvalue()


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
HOSTILE = {
    "far more unpacked than packed": lambda: _sheet(*(ROW % (n, n, n) for n in range(1, 400_000))),
    "a directory that lies": _lying_zip,
    "very deep": lambda: with_sheet(b"<worksheet>" + b"<a>" * 1_000_000 + b"</a>" * 1_000_000 + b"</worksheet>"),
    "entities that multiply": lambda: with_sheet(ENTITIES + b"]><worksheet>&j;</worksheet>"),
    "a file of the system": lambda: with_sheet(
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SHEET % b'<row r="1"><c r="A1"><v>&a;</v></c></row>'
    ),
    "strings without end": _padded_strings,
    "thousands of parts": _many_parts,
    "10,001 rows and a head": lambda: csv_of(HEAD, *((f"D{n}", "") for n in range(10_001))),
    "a row at the end of the world": lambda: _sheet(ROW % (1_048_576, 1_048_576, 1)),
    "more than 2 MiB": lambda: b"x" * (MOST_BYTES + 1),
    "garbage after PK": lambda: b"PK\x03\x04" + b"\xa5" * 4000,
    "garbage": lambda: bytes(range(256)) * 40,
    "an encrypted workbook": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000,
    "no workbook in the zip": _many_parts,
    "a text of NULs": lambda: b"D1,\0\0\0",
    "one endless cell": lambda: b'"' + b"x" * 2_000_000,
    "columns without end": lambda: b"," * 1_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_refuses(kind):
    data = HOSTILE[kind]()
    began = time.monotonic()

    with pytest.raises(Refused) as refusal:
        read_rows(data)

    assert time.monotonic() - began < TIME_LIMIT_S + 2
    assert str(refusal.value).endswith(".")
    assert [name for name, _ in refusal.value.errors] == ["file"]


def test_a_formula_in_csv_is_text_for_the_reader():
    assert cells(b"=1+1,A1") == [("=1+1", "A1")]


def test_ten_thousand_rows_are_read():
    assert len(read_rows(csv_of(HEAD, *((f"D{n}", "A") for n in range(10_000))))) == 10_001
