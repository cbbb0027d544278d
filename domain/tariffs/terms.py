"""A tariff and a session's usage, as values that cannot change.

Words and shapes follow OCPI: a tariff is a list of elements, an element a list of price components under restrictions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

Number = int | Fraction


def exact(number: int | Decimal | Fraction) -> Number:
    """The same number; whole numbers stay int, which is ten times faster."""
    return number if isinstance(number, int) else Fraction(number)


class Dimension(StrEnum):
    """What a price is for."""

    FLAT = "FLAT"
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"


class ReservationKind(StrEnum):
    """Which reservations an element prices."""

    USED = "RESERVATION"
    EXPIRED = "RESERVATION_EXPIRES"


class TaxIncluded(StrEnum):
    """What a price without a VAT rate means. Source: OCPI 2.3.0, mod_tariffs, "tax_included"."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """One price: per session, kWh or hour. `step_size` is in Wh or seconds; 0 bills the exact quantity."""

    dimension: Dimension
    price: Decimal
    vat: Decimal | None = None
    step_size: int = 1


@dataclass(frozen=True, slots=True)
class Range:
    """Values from `low`, included, to `high`, excluded; None is open."""

    low: Fraction | None = None
    high: Fraction | None = None

    @property
    def is_open(self) -> bool:
        return self.low is None and self.high is None

    def holds(self, value: Number | None) -> bool:
        """Whether the value lies inside. A value nobody knows lies inside no limits."""
        if self.is_open:
            return True
        if value is None:
            return False
        return (self.low is None or self.low <= value) and (self.high is None or value < self.high)

    def borders(self) -> Iterator[Fraction]:
        """The limits that exist."""
        return (limit for limit in (self.low, self.high) if limit is not None)


ALWAYS = Range()


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element applies; all of them hold at once. Times are local minutes of the day, weekdays 0 is Monday."""

    start_minute: int | None = None
    end_minute: int | None = None
    start_date: date | None = None
    end_date: date | None = None
    weekdays: frozenset[int] = frozenset()
    energy_wh: Range = ALWAYS
    duration_s: Range = ALWAYS
    power_kw: Range = ALWAYS
    current_a: Range = ALWAYS
    reservation: ReservationKind | None = None

    @property
    def has_hours(self) -> bool:
        return self.start_minute is not None or self.end_minute is not None

    @property
    def has_dates(self) -> bool:
        return self.start_date is not None or self.end_date is not None

    @property
    def depends_on_session(self) -> bool:
        """True if the clock alone cannot tell whether the element applies."""
        return not all(limits.is_open for limits in (self.energy_wh, self.duration_s, self.power_kw, self.current_a))


@dataclass(frozen=True, slots=True)
class Element:
    """Prices that share their restrictions. `name` is for people: "Peak"."""

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions = Restrictions()
    name: str = ""


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """A bound on the net and on the gross total; None bounds nothing."""

    net: Fraction | None = None
    gross: Fraction | None = None


@dataclass(frozen=True, slots=True)
class TariffTerms:
    """Everything that decides what a session costs."""

    elements: tuple[Element, ...]
    min_price: PriceLimit = PriceLimit()
    max_price: PriceLimit = PriceLimit()
    idle_grace_s: int = 0
    tax_included: TaxIncluded | None = None

    @property
    def is_bounded(self) -> bool:
        return any(side is not None for limit in (self.min_price, self.max_price) for side in (limit.net, limit.gross))


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of a session in which nothing but the energy register changed, and that evenly.

    `charging` False is parked, unless the station itself paused (`suspended_by` "station"): that is neither.
    """

    start: datetime
    end: datetime
    energy_wh: int | Decimal | Fraction = 0
    charging: bool = True
    suspended_by: str | None = None
    max_power_kw: Decimal | None = None
    current_a: Decimal | None = None
    reservation: bool = False

    @property
    def is_parked(self) -> bool:
        return not self.charging and not self.reservation and self.suspended_by != "station"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a session used: its periods in order, and what was odd about its meter.

    `start` is the start of charging, or of the reservation if nobody came. `flags` are those of `domain.tariffs.meter`.
    """

    start: datetime
    periods: tuple[Period, ...]
    reservation_expired: bool = False
    flags: frozenset[str] = field(default_factory=frozenset)

    @property
    def energy_wh(self) -> Fraction:
        return Fraction(sum(exact(period.energy_wh) for period in self.periods))
