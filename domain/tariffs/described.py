"""Prices a session that somebody describes in JSON, and answers in JSON."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from domain.currencies import EXPONENTS
from domain.errors import Refused
from domain.tariffs.answer import bill_in_json
from domain.tariffs.bill import Bill
from domain.tariffs.fields import Fields
from domain.tariffs.matching import minute_borders
from domain.tariffs.meter import ESTIMATED, Reading, energy_curve, spread
from domain.tariffs.parsing import read_tariff
from domain.tariffs.pricing import price
from domain.tariffs.terms import Period, TariffTerms, Usage

MAX_PERIODS = 5_000
MAX_READINGS = 20_000
MAX_CHANGES = 20
MAX_DAYS = 370
MAX_PRICE_CHANGES = 10_000
SUSPENDED_BY = ("station", "vehicle")

_SESSION = frozenset({"start", "periods", "reservation_expired", "meter_readings"})
_READING = frozenset({"at", "register_kwh"})
_CHANGE = frozenset({"effective_from", "tariff"})
_PERIOD = frozenset(
    {"start", "end", "energy_kwh", "charging", "suspended_by", "max_power_kw", "current_a", "reservation"}
)


class InvalidDescription(Refused):
    """A session that cannot be priced as described; `errors` names each field."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("This session cannot be priced. " + errors[0][1], errors=errors)


def price_described(body: Mapping[str, Any]) -> dict[str, Any]:
    """The price of a described session: exact totals, rounded and billed amounts, lines; amounts are decimal strings.

    `body` has `tariff`, `time_zone`, `currency`, `session` and perhaps `tariff_changes`.

    Raises: InvalidDescription, naming every field that is wrong.
    """
    return bill_in_json(priced(body), with_energy=body["session"].get("meter_readings") is not None)


def priced(body: object) -> Bill:
    """The bill of a described session.

    Raises: InvalidDescription.
    """
    fields = Fields()
    given = fields.members(body, "body")
    zone = fields.choice(given.get("time_zone"), "time_zone", _zones(), "a zone such as Europe/Berlin")
    currency = fields.choice(given.get("currency"), "currency", EXPONENTS, "an ISO 4217 code such as EUR")
    usage = _usage(fields, given.get("session"))
    terms = _tariff_in_force(fields, given, usage.start if usage else None)
    if usage and not fields.errors:
        _check_work(fields, terms, usage)
    if fields.errors or usage is None or zone is None or currency is None:
        raise InvalidDescription(fields.errors)
    return price(terms, usage, ZoneInfo(zone), currency)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _tariff_in_force(fields: Fields, given: Mapping[str, Any], start: datetime | None) -> TariffTerms:
    in_force, since = read_tariff(fields, given.get("tariff"), "tariff"), None
    for path, item in fields.items(given.get("tariff_changes") or [], "tariff_changes", MAX_CHANGES, at_least=0):
        change = fields.members(item, path, _CHANGE)
        effective_from = fields.moment(change.get("effective_from"), f"{path}.effective_from")
        terms = read_tariff(fields, change.get("tariff"), f"{path}.tariff")
        if effective_from and start and effective_from <= start and (since is None or since <= effective_from):
            in_force, since = terms, effective_from
    return in_force


def _usage(fields: Fields, body: object) -> Usage | None:
    session = fields.members(body, "session", _SESSION)
    start = fields.moment(session.get("start"), "session.start")
    expired = fields.flag(session.get("reservation_expired", False), "session.reservation_expired")
    is_metered = session.get("meter_readings") is not None
    found = fields.items(session.get("periods"), "session.periods", MAX_PERIODS)
    periods = [_period(fields, item, path, is_metered) for path, item in found]
    readings = _readings(fields, session["meter_readings"]) if is_metered else []
    if fields.errors or start is None:
        return None
    known = tuple(period for period in periods if period)
    _check_periods(fields, start, known, bool(expired))
    if not is_metered or fields.errors:
        return Usage(start, known, bool(expired))
    return _metered(start, known, readings, bool(expired))


def _period(fields: Fields, body: object, path: str, is_metered: bool) -> Period | None:
    period = fields.members(body, path, _PERIOD)
    start = fields.moment(period.get("start"), f"{path}.start")
    end = fields.moment(period.get("end"), f"{path}.end")
    charging = fields.flag(period.get("charging"), f"{path}.charging")
    reservation = fields.flag(period.get("reservation", False), f"{path}.reservation")
    by = period.get("suspended_by")

    def number(name: str) -> Decimal | None:
        return None if period.get(name) is None else fields.decimal(period[name], f"{path}.{name}")

    energy_kwh = number("energy_kwh")
    if is_metered and energy_kwh is not None:
        fields.wrong(f"{path}.energy_kwh", "Give the energy here or as meter_readings, not both.")
    if not is_metered and period.get("energy_kwh") is None:
        fields.wrong(f"{path}.energy_kwh", "Give the energy of each period, or meter_readings.")
    if reservation and energy_kwh:
        fields.wrong(f"{path}.energy_kwh", "A reservation delivers no energy.")
    suspended_by = None if by is None else fields.choice(by, f"{path}.suspended_by", SUSPENDED_BY)
    power, current = number("max_power_kw"), number("current_a")
    if start is None or end is None:
        return None
    energy_wh = Fraction(energy_kwh or 0) * 1000
    return Period(start, end, energy_wh, bool(charging), suspended_by, power, current, bool(reservation))


def _readings(fields: Fields, body: object) -> list[Reading]:
    readings = []
    for path, item in fields.items(body, "session.meter_readings", MAX_READINGS):
        reading = fields.members(item, path, _READING)
        at = fields.moment(reading.get("at"), f"{path}.at")
        register_kwh = fields.decimal(reading.get("register_kwh"), f"{path}.register_kwh")
        if at and register_kwh is not None:
            readings.append(Reading(at, Fraction(register_kwh) * 1000))
    return readings


def _metered(start: datetime, periods: tuple[Period, ...], readings: list[Reading], expired: bool) -> Usage:
    end = periods[-1].end
    inside = [reading for reading in readings if start <= reading.at <= end]
    curve, flags = energy_curve(inside)
    if not {start, end} <= {reading.at for reading in inside}:
        flags.add(ESTIMATED)
    return Usage(start, spread(periods, curve), expired, frozenset(flags))


def _check_periods(fields: Fields, start: datetime, periods: tuple[Period, ...], expired: bool) -> None:
    here = periods[0].start
    is_charging = False
    for position, period in enumerate(periods):
        path = f"session.periods[{position}]"
        if period.end < period.start:
            fields.wrong(f"{path}.end", "A period cannot end before it starts.")
        if period.start != here:
            fields.wrong(f"{path}.start", "Each period must start where the one before it ended.")
        if period.reservation and is_charging:
            fields.wrong(f"{path}.reservation", "A reservation ends when charging starts.")
        if not period.reservation and expired:
            fields.wrong(f"{path}.reservation", "Nothing follows a reservation that expired.")
        if not period.reservation and period.start < start:
            fields.wrong(f"{path}.start", "Only a reservation can lie before the start of the session.")
        is_charging = is_charging or not period.reservation
        here = period.end
    if here - periods[0].start > timedelta(days=MAX_DAYS):
        fields.wrong("session.periods", f"A session can last {MAX_DAYS} days at most.")


def _check_work(fields: Fields, terms: TariffTerms, usage: Usage) -> None:
    days = (usage.periods[-1].end - usage.periods[0].start).days + 2
    if days * len(minute_borders(terms)) > MAX_PRICE_CHANGES:
        fields.wrong("session.periods", "This session is too long for a tariff whose prices change so often a day.")
