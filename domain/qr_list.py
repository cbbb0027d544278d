"""An operator's QR codes, the newest first, with what each leads to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session, joinedload

from domain import paging
from domain.models.chargers import Charger, QrCode

COUNT_UP_TO = 10_000


class View(StrEnum):
    """The saved views of the list."""

    ALL = "all"
    FREE = "free"
    ASSOCIATED = "associated"


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to. `made_at`: the codes that were made together at that moment."""

    view: View = View.ALL
    text: str = ""
    station_id: int | None = None
    made_at: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.ALL or self.text or self.station_id or self.made_at)


def page(db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int) -> paging.Page[QrCode]:
    """One page of codes, each with its charger and station."""
    found: Any = select(QrCode).where(*_conditions(operator_id, wanted))
    found = found.options(joinedload(QrCode.charger).joinedload(Charger.station))
    keys: list[Any] = [QrCode.id]
    return paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)


def each(db: Session, operator_id: int | None, wanted: Filter) -> Iterator[QrCode]:
    """Every code that the filter keeps, fetched in slices."""
    cursor: str | None = None
    while True:
        found = page(db, operator_id, wanted, cursor, 500)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


def ids(db: Session, operator_id: int | None, wanted: Filter, most: int) -> list[int]:
    """The ids of the codes that the filter keeps, oldest first: the order of a printed sheet."""
    found = select(QrCode.id).where(*_conditions(operator_id, wanted))
    return list(db.scalars(found.order_by(QrCode.id).limit(most)))


def counts(db: Session, operator_id: int | None, wanted: Filter) -> dict[View, int]:
    """How many codes each view holds; COUNT_UP_TO + 1 stands for more."""
    made = {}
    for view in View:
        some = select(literal(1)).where(*_conditions(operator_id, replace(wanted, view=view))).limit(COUNT_UP_TO + 1)
        made[view] = db.scalar(select(func.count()).select_from(some.subquery())) or 0
    return made


def _conditions(operator_id: int | None, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [QrCode.operator_id == operator_id]
    if wanted.view is View.FREE:
        conditions.append(QrCode.charger_id.is_(None))
    elif wanted.view is View.ASSOCIATED:
        conditions.append(QrCode.charger_id.is_not(None))
    if wanted.made_at is not None:
        conditions.append(QrCode.created_at == wanted.made_at)
    mine = select(Charger.id).where(Charger.operator_id == operator_id)
    if wanted.station_id is not None:
        conditions.append(QrCode.charger_id.in_(mine.where(Charger.station_id == wanted.station_id)))
    if wanted.text:
        code = "".join(character for character in wanted.text.upper() if character.isalnum())
        columns = (Charger.label, Charger.device_id, Charger.uuid)
        named = [column.icontains(wanted.text.strip(), autoescape=True) for column in columns]
        leads_there = QrCode.charger_id.in_(mine.where(named[0] | named[1] | named[2]))
        conditions.append(QrCode.code.startswith(code, autoescape=True) | leads_there if code else leads_there)
    return conditions
