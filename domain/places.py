"""What a country tells about a station there: its currency and, as a guess, its time zone."""

from functools import cache
from importlib import resources
from itertools import groupby

from babel.numbers import get_territory_currencies

from domain.currencies import EXPONENTS

DEFAULT_CURRENCY = "EUR"
# The time zone database lists a country's zones from east to west; here most people live elsewhere.
_MOST_PEOPLE = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "GL": "America/Nuuk",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
}


def currency_of(country: str | None) -> str:
    """The currency that people of that country pay with.

    >>> currency_of("FI"), currency_of("GB"), currency_of(None)
    ('EUR', 'GBP', 'EUR')
    """
    known = [code for code in get_territory_currencies(country) if code in EXPONENTS] if country else []
    return known[-1] if known else DEFAULT_CURRENCY


def zones_of(country: str) -> tuple[str, ...]:
    """The country's time zones, IANA names."""
    return _zones().get(country, ())


def guess_zone(country: str, place: str = "") -> str:
    """The time zone of a place: named after a town in its address, else where most people of the country live.

    >>> guess_zone("FI"), guess_zone("AU", "12 Hay Street, Perth WA"), guess_zone("AU")
    ('Europe/Helsinki', 'Australia/Perth', 'Australia/Sydney')
    """
    zones = zones_of(country)
    for zone in zones:
        town = zone.rpartition("/")[2].replace("_", " ").lower()
        if town in place.lower():
            return zone
    usual = _MOST_PEOPLE.get(country)
    return usual or (zones[0] if zones else "UTC")


@cache
def _zones() -> dict[str, tuple[str, ...]]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {country: tuple(row[2] for row in group) for country, group in groupby(rows, key=lambda row: row[0])}
