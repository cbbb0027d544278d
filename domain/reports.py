"""Reports: what a person asked for, put together from the sums that are kept (domain/report_units.py)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain import months, paging
from domain.models.reports import ReportMoney, ReportUnit, ReportUse
from domain.models.stations import Station
from domain.report_money import Money
from domain.report_use import Use

MOST_MONTHS = 36
USUAL_MONTHS = 12

_USE = [each.name for each in fields(Use) if each.name != "known_from"]
_MONEY = [each.name for each in fields(Money)]


class Kind(NamedTuple):
    """A kind of money; amounts of two kinds are never added up."""

    currency: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for: months from the first to the last, of one station or all."""

    first: str
    last: str
    station_id: int | None = None
    kind: Kind | None = None  # none: no money is shown

    @property
    def months(self) -> list[str]:
        """All of them, none left out."""
        return months.span(self.first, self.last)


@dataclass
class Line:
    """The sums of a month, of a station, or of both."""

    month: str | None = None
    station_id: int | None = None
    use: Use = field(default_factory=Use)
    money: Money = field(default_factory=Money)

    @property
    def utilisation(self) -> float | None:
        """Percent of the plugs' time in which they charged; overlapping sessions make no more than all of it."""
        return min(100 * self.use.charging_s / self.use.plug_s, 100.0) if self.use.plug_s else None

    @property
    def uptime(self) -> float | None:
        """Percent of the known time in which plugs could have charged."""
        return 100 * self.use.up_s / self.use.known_s if self.use.known_s else None

    @property
    def known(self) -> float | None:
        """Percent of the plugs' time of which it is known whether they worked."""
        return min(100 * self.use.known_s / self.use.plug_s, 100.0) if self.use.plug_s else None


@dataclass(frozen=True, slots=True)
class Check:
    """When the sums were last made and compared with the ledger, and what differed."""

    oldest_at: datetime | None  # of the months shown
    newest_at: datetime | None
    known_from: datetime | None
    differences: list[dict[str, Any]]


def clean(first: str | None, last: str | None, present: str) -> tuple[str, str]:
    """The months asked for, put right: none of the future, none older than three years, the first before the last.

    >>> clean("2199-01", "2026-03", "2026-11"), clean(None, None, "2026-11")
    (('2026-03', '2026-11'), ('2025-12', '2026-11'))
    """
    oldest = months.shift(present, 1 - MOST_MONTHS)
    end = max(min(last or present, present), oldest)
    begin = max(min(first or months.shift(end, 1 - USUAL_MONTHS), present), oldest)
    return min(begin, end), max(begin, end)


def kinds(db: Session, operator_id: int | None) -> list[Kind]:
    """The kinds of money that the operator's reports know: what was ever captured first, then real before test."""
    by = (ReportMoney.currency, ReportMoney.is_test)
    known = select(*by, func.max(ReportMoney.captured_minor)).where(ReportMoney.operator_id == operator_id)
    found = [(not most, is_test, currency) for currency, is_test, most in db.execute(known.group_by(*by))]
    return [Kind(currency, is_test) for _, is_test, currency in sorted(found)]


def by_month(db: Session, operator_id: int | None, wanted: Wanted) -> list[Line]:
    """A line for each month, months without anything too."""
    made = {month: Line(month=month) for month in wanted.months}
    _fill(db, operator_id, wanted, (ReportUse.month,), (ReportMoney.month,), {(key,): made[key] for key in made})
    return list(made.values())


def total(lines: Sequence[Line]) -> Line:
    """All of them together."""
    made = Line()
    for line in lines:
        for name in _USE:
            setattr(made.use, name, getattr(made.use, name) + getattr(line.use, name))
        for name in _MONEY:
            setattr(made.money, name, getattr(made.money, name) + getattr(line.money, name))
    return made


