"""The sums of Reports are kept up to date: which months have to be summed up again, and how they are put down.

A month's sums are always made anew from all of its rows, so that it does not matter how often, how late or after what
crash that happens.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from domain import months, report_money, report_use
from domain.models.charging import ChargingSession
from domain.models.ledger import Journal
from domain.models.orders import Order
from domain.models.reports import ReportMoney, ReportUnit, ReportUse
from domain.models.stations import Station
from domain.report_money import Key, Money, Span
from domain.report_use import Use

FRESH_FOR = timedelta(minutes=5)  # how old the sums of the present month may be
STILL_MOVES = timedelta(days=2)  # so long after its end a month is looked at as often: late stops, late payments
CHECKED_EVERY = timedelta(hours=24)  # every other month
LONGEST_TRANSACTION = timedelta(minutes=2)  # by then a journal can be read that says it was written now
MOST = 100  # in one go
MOST_JOURNALS = 20_000


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """A month of an operator's stations that share a clock."""

    operator_id: int
    time_zone: str
    month: str

    @property
    def span(self) -> Span:
        """Its stations and moments."""
        return Span(self.operator_id, self.time_zone, *months.bounds(self.month, self.time_zone))


@dataclass(frozen=True, slots=True)
class Sums:
    """Everything that is put down about a unit."""

    money: dict[Key, Money]
    use: dict[int, Use]
    provider_fees: list[dict[str, Any]]
    differences: list[dict[str, Any]]


def due(db: Session, now: datetime) -> list[Unit]:
    """The months that have to be summed up: new ones first, then those that moved, then the longest unchecked."""
    kept = {Unit(row.operator_id, row.time_zone, row.month): row.computed_at for row in db.execute(_kept())}
    wanted = _wanted(db, now)
    missing = sorted((unit for unit in wanted if unit not in kept), key=lambda unit: unit.month, reverse=True)
    moved = _moved(db, {unit: kept[unit] for unit in wanted if unit in kept})
    old = [unit for unit in sorted(kept, key=kept.__getitem__) if unit in wanted and _is_old(unit, kept[unit], now)]
    return list(dict.fromkeys([*missing, *moved, *old]))[:MOST]


def compute(db: Session, unit: Unit, now: datetime) -> Sums:
    """The unit's sums, made from all its rows. Reads only."""
    span = unit.span
    money, differences = report_money.sums(db, span)
    return Sums(money, report_use.sums(db, span, now), report_money.provider_fees(db, span), differences)


def store(db: Session, unit: Unit, sums: Sums, now: datetime) -> None:
    """Those sums are the unit's, and no others."""
    of_stations = unit.span.station_ids
    for table in (ReportMoney, ReportUse):
        db.execute(delete(table).where(table.month == unit.month, table.station_id.in_(of_stations)))
    here = {"operator_id": unit.operator_id, "month": unit.month}
    if sums.money:
        db.execute(insert(ReportMoney), [{**key._asdict(), **here, **asdict(each)} for key, each in sums.money.items()])
    if sums.use:
        db.execute(insert(ReportUse), [{"station_id": key, **here, **asdict(each)} for key, each in sums.use.items()])
    found = db.scalar(select(ReportUnit).where(*_is(unit)))
    row = found or ReportUnit(operator_id=unit.operator_id, time_zone=unit.time_zone, month=unit.month)
    row.computed_at, row.provider_fees, row.differences = now, sums.provider_fees, sums.differences
    db.add(row)
    db.flush()


def refresh(db: Session, now: datetime) -> int:
    """What was due is summed up, in this one transaction; returns how many months. For small databases."""
    units = due(db, now)
    for unit in units:
        store(db, unit, compute(db, unit, now), now)
    return len(units)


def _kept() -> Any:
    return select(ReportUnit.operator_id, ReportUnit.time_zone, ReportUnit.month, ReportUnit.computed_at)


def _is(unit: Unit) -> tuple[Any, ...]:
    return (
        ReportUnit.operator_id == unit.operator_id,
        ReportUnit.time_zone == unit.time_zone,
        ReportUnit.month == unit.month,
    )


def _wanted(db: Session, now: datetime) -> set[Unit]:
    """Every month from the first session or order at a clock's stations to the present one."""
    sessions = select(func.min(ChargingSession.started_at)).where(ChargingSession.station_id == Station.id)
    orders = select(func.min(Order.created_at)).where(Order.station_id == Station.id)
    first = select(
        Station.operator_id, Station.time_zone, Station.created_at, sessions.scalar_subquery(), orders.scalar_subquery()
    )
    begun: dict[tuple[int, str], datetime] = {}
    for operator_id, zone, created_at, *others in db.execute(first):
        earliest = min(at for at in (created_at, *others) if at is not None)
        begun[operator_id, zone] = min(begun.get((operator_id, zone), earliest), earliest)
    return {
        Unit(operator_id, zone, month)
        for (operator_id, zone), at in begun.items()
        for month in months.span(months.of(at, zone), months.of(now, zone))
    }


def _moved(db: Session, kept: dict[Unit, datetime]) -> list[Unit]:
    """Past months in which journals were written after they were summed up."""
    newest = max(kept.values(), default=None)
    if newest is None:
        return []
    written = (
        select(Order.operator_id, Journal.occurred_at, Journal.recorded_at, Order.created_at, Station.time_zone)
        .join(Order, Order.id == Journal.order_id)
        .join(Station, Station.id == Order.station_id)
        .order_by(Journal.id.desc())
        .limit(MOST_JOURNALS)
    )
    found: dict[Unit, None] = {}
    for operator_id, occurred_at, recorded_at, created_at, zone in db.execute(written):
        if recorded_at < newest - CHECKED_EVERY:
            break  # every month is made anew once a day
        for at in (occurred_at, created_at):
            unit = Unit(operator_id, zone, months.of(at, zone))
            is_behind = unit in kept and recorded_at > kept[unit] - LONGEST_TRANSACTION
            if is_behind and not _is_present(unit, recorded_at):
                found[unit] = None
    return list(found)


def _is_present(unit: Unit, now: datetime) -> bool:
    return now < unit.span.until + STILL_MOVES


def _is_old(unit: Unit, computed_at: datetime, now: datetime) -> bool:
    return now - computed_at >= (FRESH_FOR if _is_present(unit, now) else CHECKED_EVERY)
