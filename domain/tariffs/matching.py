"""Which price applies at a moment: per dimension, the first element whose restrictions all hold."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum, auto
from fractions import Fraction
from typing import NamedTuple

from domain.tariffs.clock import SECOND
from domain.tariffs.terms import (
    Dimension,
    Element,
    Number,
    PriceComponent,
    ReservationKind,
    Restrictions,
    TariffTerms,
)

MINUTES_A_DAY = 1440


class Use(Enum):
    """What a connector is used for."""

    SESSION = auto()
    RESERVATION = auto()
    EXPIRED_RESERVATION = auto()


class Price(NamedTuple):
    """A component and the index of its element."""

    element: int
    component: PriceComponent


Prices = Mapping[Dimension, Price]


class Moment(NamedTuple):
    """Everything a restriction can ask about: the local clock, and how the session stands. None is not known.

    `elapsed` is in microseconds.
    """

    day: int
    minute: int
    elapsed: Number
    energy_wh: Number
    power_kw: Number | None
    current_a: Number | None

    @property
    def duration_s(self) -> Fraction:
        return Fraction(self.elapsed, SECOND)


def matches(restrictions: Restrictions, at: Moment) -> bool:
    """Whether every restriction but the one on reservations holds.

    Source: OCPI 2.2.1, mod_tariffs, "TariffRestrictions".
    """
    return (
        matches_clock(restrictions, at.day, at.minute)
        and restrictions.energy_wh.holds(at.energy_wh)
        and restrictions.duration_s.holds(at.duration_s)
        and restrictions.power_kw.holds(at.power_kw)
        and restrictions.current_a.holds(at.current_a)
    )


def matches_clock(restrictions: Restrictions, day: int, minute: int) -> bool:
    """Whether dates, weekday and time of day hold."""
    return (
        (not restrictions.weekdays or (day - 1) % 7 in restrictions.weekdays)
        and (not restrictions.has_hours or _within_hours(restrictions, minute))
        and (not restrictions.has_dates or _within_dates(restrictions, day))
    )


def minute_borders(terms: TariffTerms) -> set[int]:
    """The minutes of a local day at which a price may change; none if no price asks for the clock."""
    borders: set[int] = set()
    for element in terms.elements:
        asked = element.restrictions
        if asked.has_hours or asked.has_dates or asked.weekdays:
            borders |= {0, asked.start_minute or 0, asked.end_minute or 0}
    return borders


def prices(terms: TariffTerms, use: Use, at: Moment) -> dict[Dimension, Price]:
    """The price of each dimension that has one at this moment."""
    found: dict[Dimension, Price] = {}
    for index, element in _candidates(terms, use):
        wanted = [component for component in element.components if component.dimension not in found]
        if wanted and matches(element.restrictions, at):
            found.update((component.dimension, Price(index, component)) for component in wanted)
    if use is Use.EXPIRED_RESERVATION:
        _let_expiry_win(terms, at, found)
    return found


def _within_hours(restrictions: Restrictions, minute: int) -> bool:
    start = restrictions.start_minute or 0
    end = restrictions.end_minute or MINUTES_A_DAY
    if start == end or (start, end) == (0, MINUTES_A_DAY):
        return True
    if end < start:
        return minute >= start or minute < end
    return start <= minute < end


def _within_dates(restrictions: Restrictions, day: int) -> bool:
    today = date.fromordinal(day)
    return (restrictions.start_date is None or restrictions.start_date <= today) and (
        restrictions.end_date is None or today < restrictions.end_date
    )


def _candidates(terms: TariffTerms, use: Use) -> Iterator[tuple[int, Element]]:
    for index, element in enumerate(terms.elements):
        kind = element.restrictions.reservation
        if use is Use.EXPIRED_RESERVATION:
            fits = kind is not None
        else:
            fits = kind is (ReservationKind.USED if use is Use.RESERVATION else None)
        if fits:
            yield index, element


def _let_expiry_win(terms: TariffTerms, at: Moment, found: dict[Dimension, Price]) -> None:
    # The list order decides, except about time: there the price of the expiry comes first.
    for index, element in _candidates(terms, Use.EXPIRED_RESERVATION):
        if element.restrictions.reservation is ReservationKind.EXPIRED and matches(element.restrictions, at):
            for component in element.components:
                if component.dimension is Dimension.TIME:
                    found[Dimension.TIME] = Price(index, component)
                    return
