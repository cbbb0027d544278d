"""Stations: opening them, changing them, finding one's own."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain import audit
from domain.currencies import EXPONENTS, to_minor
from domain.errors import NotFound, Refused
from domain.models.operators import Operator
from domain.models.payments import PaymentAccount
from domain.models.stations import Station, StationTariff

# What a card is held for where nobody said otherwise, about one full charge; 50 elsewhere.
HOLDS = {
    **dict.fromkeys(("EUR", "USD", "CHF"), 45),
    **{"GBP": 40, "PLN": 200, "DKK": 350, "SEK": 500, "NOK": 500, "CZK": 1_100, "HUF": 18_000, "RON": 225},
    **{"JPY": 7_000, "KRW": 60_000, "CNY": 350, "INR": 4_000, "KWD": 15, "BHD": 18, "OMR": 18, "JOD": 35},
}
LONGEST = {"name": 120, "address": 300, "city": 120, "public_note": 1000}
# One line each; only the note may have several.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_NOTE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def create(db: Session, operator: Operator, values: Mapping[str, Any], *, by: str, now: datetime) -> Station:
    """A new station of the operator.

    Args:
        values: `name` and `time_zone`, perhaps `address`, `city`, `country`, `latitude`, `longitude`, `public_note`,
            `currency` (else the operator's), `hold_minor`, `payment_account_id` (else the operator's only one).

    Raises:
        Refused: naming the fields that are wrong.
    """
    currency = values.get("currency") or operator.currency
    defaults = {"currency": currency, "country": operator.country, "hold_minor": None}
    given = defaults | {name: value for name, value in values.items() if value is not None}
    errors = _errors(db, operator.id, given, needed=("name", "time_zone"))
    if errors:
        raise Refused(errors[0][1], errors)
    given["hold_minor"] = given["hold_minor"] or default_hold_minor(currency)
    given.setdefault("payment_account_id", _only_payment_account(db, operator.id))
    station = Station(operator_id=operator.id, created_at=now, **_tidy(given))
    db.add(station)
    db.flush()
    audit.record(db, "created", "station", station.id, operator_id=operator.id, by=by, now=now, name=station.name)
    return station


def change(db: Session, station: Station, changes: Mapping[str, Any], *, by: str, now: datetime) -> None:
    """The station has the new values; a member that is None is emptied.

    Raises:
        Refused: naming the fields that are wrong.
    """
    needed = [name for name in ("name", "time_zone", "currency", "hold_minor") if name in changes]
    errors = _errors(db, station.operator_id, changes, needed=needed)
    if changes.get("currency") not in (None, station.currency) and has_tariff(db, station):
        errors.append(("currency", f"Its tariffs are in {station.currency}. Assign one in the new currency instead."))
    if errors:
        raise Refused(errors[0][1], errors)
    new = _tidy(changes)
    if new.get("currency", station.currency) != station.currency:
        change_currency(station, new["currency"])
    for name, value in new.items():
        setattr(station, name, value)
    db.flush()
    audit.record(
        db,
        "changed",
        "station",
        station.id,
        operator_id=station.operator_id,
        by=by,
        now=now,
        fields=sorted(changes),
    )


def has_tariff(db: Session, station: Station) -> bool:
    """Whether the station ever charged by a tariff, or will."""
    return bool(db.scalar(select(exists().where(StationTariff.station_id == station.id))))


def change_currency(station: Station, currency: str) -> None:
    """The station bills in that currency from now on and holds what is usual there."""
    station.currency = currency
    station.hold_minor = default_hold_minor(currency)


def default_hold_minor(currency: str) -> int:
    """What a card is held for at a new station, in minor units.

    >>> default_hold_minor("EUR"), default_hold_minor("JPY"), default_hold_minor("KWD")
    (4500, 7000, 15000)
    """
    return to_minor(Decimal(HOLDS.get(currency, 50)), currency)


def get(db: Session, operator_id: int, station_id: int) -> Station:
    """The operator's station.

    Raises:
        NotFound: there is none, or it is another operator's.
    """
    station = db.scalar(select(Station).where(Station.operator_id == operator_id, Station.id == station_id))
    if station is None:
        raise NotFound("There is no such charging station.")
    return station


@cache
def time_zones() -> frozenset[str]:
    """Every IANA time zone."""
    return frozenset(available_timezones())


@cache
def countries() -> Mapping[str, str]:
    """English names by ISO 3166-1 alpha-2 code, as the time zone database lists them."""
    table = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {code: name for code, _, name in rows}


def _errors(
    db: Session, operator_id: int, values: Mapping[str, Any], needed: tuple[str, ...] | list[str]
) -> list[tuple[str, str]]:
    errors = [(name, "This is needed.") for name in needed if not str(values.get(name) or "").strip()]
    given = {name: value for name, value in values.items() if value is not None}
    for name, longest in LONGEST.items():
        control = _CONTROL_IN_NOTE if name == "public_note" else _CONTROL
        if len(given.get(name, "")) > longest or control.search(given.get(name, "")):
            errors.append((name, f"Use up to {longest} characters, without control characters."))
    if given.get("time_zone") and given["time_zone"] not in time_zones():
        errors.append(("time_zone", "Name a time zone such as Europe/Helsinki."))
    if given.get("country") and given["country"] not in countries():
        errors.append(("country", "Use a two-letter country code such as FI."))
    if given.get("currency", "EUR") not in EXPONENTS:
        errors.append(("currency", "Use a three-letter currency code such as EUR."))
    if not 0 < given.get("hold_minor", 1) < 10**10:
        errors.append(("hold_minor", "A hold is more than nothing."))
    for name, limit in (("latitude", 90), ("longitude", 180)):
        if not Decimal(str(given.get(name, 0))).is_finite() or not -limit <= given.get(name, 0) <= limit:
            errors.append((name, f"A {name} is between -{limit} and {limit}."))
    account_id = given.get("payment_account_id")
    if account_id is not None and not _has_payment_account(db, operator_id, account_id):
        errors.append(("payment_account_id", "There is no such payment account."))
    return errors


def _tidy(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are stored: texts trimmed, empty ones gone, positions as floats."""
    tidy: dict[str, Any] = {}
    for name, value in values.items():
        text = value.strip() or None if isinstance(value, str) else value
        tidy[name] = float(text) if name in ("latitude", "longitude") and text is not None else text
    return tidy


def _has_payment_account(db: Session, operator_id: int, account_id: int) -> bool:
    account = db.get(PaymentAccount, account_id)
    return account is not None and account.operator_id == operator_id


def _only_payment_account(db: Session, operator_id: int) -> int | None:
    found = db.scalars(select(PaymentAccount.id).where(PaymentAccount.operator_id == operator_id).limit(2)).all()
    return found[0] if len(found) == 1 else None