def stations(
    db: Session, operator_id: int | None, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[paging.Page[Station], dict[int, Line]]:
    """A page of the operator's stations by name, and the line of each."""
    own = select(Station).where(Station.operator_id == operator_id)
    keys: list[Any] = [Station.name, Station.id]
    if wanted.station_id is not None:
        own = own.where(Station.id == wanted.station_id)
    found = paging.fetch_page(db, own, keys, cursor=cursor, limit=limit)
    ids = [station.id for station in found.rows]
    made = {station_id: Line(station_id=station_id) for station_id in ids}
    _fill(
        db, operator_id, wanted, (ReportUse.station_id,), (ReportMoney.station_id,), {(key,): made[key] for key in made}
    )
    return found, made


def each(db: Session, operator_id: int | None, wanted: Wanted) -> list[tuple[Station, Line]]:
    """A line for each station and month in which there was anything, by station and then month."""
    own = select(Station).where(Station.operator_id == operator_id).order_by(Station.name, Station.id)
    made = {
        (station.id, month): (station, Line(month=month, station_id=station.id))
        for station in db.scalars(own)
        if wanted.station_id in (None, station.id)
        for month in wanted.months
    }
    known: dict[tuple[Any, ...], Line] = {key: line for key, (_, line) in made.items()}
    seen = _fill(
        db, operator_id, wanted, (ReportUse.station_id, ReportUse.month), (ReportMoney.station_id, ReportMoney.month),
        known,
    )  # fmt: skip
    return [pair for key, pair in made.items() if key in seen]


def check(db: Session, operator_id: int | None, wanted: Wanted) -> Check:
    """What the comparison of the months shown with the ledger came to."""
    shown = (ReportUnit.operator_id == operator_id, ReportUnit.month >= wanted.first, ReportUnit.month <= wanted.last)
    units = list(db.scalars(select(ReportUnit).where(*shown)))
    if wanted.station_id is not None:
        zone = select(Station.time_zone).where(Station.id == wanted.station_id, Station.operator_id == operator_id)
        of_station = db.scalar(zone)
        units = [unit for unit in units if unit.time_zone == of_station]
    known_from = db.scalar(
        select(func.min(ReportUse.known_from)).where(*_shown(ReportUse, operator_id, wanted), ReportUse.known_s > 0)
    )
    times = [unit.computed_at for unit in units]
    return Check(
        min(times, default=None),
        max(times, default=None),
        known_from,
        [each | {"month": unit.month} for unit in units for each in unit.differences if _is_shown(each, wanted)],
    )


def provider_fees(db: Session, operator_id: int | None, wanted: Wanted, zone: str) -> int:
    """What the providers of the operator's own accounts kept in these months, on that clock."""
    shown = select(ReportUnit.provider_fees).where(
        ReportUnit.operator_id == operator_id,
        ReportUnit.time_zone == zone,
        ReportUnit.month >= wanted.first,
        ReportUnit.month <= wanted.last,
    )
    return sum(
        int(fee["minor"])
        for fees in db.scalars(shown)
        for fee in fees
        if Kind(fee["currency"], fee["is_test"]) == wanted.kind
    )


def _is_shown(difference: dict[str, Any], wanted: Wanted) -> bool:
    is_kind = Kind(difference["currency"], difference["is_test"]) == wanted.kind
    return is_kind and wanted.station_id in (None, difference["station_id"])


def _shown(table: type[ReportUse] | type[ReportMoney], operator_id: int | None, wanted: Wanted) -> list[Any]:
    shown: list[ColumnElement[bool]] = [
        table.operator_id == operator_id,
        table.month >= wanted.first,
        table.month <= wanted.last,
    ]
    if wanted.station_id is not None:
        shown.append(table.station_id == wanted.station_id)
    return shown


def _fill(
    db: Session,
    operator_id: int | None,
    wanted: Wanted,
    use_by: Sequence[InstrumentedAttribute[Any]],
    money_by: Sequence[InstrumentedAttribute[Any]],
    lines: dict[tuple[Any, ...], Line],
) -> set[tuple[Any, ...]]:
    """The sums are in the lines of their keys; returns the keys for which there were any."""
    seen = set()
    width = len(use_by)
    of_use = select(*use_by, *(func.sum(getattr(ReportUse, name)) for name in _USE))
    for row in db.execute(of_use.where(*_shown(ReportUse, operator_id, wanted)).group_by(*use_by)):
        key = tuple(row[:width])
        if key in lines:
            _set(lines[key].use, _USE, row[width:])
            seen.add(key)
    if wanted.kind is None:
        return seen
    of_kind = (ReportMoney.currency == wanted.kind.currency, ReportMoney.is_test == wanted.kind.is_test)
    of_money = select(*money_by, *(func.sum(getattr(ReportMoney, name)) for name in _MONEY)).where(*of_kind)
    for row in db.execute(of_money.where(*_shown(ReportMoney, operator_id, wanted)).group_by(*money_by)):
        key = tuple(row[:width])
        if key in lines:
            _set(lines[key].money, _MONEY, row[width:])
            seen.add(key)
    return seen


def _set(of: Use | Money, names: Sequence[str], values: Sequence[Any]) -> None:
    for name, value in zip(names, values, strict=True):
        setattr(of, name, int(value))
