"""Prices in sentences: what a driver pays now, until when, and what follows."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, get_currency_precision
from flask_babel import get_locale

from blueprints.formats import duration, number, zone_name
from domain.currencies import round_half_up
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.tariff_book import terms_of
from domain.tariffs import Dimension, TariffTerms, price_now
from domain.tariffs.terms import PriceComponent, TaxIncluded
from domain.tariffs.week import PriceNow


class PriceText(NamedTuple):
    """`headline` is the price alone, `unit` what it is for, `lines` the sentences below."""

    headline: str
    unit: str
    name: str
    lines: list[str]


def unit_price(amount: Decimal, currency: str) -> str:
    """A unit price with as many decimals as it has, at least the currency's.

    >>> unit_price(Decimal("0.495"), "EUR")
    '€0.495'
    """
    has = -int(amount.normalize().as_tuple().exponent)
    places = min(max(get_currency_precision(currency), has), 6)
    pattern = f"¤#,##0.{'0' * places}" if places else "¤#,##0"
    return format_currency(amount, currency, pattern, locale=get_locale() or "en", currency_digits=False).replace(
        "-", "−"
    )


def per_minute(per_hour: Decimal) -> Decimal:
    """OCPI prices time by the hour, people read it by the minute; six decimals are more than enough."""
    return (per_hour / 60).quantize(Decimal("0.000001")).normalize()


def gross(terms: TariffTerms, component: PriceComponent) -> Decimal:
    """What a driver pays for a kWh, a minute or a session: with VAT, half up to four decimals at most."""
    amount = Fraction(component.price)
    if component.vat is not None and terms.tax_included is not TaxIncluded.YES:
        amount *= 1 + Fraction(component.vat) / 100
    if component.dimension in (Dimension.TIME, Dimension.PARKING_TIME):
        amount /= 60
    return round_half_up(amount, 4).normalize()


def of_station(station: Station, tariff: Tariff, now: datetime) -> PriceText:
    """The price at that station for somebody who plugs in now."""
    terms, zone = terms_of(tariff), ZoneInfo(station.time_zone)
    return told(terms, price_now(terms, zone, now), tariff.currency, zone)


def told(terms: TariffTerms, present: PriceNow, currency: str, zone: ZoneInfo) -> PriceText:
    prices, lines = present.prices, []
    energy, time = prices.get(Dimension.ENERGY), prices.get(Dimension.TIME)
    main = energy or time
    if present.until is not None:
        lines.append(_change(terms, present, currency, zone))
    if energy and time and time.component.price:
        lines.append(f"Charging time {unit_price(gross(terms, time.component), currency)} per min.")
    parking = prices.get(Dimension.PARKING_TIME)
    if parking and parking.component.price:
        grace = f" after {duration(terms.idle_grace_s)}" if terms.idle_grace_s else ""
        lines.append(f"Parking after charging {unit_price(gross(terms, parking.component), currency)} per min{grace}.")
    flat = prices.get(Dimension.FLAT)
    if flat and flat.component.price:
        lines.append(f"{unit_price(gross(terms, flat.component), currency)} per session.")
    for limit, words in ((terms.min_price, "At least"), (terms.max_price, "At most")):
        bound = limit.gross if limit.gross is not None else limit.net
        if bound is not None:
            lines.append(f"{words} {unit_price(round_half_up(bound, 2), currency)} per session.")
    lines.append(vat_words(terms, for_drivers=True))
    if present.depends_on_session:
        lines.append("Prices change with energy, duration or power during a session.")
    lines = [line for line in lines if line]
    if main is None:
        return PriceText("Free", "at this hour", "", lines)
    amount = gross(terms, main.component)
    return PriceText(
        unit_price(amount, currency),
        "per kWh" if main is energy else "per min",
        terms.elements[main.element].name,
        lines,
    )


def vat_words(terms: TariffTerms, *, for_drivers: bool = False) -> str:
    """Whether VAT is in the prices as they are entered, and how much; what drivers see always has it."""
    rates = sorted({each.vat for element in terms.elements for each in element.components if each.vat})
    if not rates:
        return ""
    shown = " and ".join(f"{number(rate, 0 if rate == int(rate) else 1)} %" for rate in rates)
    return f"VAT {shown} included." if for_drivers or terms.tax_included is TaxIncluded.YES else f"Plus VAT {shown}."


def _change(terms: TariffTerms, present: PriceNow, currency: str, zone: ZoneInfo) -> str:
    """ "Day price until 16:00 EET, then Peak €0.59." """
    local = (present.until or datetime.now(zone)).astimezone(zone)
    following = present.following.get(Dimension.ENERGY) or present.following.get(Dimension.TIME)
    now = present.prices.get(Dimension.ENERGY) or present.prices.get(Dimension.TIME)
    name = terms.elements[now.element].name if now else ""
    start = f"{name} price until" if name else "Until"
    if following is None:
        return f"{start} {local:%H:%M} {zone_name(local)}, then free."
    amount = gross(terms, following.component)
    next_name = terms.elements[following.element].name
    then = f"{next_name} {unit_price(amount, currency)}".strip()
    return f"{start} {local:%H:%M} {zone_name(local)}, then {then}."
