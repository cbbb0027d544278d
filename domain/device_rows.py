"""Rows of device id and device account, typed or from a spreadsheet: which are good, what is wrong with the rest."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from domain import batches, chargers
from domain.device_batches import HEADINGS
from domain.errors import Refused
from domain.sheets.reading import read_rows
from domain.sheets.template import template_file

_HELP = (
    ("How to fill it in", ""),
    ("Rows", "One row for each charger in the sheet Devices. Other columns and sheets are not read."),
    (
        "device id",
        "As printed on the charger, capitals and small letters alike. The charger sends it when it connects.",
    ),
    ("device account", "The account number that came with the charger."),
    ("Text, not numbers", "Both columns are text: a number keeps its zeros in front and all its digits."),
    ("No formulas", "Type or paste values. Rows with formulas or dates are told as wrong."),
)


@dataclass(frozen=True)
class DeviceRow:
    """One charger as somebody typed it."""

    device_id: str
    device_account: str
    trouble: str | None = None  # what the spreadsheet says about its cells

    @property
    def is_empty(self) -> bool:
        return not (self.device_id or self.device_account or self.trouble)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: its index, the field, a sentence."""

    index: int
    field: str
    sentence: str


def faults(db: Session, rows: Sequence[DeviceRow]) -> list[Fault]:
    """What is wrong with each row: rubbish, missing parts, the same id twice, an id that is registered already."""
    found = [fault for index, row in enumerate(rows) for fault in _of_row(index, row)]
    found += _twice(rows)
    known = chargers.registered(db, (row.device_id for row in rows if "\0" not in row.device_id))
    return found + [
        Fault(index, "device_id", "A charger with this device id is registered already.")
        for index, row in enumerate(rows)
        if row.device_id.lower() in known
    ]


def from_sheet(data: bytes, *, most: int) -> list[DeviceRow]:
    """The rows of an uploaded spreadsheet, without its head.

    Raises:
        Refused: it is no spreadsheet, is empty, or has more than `most` rows.
    """
    rows = batches.rows_by_headings(read_rows(data, most_rows=most), HEADINGS)
    if len(rows) > most:
        sentence = f"This file has more than {most} devices."
        raise Refused(sentence, [("file", sentence)])
    made = [DeviceRow(row.cells[0], row.cells[1], row.reason) for row in rows]
    return [row for row in made if not row.is_empty]


def template() -> io.BytesIO:
    """The spreadsheet to fill in: two text columns, and a sheet that explains them."""
    return template_file("Devices", [heading.head for heading in HEADINGS], _HELP)


def _of_row(index: int, row: DeviceRow) -> Iterator[Fault]:
    if row.trouble:
        yield Fault(index, "device_id", row.trouble)
    if not row.device_id:
        yield Fault(index, "device_id", "Type the device id.")
    elif sentence := chargers.identity_trouble(row.device_id):
        yield Fault(index, "device_id", sentence)
    if not row.device_account:
        yield Fault(index, "device_account", "Type the device account.")
    elif sentence := chargers.account_trouble(row.device_account):
        yield Fault(index, "device_account", sentence)


def _twice(rows: Sequence[DeviceRow]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        earlier = first.setdefault(row.device_id.lower(), index)
        if row.device_id and earlier != index:
            yield Fault(index, "device_id", f"This is the device id of row {earlier + 1} too.")
