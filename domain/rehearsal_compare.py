"""What sessions that are over would have cost: read as billing reads them, priced by the code that bills."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import Session

import domain.models  # noqa: F401 - rows refer to each other
from domain import billing
from domain.models.chargers import ChargerEvent
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.orders import Order
from domain.models.price_drafts import Rehearsal
from domain.models.stations import Station
from domain.tariffs import (
    Bill,
    ChargingState,
    Pricer,
    Reading,
    TariffTerms,
    Thinning,
    parse_tariff,
    usage_from_meter,
)

AT_ONCE = 4_000  # sessions whose readings are in memory together

Changes = dict[tuple[int, int], list[tuple[datetime, dict[str, Any] | None]]]


class Session_(NamedTuple):  # noqa: N801 - "Session" is the database's
    """What billing has to know of a charging session, and what came of it."""

    id: int
    charger_id: int
    connector_number: int
    started_at: datetime
    stopped_at: datetime | None
    billed_at: datetime | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    flags: list[str]
    gross_minor: int | None
    currency: str | None


@dataclass
class Sums:
    """Counts and amounts of a rehearsal, or of a part of it."""

    before_minor: int = 0
    after_minor: int = 0
    dearer: int = 0
    cheaper: int = 0
    same: int = 0
    flagged: int = 0
    flagged_before_minor: int = 0
    flagged_after_minor: int = 0
    not_billed: int = 0
    other_currency: int = 0


@dataclass
class Compared:
    """What came of a slice: its lines and sums, and where the next slice begins; `last` None when there is none."""

    lines: list[dict[str, Any]]
    sums: Sums
    count: int
    last: list[Any] | None


def compare_slice(db: Session, rehearsal: Rehearsal, after: Sequence[Any] | None, limit: int) -> Compared:
    """The sessions behind that place, up to `limit` of them, with what they would have cost."""
    station = db.get_one(Station, rehearsal.station_id)
    pricing = _Pricing(parse_tariff(rehearsal.terms), ZoneInfo(station.time_zone), rehearsal.currency)
    span = sessions(station.id, rehearsal.since, rehearsal.until)
    made = Compared([], Sums(), 0, list(after) if after else None)
    while made.count < limit:
        wanted = min(AT_ONCE, limit - made.count)
        rows = [Session_(*row) for row in db.execute(_behind(span, made.last).limit(wanted))]
        readings, changes = _readings(db, rows), _changes(db, rows)
        for row in rows:
            _compare(made, rehearsal, pricing, row, readings.get(row.id, []), changes)
        made.count += len(rows)
        made.last = [rows[-1].started_at.isoformat(), rows[-1].id] if len(rows) == wanted else None
        if made.last is None:
            break
    return made


class _Pricing:
    """Terms at work."""

    def __init__(self, terms: TariffTerms, zone: ZoneInfo, currency: str) -> None:
        self._pricer = Pricer(terms, zone, currency)
        self._thinning = Thinning(terms, zone)

    def bill(self, row: Session_, until: datetime, readings: list[Reading], states: list[ChargingState]) -> Bill:
        """What the session would have cost; its flags are those of all its readings."""
        ends = (row.started_at, until, row.meter_start_wh, row.meter_stop_wh)
        usage = usage_from_meter(*ends, self._thinning.thin(*ends, readings, states), states)
        return self._pricer.price(usage)


def end_of_slice(db: Session, rehearsal: Rehearsal, after: Sequence[Any] | None, limit: int) -> list[Any] | None:
    """Where a slice of so many sessions ends; None if there are fewer."""
    span = _behind(sessions(rehearsal.station_id, rehearsal.since, rehearsal.until), after)
    keys = span.with_only_columns(ChargingSession.started_at, ChargingSession.id)
    row = db.execute(keys.offset(limit - 1).limit(1)).first()
    return [row[0].isoformat(), row[1]] if row else None


def _behind(span: Select[Any], after: Sequence[Any] | None) -> Select[Any]:
    if after is None:
        return span
    place = datetime.fromisoformat(after[0])
    keys = (ChargingSession.started_at, ChargingSession.id)
    here = tuple_(*(literal(value, key.type) for value, key in zip((place, after[1]), keys, strict=True)))
    return span.where(ChargingSession.started_at >= place, tuple_(*keys) > here)


def _compare(
    made: Compared,
    rehearsal: Rehearsal,
    pricing: _Pricing,
    row: Session_,
    readings: list[Reading],
    changes: Changes,
) -> None:
    sums = made.sums
    if row.billed_at is None:
        sums.not_billed += 1
        return
    if row.currency not in (None, rehearsal.currency):
        sums.other_currency += 1
        return
    until = row.stopped_at or row.billed_at
    states = billing.states_between(_of_session(changes, row, until), until)
    bill = pricing.bill(row, until, readings, states)
    before, after = row.gross_minor or 0, bill.billed.gross_minor or 0
    is_flagged = not billing.REVIEWED_FIRST.isdisjoint({*row.flags, *bill.flags})
    _count(sums, before, after, is_flagged)
    made.lines.append(
        {
            "rehearsal_id": rehearsal.id,
            "charging_session_id": row.id,
            "charger_id": row.charger_id,
            "before_minor": before,
            "after_minor": after,
            "change_minor": after - before,
            "size_minor": abs(after - before),
            "is_flagged": is_flagged,
        }
    )


def _count(sums: Sums, before: int, after: int, is_flagged: bool) -> None:
    sums.before_minor += before
    sums.after_minor += after
    sums.dearer += after > before
    sums.cheaper += after < before
    sums.same += after == before
    if is_flagged:
        sums.flagged += 1
        sums.flagged_before_minor += before
        sums.flagged_after_minor += after


# --- Reading, as billing reads ---------------------------------------------------------------------------------


def sessions(station_id: int, since: datetime, until: datetime) -> Select[Any]:
    """The sessions that started in that span and are over, oldest first, with what they were billed."""
    columns = [getattr(ChargingSession, name) for name in Session_._fields[:9]]
    return (
        select(*columns, Order.gross_minor, Order.currency)
        .outerjoin(Order, Order.charging_session_id == ChargingSession.id)
        .where(
            ChargingSession.station_id == station_id,
            ChargingSession.started_at >= since,
            ChargingSession.started_at < until,
            ChargingSession.status == SessionStatus.COMPLETED,
        )
        .order_by(ChargingSession.started_at, ChargingSession.id)
    )


def _readings(db: Session, rows: Sequence[Session_]) -> dict[int, list[Reading]]:
    found: dict[int, list[Reading]] = {}
    for ids in _some([row.id for row in rows if row.billed_at]):
        values = select(MeterValue.charging_session_id, MeterValue.at, MeterValue.energy_wh).where(
            MeterValue.charging_session_id.in_(ids), MeterValue.energy_wh.is_not(None)
        )
        for session_id, at, energy_wh in db.execute(values):
            found.setdefault(session_id or 0, []).append(Reading(at, energy_wh or 0))
    return found


def _changes(db: Session, rows: Sequence[Session_]) -> Changes:
    """The statuses of every connector in the span that these sessions cover."""
    found: Changes = {}
    ends = [end for row in rows if (end := row.stopped_at or row.billed_at)]
    if not ends:
        return found
    told = (
        select(ChargerEvent.charger_id, ChargerEvent.connector_number, ChargerEvent.at, ChargerEvent.detail)
        .where(_is_status({row.charger_id for row in rows}), ChargerEvent.at >= rows[0].started_at)
        .where(ChargerEvent.at < max(ends))
        .order_by(ChargerEvent.at, ChargerEvent.id)
    )
    for charger_id, connector_number, at, detail in db.execute(told):
        found.setdefault((charger_id, connector_number), []).append((at, detail))
    return found


def _is_status(charger_ids: set[int]) -> ColumnElement[bool]:
    return ChargerEvent.charger_id.in_(charger_ids) & (ChargerEvent.kind == "status")


def _of_session(changes: Changes, row: Session_, until: datetime) -> list[tuple[datetime, dict[str, Any] | None]]:
    told = changes.get((row.charger_id, row.connector_number), [])
    low = bisect_left(told, row.started_at, key=lambda change: change[0])
    return told[low : bisect_left(told, until, key=lambda change: change[0])]


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))
