"""The list of an operator's chargers: filters, counts, and what each row shows live."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from domain import firmware_states, paging
from domain.charger_states import IS_RUNNING, NOT_ONLINE, ChargerWord, attention_rank, charger_word
from domain.firmware_states import FirmwareState, FirmwareWord
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession, MeterValue
from domain.models.stations import Station

SPARK_SPAN = timedelta(hours=1)
SPARK_POINTS = 20


class View(StrEnum):
    """The saved views of the list."""

    ALL = "all"
    CHARGING = "charging"
    AVAILABLE = "available"
    FAULTED = "faulted"
    OFFLINE = "offline"


VIEW_WORDS: dict[View, tuple[ChargerWord, ...]] = {
    View.CHARGING: (ChargerWord.CHARGING,),
    View.AVAILABLE: (ChargerWord.AVAILABLE,),
    View.FAULTED: (ChargerWord.FAULTED,),
    View.OFFLINE: (*NOT_ONLINE, ChargerWord.LATE),
}


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    view: View = View.ALL
    text: str = ""
    station_id: int | None = None
    firmware: str = ""
    upgrade: FirmwareWord | None = None
    with_retired: bool = False

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.ALL or self.text or self.station_id or self.firmware or self.upgrade)


@dataclass
class ChargerRow:
    """A charger as the list shows it; `power_w` is None while nobody knows it."""

    charger: Charger
    station: Station
    word: ChargerWord
    connectors: list[Connector] = field(default_factory=list)
    power_w: int | None = 0
    spark_w: list[int] = field(default_factory=list)
    firmware: FirmwareState | None = None

    @property
    def equipment(self) -> str:
        """What it is, or what it can do."""
        named = " ".join(part for part in (self.charger.vendor, self.charger.model) if part)
        kinds = " + ".join(dict.fromkeys(each.kind for each in self.connectors if each.kind))
        return named or kinds


def all_of(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> Select[Any]:
    """The chargers that the filter keeps, with station and word, unordered."""
    found: Select[Any] = select(Charger, Station, charger_word(now))  # type: ignore[assignment]
    found = found.join(Station, Station.id == Charger.station_id)
    found = found.where(Charger.operator_id == operator_id, *_conditions(wanted, now))
    if wanted.upgrade is None:
        return found
    word = firmware_states.firmware_word(firmware_states.upgradeable(db, operator_id))
    return found.where(word == wanted.upgrade.value)


def page(
    db: Session, operator_id: int | None, wanted: Filter, now: datetime, sort: str, cursor: str | None, limit: int
) -> paging.Page[ChargerRow]:
    """One page of the list; `sort` is "attention", "charger", "station" or "seen", with "-" before it descending."""
    keys: dict[str, list[Any]] = {
        "attention": [attention_rank(now), func.lower(Charger.label, type_=Text()), Charger.id],
        "charger": [func.lower(Charger.label, type_=Text()), Charger.id],
        "station": [func.lower(Station.name, type_=Text()), func.lower(Charger.label, type_=Text()), Charger.id],
        "seen": [func.coalesce(Charger.last_seen_at, Charger.created_at, type_=Charger.last_seen_at.type), Charger.id],
    }
    chargers: Any = all_of(db, operator_id, wanted, now).with_only_columns(Charger, Station)
    found = paging.fetch_page(
        db,
        chargers,
        keys.get(sort.removeprefix("-"), keys["attention"]),
        descending=sort.startswith("-"),
        cursor=cursor,
        limit=limit,
    )
    words = _words(db, [charger.id for charger, _ in found.rows], now)
    rows = [ChargerRow(charger, station, words[charger.id]) for charger, station in found.rows]
    fill(db, rows)
    fill_sparks(db, rows, now)
    return paging.Page(rows, found.previous, found.next)


def _words(db: Session, charger_ids: Sequence[int], now: datetime) -> dict[int, ChargerWord]:
    # Asked for beside the chargers of a page, it is worked out for all: PostgreSQL then reads every connector.
    found = db.execute(select(Charger.id, charger_word(now)).where(Charger.id.in_(charger_ids)))
    return {charger_id: ChargerWord(word) for charger_id, word in found}


def some(db: Session, operator_id: int | None, charger_ids: Sequence[int], now: datetime) -> list[ChargerRow]:
    """Those of the operator's chargers, for the cells that are alive."""
    everywhere = Filter(with_retired=True)
    found = db.execute(all_of(db, operator_id, everywhere, now).where(Charger.id.in_(charger_ids)))
    rows = [ChargerRow(charger, station, ChargerWord(word)) for charger, station, word in found]
    fill(db, rows)
    return rows


