"""What pages show of a tariff: the price now, the prices of a week, and what is odd about that week.

All of it is seen by somebody about to plug in: nothing charged yet, no power known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.tariffs.clock import DAY, LocalClock, instant, moment
from domain.tariffs.matching import (
    MINUTES_A_DAY,
    Moment,
    Price,
    Use,
    matches_clock,
    minute_borders,
    prices,
)
from domain.tariffs.terms import Dimension, Restrictions, TariffTerms

_LOOK_AHEAD = 8 * DAY


@dataclass(frozen=True, slots=True)
class PriceNow:
    """The prices for somebody who starts now.

    `until` is when the clock next changes one of them, None if not within eight days; `following` holds from then on.
    `depends_on_session` is True if energy, duration, power or current may change a price during the session.
    """

    prices: Mapping[Dimension, Price]
    until: datetime | None
    following: Mapping[Dimension, Price]
    depends_on_session: bool


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of a weekday (0 is Monday), in local minutes, with its price; None if there is none."""

    weekday: int
    from_minute: int
    to_minute: int
    price: Price | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """A stretch of a weekday that several elements claim: the first of them wins."""

    weekday: int
    from_minute: int
    to_minute: int
    winner: int
    hidden: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WeekReview:
    """What an operator may have overlooked: hours without a price, hours claimed twice, elements never reached."""

    gaps: tuple[Band, ...]
    overlaps: tuple[Overlap, ...]
    never_used: tuple[int, ...]


def price_now(terms: TariffTerms, zone: ZoneInfo, at: datetime) -> PriceNow:
    """The prices in force at a moment, until when, and those that follow."""
    now = instant(at)
    clock = LocalClock(zone, minute_borders(terms))
    present = _prices_at(terms, *clock.local(now))
    asked = (element.restrictions for element in terms.elements if not element.restrictions.reservation)
    depends = any(restrictions.depends_on_session for restrictions in asked)
    for change in clock.borders(now + 1, now + _LOOK_AHEAD):
        following = _prices_at(terms, *clock.local(change))
        if _components(following) != _components(present):
            return PriceNow(present, moment(change), following, depends)
    return PriceNow(present, None, {}, depends)


def price_bands(
    terms: TariffTerms, zone: ZoneInfo, at: datetime, dimension: Dimension = Dimension.ENERGY
) -> tuple[Band, ...]:
    """The seven local days of the week that `at` lies in, Monday first, each covered by bands without a hole."""
    bands: list[Band] = []
    for day, low, high in _week(terms, zone, at):
        band = Band((day - 1) % 7, low, high, _prices_at(terms, day, low).get(dimension))
        if bands and (bands[-1].weekday, bands[-1].price) == (band.weekday, band.price):
            bands[-1] = replace(bands[-1], to_minute=high)
        else:
            bands.append(band)
    return tuple(bands)


def review_week(
    terms: TariffTerms, zone: ZoneInfo, at: datetime, dimension: Dimension = Dimension.ENERGY
) -> WeekReview:
    """What is odd about one dimension in the week that `at` lies in.

    An element without hours, days or dates is a fallback: what stands before it does not overlap with it.
    """
    elements = _pricing(terms, dimension)
    overlaps: list[Overlap] = []
    for day, low, high in _week(terms, zone, at):
        claims = [
            index
            for index, asked in elements.items()
            if _is_timed(asked) and not asked.depends_on_session and matches_clock(asked, day, low)
        ]
        if len(claims) > 1:
            _extend(overlaps, Overlap((day - 1) % 7, low, high, claims[0], tuple(claims[1:])))
    gaps = tuple(band for band in price_bands(terms, zone, at, dimension) if band.price is None)
    return WeekReview(gaps, tuple(overlaps), _never_used(terms, elements))


def _prices_at(terms: TariffTerms, day: int, minute: int) -> dict[Dimension, Price]:
    at = Moment(day, minute, elapsed=0, energy_wh=0, power_kw=None, current_a=None)
    return prices(terms, Use.SESSION, at)


def _components(found: Mapping[Dimension, Price]) -> dict[Dimension, object]:
    return {dimension: price.component for dimension, price in found.items()}


def _week(terms: TariffTerms, zone: ZoneInfo, at: datetime) -> Iterator[tuple[int, int, int]]:
    today = at.astimezone(zone).date()
    monday = today.toordinal() - today.weekday()
    borders = sorted(minute_borders(terms) | {0, MINUTES_A_DAY})
    for day in range(monday, monday + 7):
        for low, high in pairwise(borders):
            yield day, low, high


def _pricing(terms: TariffTerms, dimension: Dimension) -> dict[int, Restrictions]:
    return {
        index: element.restrictions
        for index, element in enumerate(terms.elements)
        if not element.restrictions.reservation and any(each.dimension is dimension for each in element.components)
    }


def _is_timed(asked: Restrictions) -> bool:
    return asked.has_hours or asked.has_dates or bool(asked.weekdays)


def _extend(overlaps: list[Overlap], found: Overlap) -> None:
    last = overlaps[-1] if overlaps else None
    if last and last == replace(found, from_minute=last.from_minute, to_minute=found.from_minute):
        overlaps[-1] = replace(last, to_minute=found.to_minute)
    else:
        overlaps.append(found)


def _never_used(terms: TariffTerms, elements: Mapping[int, Restrictions]) -> tuple[int, ...]:
    # Dates come and go: an element bound to dates counts as if they held, but hides no other for good.
    undated = {index: replace(asked, start_date=None, end_date=None) for index, asked in elements.items()}
    hides = {index for index, asked in elements.items() if not asked.has_dates and not asked.depends_on_session}
    used: set[int] = set()
    for day in range(1, 8):
        for minute in minute_borders(terms) | {0}:
            for index, asked in undated.items():
                if matches_clock(asked, day, minute):
                    used.add(index)
                    if index in hides:
                        break
    return tuple(index for index in elements if index not in used)
