"""An operator's devices as Interoperability -> Devices lists them, retired ones too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, case, cast, func, or_, select
from sqlalchemy.orm import Session

from domain import paging
from domain.charger_states import NOT_ONLINE, ChargerWord, charger_word
from domain.models.chargers import Charger
from domain.models.stations import Station


class View(StrEnum):
    """The saved views; all but the last show what is in use."""

    IN_USE = "in_use"
    ONLINE = "online"
    OFFLINE = "offline"
    NEVER = "never_connected"
    RETIRED = "retired"


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    view: View = View.IN_USE
    text: str = ""
    station_id: int | None = None

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.IN_USE or self.text or self.station_id)


@dataclass(frozen=True)
class DeviceRow:
    """A device as the list shows it."""

    charger: Charger
    station: Station
    word: ChargerWord

    @property
    def connection(self) -> str:
        """The word of its connection alone: what its plugs do belongs to Chargers."""
        return self.word.value if self.word in NOT_ONLINE else "Online"


SORTS = ("-added", "added", "device", "-device", "station", "-station")


def page(
    db: Session, operator_id: int | None, wanted: Filter, now: datetime, sort: str, cursor: str | None, limit: int
) -> paging.Page[DeviceRow]:
    """One page of the list; `sort` is one of SORTS."""
    keys: dict[str, list[Any]] = {
        "added": [Charger.created_at, Charger.id],
        "device": [func.lower(Charger.label, type_=Text()), Charger.id],
        "station": [func.lower(Station.name, type_=Text()), func.lower(Charger.label, type_=Text()), Charger.id],
    }
    found = paging.fetch_page(
        db,
        _all_of(operator_id, wanted, now),
        keys.get(sort.removeprefix("-"), keys["added"]),
        descending=sort.startswith("-"),
        cursor=cursor,
        limit=limit,
    )
    rows = [DeviceRow(charger, station, ChargerWord(word)) for charger, station, word in found.rows]
    return paging.Page(rows, found.previous, found.next)


def each(db: Session, operator_id: int | None, wanted: Filter, now: datetime, sort: str) -> Iterator[DeviceRow]:
    """Every row of the list, page by page."""
    cursor = None
    while True:
        found = page(db, operator_id, wanted, now, sort, cursor, 500)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


def counts(db: Session, operator_id: int | None, wanted: Filter) -> dict[View, int]:
    """How many devices each view holds under the other filters."""
    state = case(
        (Charger.retired_at.is_not(None), View.RETIRED.value),
        (Charger.connected_at.is_(None), View.NEVER.value),
        (Charger.node.is_(None), View.OFFLINE.value),
        else_=View.ONLINE.value,
    )
    found = select(state.label("state")).where(Charger.operator_id == operator_id, *_named(wanted)).subquery()
    by_state: dict[str, int] = dict(db.execute(select(found.c.state, func.count()).group_by(found.c.state)).all())
    counted = {view: by_state.get(view.value, 0) for view in View}
    return counted | {View.IN_USE: sum(counted.values()) - counted[View.RETIRED]}


def _all_of(operator_id: int | None, wanted: Filter, now: datetime) -> Select[Any]:
    found: Select[Any] = select(Charger, Station, charger_word(now))  # type: ignore[assignment]
    found = found.join(Station, Station.id == Charger.station_id).where(Charger.operator_id == operator_id)
    return found.where(*_named(wanted), *_of_view(wanted.view))


def _of_view(view: View) -> Sequence[ColumnElement[bool]]:
    in_use = Charger.retired_at.is_(None)
    return {
        View.IN_USE: [in_use],
        View.ONLINE: [in_use, Charger.connected_at.is_not(None), Charger.node.is_not(None)],
        View.OFFLINE: [in_use, Charger.connected_at.is_not(None), Charger.node.is_(None)],
        View.NEVER: [in_use, Charger.connected_at.is_(None)],
        View.RETIRED: [Charger.retired_at.is_not(None)],
    }[view]


def _named(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.text:
        columns = (Charger.label, Charger.device_id, func.coalesce(Charger.device_account, ""), Charger.uuid)
        conditions.append(or_(*(cast(column, String).icontains(wanted.text, autoescape=True) for column in columns)))
    if wanted.station_id is not None:
        conditions.append(Charger.station_id == wanted.station_id)
    return conditions