def fill(db: Session, rows: Iterable[ChargerRow]) -> None:
    """Each row has its connectors, its power now and how its firmware stands."""
    by_id = {row.charger.id: row for row in rows}
    standing = firmware_states.states(db, [row.charger for row in by_id.values()])
    for charger_id, state in standing.items():
        by_id[charger_id].firmware = state
    plugs = select(Connector).where(Connector.charger_id.in_(by_id), Connector.number > 0).order_by(Connector.number)
    for connector in db.scalars(plugs):
        by_id[connector.charger_id].connectors.append(connector)
    running = (
        select(ChargingSession.charger_id, func.sum(ChargingSession.power_w))
        .where(ChargingSession.charger_id.in_(by_id), IS_RUNNING)
        .group_by(ChargingSession.charger_id)
    )
    for charger_id, power_w in db.execute(running):
        known = by_id[charger_id].charger.is_connected and power_w is not None
        by_id[charger_id].power_w = int(power_w or 0) if known else None


def fill_sparks(db: Session, rows: Iterable[ChargerRow], now: datetime) -> None:
    """Each row has its power of the last hour, in equal steps; a step without a reading keeps the last one."""
    by_id = {row.charger.id: row for row in rows}
    start, step = now - SPARK_SPAN, SPARK_SPAN / SPARK_POINTS
    seen: dict[int, dict[int, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    readings = (
        select(MeterValue.charger_id, MeterValue.connector_number, MeterValue.at, MeterValue.power_w)
        .where(MeterValue.charger_id.in_(by_id), MeterValue.at > start, MeterValue.at <= now)
        .where(MeterValue.power_w.is_not(None))
        .order_by(MeterValue.charger_id, MeterValue.at)
    )
    for charger_id, connector, at, power_w in db.execute(readings):
        seen[charger_id][connector][min(int((at - start) / step), SPARK_POINTS - 1)] = int(power_w or 0)
    for charger_id, connectors in seen.items():
        by_id[charger_id].spark_w = [
            sum(_held(points, index) for points in connectors.values()) for index in range(SPARK_POINTS)
        ]


def _held(points: dict[int, int], index: int) -> int:
    # Chargers report every minute or so; two silent steps mean that nothing flows.
    return next((points[back] for back in (index, index - 1) if back in points), 0)


def counts(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> dict[View, int]:
    """How many chargers each view holds under the other filters."""
    by_word = _by_word(db, operator_id, replace(wanted, view=View.ALL), now)
    named = {view: sum(by_word.get(word, 0) for word in words) for view, words in VIEW_WORDS.items()}
    return {View.ALL: sum(by_word.values())} | named


def firmware_versions(db: Session, operator_id: int | None) -> list[str]:
    """The versions that the operator's chargers reported."""
    known = select(Charger.firmware_version).where(Charger.operator_id == operator_id).distinct()
    return [version for version in db.scalars(known.order_by(Charger.firmware_version).limit(200)) if version]


def _conditions(wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [] if wanted.with_retired else [Charger.retired_at.is_(None)]
    if wanted.view != View.ALL:
        conditions.append(charger_word(now).in_(VIEW_WORDS[wanted.view]))
    if wanted.text:
        columns = (Charger.label, Charger.device_id, Charger.uuid)
        conditions.append(or_(*(cast(each, String).icontains(wanted.text, autoescape=True) for each in columns)))
    if wanted.station_id is not None:
        conditions.append(Charger.station_id == wanted.station_id)
    if wanted.firmware:
        conditions.append(Charger.firmware_version == wanted.firmware)
    return conditions


@dataclass(frozen=True)
class Summary:
    """All chargers of an operator at a glance."""

    total: int
    online: int
    charging: int
    faulted: int
    power_w: int


def summary(db: Session, operator_id: int | None, now: datetime) -> Summary:
    """How many chargers are online, charge, and need somebody; and the power that flows."""
    by_word = _by_word(db, operator_id, Filter(), now)
    flowing = (
        select(func.coalesce(func.sum(ChargingSession.power_w), 0))
        .join(Charger, Charger.id == ChargingSession.charger_id)
        .where(
            Charger.operator_id == operator_id,
            IS_RUNNING,
            Charger.node.is_not(None),
        )
    )
    total = sum(by_word.values())
    return Summary(
        total=total,
        online=total - sum(by_word.get(word, 0) for word in NOT_ONLINE),
        charging=by_word.get(ChargerWord.CHARGING, 0),
        faulted=by_word.get(ChargerWord.FAULTED, 0),
        power_w=int(db.scalar(flowing) or 0),
    )


def _by_word(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> dict[ChargerWord, int]:
    found = all_of(db, operator_id, wanted, now).with_only_columns(charger_word(now).label("word")).subquery()
    rows = db.execute(select(found.c.word, func.count()).group_by(found.c.word))
    return {ChargerWord(word): count for word, count in rows}
