"""The sessions of a rehearsal, the biggest differences first."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from domain import paging
from domain.models.chargers import Charger
from domain.models.price_drafts import Rehearsal, RehearsalLine


class View(StrEnum):
    """The saved views of a rehearsal."""

    ALL = "all"
    DEARER = "dearer"
    CHEAPER = "cheaper"
    SAME = "same"
    FLAGGED = "flagged"


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the sessions to; `text` is looked for in the charger's name and device id."""

    view: View = View.ALL
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        return self.view != View.ALL or bool(self.text)


def latest(db: Session, station_id: int) -> Rehearsal | None:
    """The station's last rehearsal."""
    found = select(Rehearsal).where(Rehearsal.station_id == station_id).order_by(Rehearsal.id.desc())
    return db.scalar(found.limit(1))


def page(
    db: Session, rehearsal: Rehearsal, wanted: Filter, cursor: str | None, limit: int
) -> paging.Page[RehearsalLine]:
    """One page of sessions."""
    keys: list[Any] = [RehearsalLine.size_minor, RehearsalLine.charging_session_id]
    lines = select(RehearsalLine).where(*_conditions(rehearsal, wanted))
    lines = lines.options(joinedload(RehearsalLine.charging), joinedload(RehearsalLine.charger))
    return paging.fetch_page(db, lines, keys, descending=True, cursor=cursor, limit=limit)


def each(db: Session, rehearsal: Rehearsal, wanted: Filter) -> Iterator[RehearsalLine]:
    """Every session that the filter keeps, fetched in slices."""
    cursor: str | None = None
    while True:
        found = page(db, rehearsal, wanted, cursor, 1000)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


def _conditions(rehearsal: Rehearsal, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [RehearsalLine.rehearsal_id == rehearsal.id]
    by_view: dict[View, ColumnElement[bool]] = {
        View.DEARER: RehearsalLine.change_minor > 0,
        View.CHEAPER: RehearsalLine.change_minor < 0,
        View.SAME: RehearsalLine.change_minor == 0,
        View.FLAGGED: RehearsalLine.is_flagged.is_(True),
    }
    if wanted.view in by_view:
        conditions.append(by_view[wanted.view])
    if wanted.text:
        named = (each.icontains(wanted.text, autoescape=True) for each in (Charger.label, Charger.device_id))
        first, second = named
        mine = select(Charger.id).where(Charger.operator_id == rehearsal.operator_id, first | second)
        conditions.append(RehearsalLine.charger_id.in_(mine))
    return conditions
