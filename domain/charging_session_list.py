"""An operator's charging sessions, the ones heard of last first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, literal, or_, select, union
from sqlalchemy.orm import Session, joinedload

from domain import paging
from domain.charger_states import IS_RUNNING
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.orders import Order
from domain.models.stations import Station
from domain.models.tokens import Token

COUNT_UP_TO = 10_000
# Flags are looked for in the last months only: no index knows them.
FLAGGED_SINCE = timedelta(days=92)


class View(StrEnum):
    """The saved views of the list."""

    ALL = "all"
    RUNNING = "running"
    COMPLETED = "completed"
    FLAGGED = "flagged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    view: View = View.ALL
    text: str = ""
    station_id: int | None = None
    charger_id: int | None = None

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.ALL or self.text or self.station_id)


def page(
    db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int, now: datetime
) -> paging.Page[tuple[ChargingSession, Order | None]]:
    """One page of sessions, each with its order if it has one."""
    found: Any = select(ChargingSession, Order).outerjoin(Order, Order.charging_session_id == ChargingSession.id)
    related = (
        joinedload(ChargingSession.charger),
        joinedload(ChargingSession.station),
        joinedload(ChargingSession.payment),
    )
    found = found.where(*_conditions(operator_id, wanted, now)).options(*related)
    keys: list[Any] = [ChargingSession.started_at, ChargingSession.id] if wanted.charger_id else [ChargingSession.id]
    return paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)


def each(
    db: Session, operator_id: int | None, wanted: Filter, now: datetime
) -> Iterator[tuple[ChargingSession, Order | None]]:
    """Every session that the filter keeps, fetched in slices."""
    cursor: str | None = None
    while True:
        found = page(db, operator_id, wanted, cursor, 500, now)
        yield from found.rows
        db.expunge_all()
        cursor = found.next
        if cursor is None:
            return


def counts(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> dict[View, int]:
    """How many sessions each view holds; COUNT_UP_TO + 1 stands for more."""
    made = {}
    for view in View:
        conditions = _conditions(operator_id, replace(wanted, view=view), now)
        some = select(literal(1)).select_from(ChargingSession).where(*conditions).limit(COUNT_UP_TO + 1)
        made[view] = db.scalar(select(func.count()).select_from(some.subquery())) or 0
    return made


def _conditions(operator_id: int | None, wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [ChargingSession.operator_id == operator_id]
    if wanted.view == View.RUNNING:
        chargers = select(Charger.id).where(Charger.operator_id == operator_id)
        conditions += [IS_RUNNING, ChargingSession.charger_id.in_(chargers)]
    elif wanted.view == View.FLAGGED:
        stations = select(Station.id).where(Station.operator_id == operator_id)
        conditions += [is_flagged(), ChargingSession.started_at >= now - FLAGGED_SINCE]
        conditions.append(ChargingSession.station_id.in_(stations))
    elif wanted.view != View.ALL:
        conditions.append(ChargingSession.status == SessionStatus(wanted.view.value))
    if wanted.station_id is not None:
        conditions.append(ChargingSession.station_id == wanted.station_id)
    if wanted.charger_id is not None:
        conditions.append(ChargingSession.charger_id == wanted.charger_id)
    if wanted.text:
        conditions.append(ChargingSession.id.in_(_matching(operator_id, wanted.text.strip())))
    return conditions


def is_flagged() -> ColumnElement[bool]:
    """The session carries a flag, as an expression."""
    return cast(ChargingSession.flags, String) != "[]"


def _matching(operator_id: int | None, text: str) -> Any:
    """Ids of sessions whose number, transaction id, card or charger is the text; each by its own index."""
    mine = select(ChargingSession.id).where(ChargingSession.operator_id == operator_id)
    named = or_(*(each.icontains(text, autoescape=True) for each in (Charger.label, Charger.device_id)))
    chargers = select(Charger.id).where(Charger.operator_id == operator_id, named)
    cards = select(Token.id).where(Token.operator_id == operator_id, Token.uid_key == text.upper())
    ways = [mine.where(ChargingSession.charger_id.in_(chargers)), mine.where(ChargingSession.token_id.in_(cards))]
    if re.fullmatch(r"[0-9]{1,18}", text):
        ways.append(mine.where(or_(ChargingSession.id == int(text), ChargingSession.transaction_id == text)))
    return union(*ways)


def meter_values(db: Session, charging_session_id: int, cursor: str | None, limit: int) -> paging.Page[MeterValue]:
    """One page of a session's meter values, oldest first."""
    found = select(MeterValue).where(MeterValue.charging_session_id == charging_session_id)
    keys: list[Any] = [MeterValue.at, MeterValue.id]
    return paging.fetch_page(db, found, keys, cursor=cursor, limit=limit)
