"""Associating many codes from a list: a verdict for each row first, then the good ones in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import qr_codes
from domain.errors import DomainError, Refused
from domain.models.chargers import Charger, QrCode
from domain.qr_codes import Others
from domain.sheets.reading import SheetRow

MOST_ROWS = 5000
_HEADS = {"code", "qr code", "qr"}


@dataclass(slots=True)
class Verdict:
    """What a row asks for and whether it can be done; `problem` empty if so."""

    row: int
    code: str
    uuid: str
    connector: str
    problem: str = ""
    found: QrCode | None = None
    charger: Charger | None = None

    @property
    def connector_number(self) -> int | None:
        return int(self.connector) if self.connector else None


def judged(db: Session, operator_id: int, rows: Sequence[SheetRow]) -> list[Verdict]:
    """Each row's verdict; columns are code, uuid and perhaps connector, a head is left out.

    Raises:
        Refused: there is no row.
    """
    data = rows[1:] if rows and rows[0].cell(0).lower() in _HEADS else rows
    if not data:
        raise Refused("There is no row in this file. Column A holds the code, column B the charger's uuid.")
    made = [Verdict(row.number, row.cell(0), row.cell(1), row.cell(2), row.trouble or "") for row in data]
    seen: dict[str, int] = {}
    for verdict in made:
        if verdict.problem:
            continue
        try:
            _judge(db, operator_id, verdict, seen)
        except DomainError as refusal:
            verdict.problem = str(refusal)
    return made


def apply(db: Session, verdicts: Sequence[Verdict], *, by: str, now: datetime) -> int:
    """Every good row is done, other codes of the same plug stay; returns how many."""
    good = [verdict for verdict in verdicts if not verdict.problem]
    for verdict in good:
        assert verdict.found is not None and verdict.charger is not None  # noqa: S101 - a good row has both
        plug = verdict.connector_number
        qr_codes.associate(db, verdict.found, verdict.charger, plug, Others.KEEP, by=by, now=now)
    return len(good)


def _judge(db: Session, operator_id: int, verdict: Verdict, seen: dict[str, int]) -> None:
    if verdict.connector and not (verdict.connector.isascii() and verdict.connector.isdigit()):
        raise Refused("The connector is a number such as 1, or left out.")
    if len(verdict.connector) > 3:
        raise Refused("There is no such connector.")
    code = qr_codes.find(db, verdict.code.rpartition("/c/")[2])
    if code is None or code.operator_id != operator_id:
        raise Refused("There is no such code. Generate it first.")
    if code.code in seen:
        raise Refused(f"The same code stands in row {seen[code.code]}.")
    seen[code.code] = verdict.row
    verdict.found = code
    verdict.charger = qr_codes.find_charger(db, operator_id, verdict.uuid)
    if code.charger_id not in (None, verdict.charger.id):
        label = db.scalar(select(Charger.label).where(Charger.id == code.charger_id))
        raise Refused(f"This code leads to {label}. Unbind it there first.")
    plug = verdict.connector_number
    if plug is not None and plug not in {each.number for each in verdict.charger.connectors if each.number > 0}:
        raise Refused("This charger has no such connector.")
