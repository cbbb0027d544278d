"""How a station's prices change: a new version, planned ones withdrawn, the same prices at other stations.

Nothing is overwritten. Whoever changes prices says which version they looked at; if another one has come since, the
change is refused, so that nobody undoes what they have not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain import audit, tariff_book
from domain.errors import Conflict, Refused
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.stations import Station, StationTariff
from domain.models.tariffs import Tariff

TYPED_WITHIN = timedelta(minutes=2)  # a moment that passes while somebody types is meant as "at once"


class Outdated(Conflict):
    """Somebody published other prices since this person looked."""


@dataclass(frozen=True)
class Prices:
    """A price list without its history. `valid_from` None is at once, `valid_until` None has no end."""

    name: str
    currency: str
    terms: dict[str, Any]
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def says(self, tariff: Tariff) -> bool:
        """Whether the tariff says the same, whenever it began."""
        mine = (self.name, self.currency, _kept(self.terms), self.valid_until)
        return mine == (tariff.name, tariff.currency, _kept(tariff.terms), tariff.valid_until)


def of_tariff(tariff: Tariff, now: datetime) -> Prices:
    """What a version says. Its beginning only counts while it lies ahead."""
    begins = tariff.valid_from if tariff.valid_from > now else None
    return Prices(tariff.name, tariff.currency, dict(tariff.terms), begins, tariff.valid_until)


def as_published(tariff: Tariff) -> Prices:
    """What a version says, with the beginning that it has or had."""
    return replace(of_tariff(tariff, tariff.valid_from), valid_from=tariff.valid_from)


def first_prices(station: Station) -> Prices:
    """What a station without prices begins with: nothing, VAT included."""
    name = f"Prices of {station.name}"[: tariff_book.LONGEST_NAME]
    return Prices(name, station.currency, {"elements": [], "tax_included": "YES"})


def planned(db: Session, station: Station, now: datetime) -> list[StationTariff]:
    """The versions that have not begun, the next one first; of several for one moment, the one that will win."""
    ahead = select(StationTariff).where(StationTariff.station_id == station.id, StationTariff.from_at > now)
    rows = db.scalars(ahead.order_by(StationTariff.from_at, StationTariff.id))
    return list({row.from_at: row for row in rows}.values())


def publish(
    db: Session,
    station: Station,
    prices: Prices,
    *,
    base: Tariff | None,
    may_change_currency: bool = False,
    by: str,
    now: datetime,
) -> Tariff:
    """The station charges by these prices from their beginning on; running sessions keep theirs.

    Doing it twice is doing it once, and a change of nothing makes no version. `base` is the version that the person
    looked at and changes: a planned one is replaced before it begins.

    Raises:
        Outdated: the station has another version by now.
        Refused: naming the fields that are wrong.
    """
    if prices.valid_from is not None and prices.valid_from < now - TYPED_WITHIN:
        raise Refused("", [("valid_from", "This moment has passed. Leave the field empty for at once.")])
    db.refresh(station, with_for_update=True)
    is_ahead = base is not None and base.valid_from > now
    latest = _planned_tariff(db, station, base, now) if is_ahead else tariff_book.in_force(db, station.id, now)
    repeated = _repeated(db, station, latest, prices, base, now)
    if repeated is not None:
        return repeated
    if (latest.id if latest else None) != (base.id if base else None):
        raise Outdated(_news(station, latest))
    if is_ahead and base is not None:
        _take_back(db, station, base, now)
    begins = prices.valid_from if prices.valid_from and prices.valid_from > now else None
    new = tariff_book.publish(
        db,
        station.operator_id,
        name=prices.name,
        currency=prices.currency,
        terms=prices.terms,
        valid_from=begins,
        valid_until=prices.valid_until,
        replaces=base,
        by=by,
        now=now,
    )
    tariff_book.assign(db, station, new, may_change_currency=may_change_currency, by=by, now=now)
    return new


def withdraw(db: Session, station: Station, tariff: Tariff, *, by: str, now: datetime) -> None:
    """A planned version never begins.

    Raises:
        Conflict: it has begun, or was withdrawn already.
    """
    db.refresh(station, with_for_update=True)
    if not _take_back(db, station, tariff, now):
        raise Conflict("These prices have begun or were withdrawn already. Nothing was changed.")
    audit.record(
        db,
        "planned tariff withdrawn",
        "station",
        station.id,
        operator_id=station.operator_id,
        by=by,
        now=now,
        tariff_id=tariff.id,
    )


def copy(
    db: Session, prices: Prices, stations: Sequence[Station], *, by: str, now: datetime
) -> tuple[list[Station], list[Station]]:
    """The same prices at other stations, on their own clocks; returns who got them and who had them already.

    Raises:
        Refused: one of them bills in another currency; none got anything.
    """
    others = [station for station in stations if station.currency != prices.currency]
    if others:
        raise Refused(f"{others[0].name} bills in {others[0].currency}, these prices are in {prices.currency}.")
    given, same = [], []
    for station in sorted(stations, key=lambda each: each.id):
        base = tariff_book.in_force(db, station.id, now)
        if base is not None and prices.valid_from is None and prices.says(base):
            same.append(station)
            continue
        publish(db, station, prices, base=base, by=by, now=now)
        given.append(station)
    return given, same


def charged_by(db: Session, tariff: Tariff, now: datetime) -> list[Station]:
    """The stations that charge by that very version at this moment."""
    given = select(StationTariff.station_id).where(StationTariff.tariff_id == tariff.id)
    found = db.scalars(select(Station).where(Station.id.in_(given)).order_by(Station.name, Station.id))
    return [station for station in found if _is_in_force(db, station, tariff, now)]


def running(db: Session, station: Station) -> int:
    """How many sessions run there: they keep the price they started with."""
    active = select(ChargingSession.id).where(
        ChargingSession.station_id == station.id, ChargingSession.status == SessionStatus.ACTIVE
    )
    return len(db.scalars(active.limit(1000)).all())


def what_follows(db: Session, station: Station, end: datetime | None, but: Tariff | None) -> str | None:
    """What the station charges by when limited prices are over: the name of another version; None for no price."""
    if end is None:
        return None
    found = tariff_book.in_force(db, station.id, end)
    return found.name if found is not None and found is not but else None


def named(prices: Prices, **changes: Any) -> Prices:
    """The prices with some of their members changed."""
    return replace(prices, **changes)


def _kept(terms: dict[str, Any]) -> dict[str, Any]:
    return {member: terms[member] for member in tariff_book.TERMS if terms.get(member) is not None}


def _repeated(
    db: Session, station: Station, latest: Tariff | None, prices: Prices, base: Tariff | None, now: datetime
) -> Tariff | None:
    """The version that says this already, because nothing is changed or a button was pressed twice."""
    begins = prices.valid_from if prices.valid_from and prices.valid_from > now else None
    rows = planned(db, station, now)
    known = [latest, *(row.tariff for row in rows)] if latest else [row.tariff for row in rows]
    for tariff in known:
        is_of_base = base is not None and tariff.id == base.id
        is_next = tariff.replaces_id == (base.id if base else None)
        begins_alike = (tariff.valid_from if tariff.valid_from > now else None) == begins
        if (is_of_base or is_next) and begins_alike and prices.says(tariff):
            return tariff
    return None


def _is_in_force(db: Session, station: Station, tariff: Tariff, now: datetime) -> bool:
    found = tariff_book.in_force(db, station.id, now)
    return found is not None and found.id == tariff.id


def _planned_tariff(db: Session, station: Station, base: Tariff | None, now: datetime) -> Tariff | None:
    """The planned version that stands where `base` stood: itself, or what replaced it."""
    if base is None:
        return None
    versions = [row.tariff for row in planned(db, station, now)]
    return next((each for each in versions if base.id in (each.id, each.replaces_id)), None)


def _take_back(db: Session, station: Station, tariff: Tariff, now: datetime) -> bool:
    ahead = (StationTariff.station_id == station.id, StationTariff.from_at > now)
    found = db.scalars(select(StationTariff.id).where(*ahead, StationTariff.tariff_id == tariff.id)).all()
    db.execute(delete(StationTariff).where(StationTariff.id.in_(found)))
    return bool(found)


def _news(station: Station, latest: Tariff | None) -> str:
    if latest is None:
        return "These prices have begun, ended or were withdrawn meanwhile. What you typed is still here."
    at = latest.created_at.astimezone(ZoneInfo(station.time_zone))
    return (
        f"{latest.created_by} published other prices on {at:%d %b at %H:%M}, after you opened this form. "
        "Look at them below; to change them as you typed, save once more."
    )
