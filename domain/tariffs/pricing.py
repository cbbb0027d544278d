"""From terms and usage to a bill: cut periods where a price may change, add up, apply the steps."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.tariffs.bill import Bill, Quantity, make_bill
from domain.tariffs.clock import HOUR, SECOND, LocalClock, instant
from domain.tariffs.matching import Moment, Price, Prices, Use, minute_borders, prices
from domain.tariffs.terms import Dimension, Number, Period, TariffTerms, Usage, exact

POWER_UNKNOWN = "power_unknown"
CURRENT_UNKNOWN = "current_unknown"


def price(terms: TariffTerms, usage: Usage, zone: ZoneInfo, currency: str) -> Bill:
    """The bill for a session; nothing is rounded before it becomes a line of the bill.

    Raises: UnknownCurrency.
    """
    return Pricer(terms, zone, currency).price(usage)


class Pricer:
    """A tariff in a zone and a currency; what is the same for all sessions is worked out once."""

    def __init__(self, terms: TariffTerms, zone: ZoneInfo, currency: str) -> None:
        self._terms, self._currency = terms, currency
        self._limits = Limits(terms, zone)

    def price(self, usage: Usage) -> Bill:
        """The bill for a session; nothing is rounded before it becomes a line of the bill.

        Raises: UnknownCurrency.
        """
        if not usage.periods:
            return make_bill(self._terms, [], self._currency, Fraction(0), usage.flags)
        lookup = Lookup(self._limits, usage)
        tally = Tally(self._terms.idle_grace_s)
        for piece in _pieces(usage, lookup):
            tally.add(piece, lookup.prices(piece))
        flags = usage.flags | lookup.flags
        return make_bill(self._terms, tally.quantities(), self._currency, usage.energy_wh, flags)


class Piece(NamedTuple):
    """A part of a period during which every price stays the same. Times in microseconds, energy in Wh."""

    period: Period
    start: Number
    length: Number
    energy: Number
    energy_before: Number


def _pieces(usage: Usage, lookup: "Lookup") -> Iterator[Piece]:
    before: Number = 0
    for period, start, length, energy in lookup.joined(_relevant(usage)):
        shares = lookup.cuts(start, length, before, energy)
        if not shares:
            yield Piece(period, start, length, energy, before)
        for low, high in pairwise([Fraction(0), *shares, Fraction(1)] if shares else []):
            share = high - low
            yield Piece(period, start + low * length, share * length, share * energy, before + low * energy)
        before += energy


def _relevant(usage: Usage) -> list[Period]:
    # A period of nothing has no price, but a session of nothing still has a session fee.
    return [period for period in usage.periods if period.end > period.start or period.energy_wh] or [usage.periods[0]]


class Limits:
    """The limits at which the prices of a tariff change, and the prices between them, looked up once each."""

    def __init__(self, terms: TariffTerms, zone: ZoneInfo) -> None:
        asked = [element.restrictions for element in terms.elements]
        self._terms = terms
        self.minutes = sorted(minute_borders(terms))
        self.clock = LocalClock(zone, self.minutes)
        self.durations = sorted({int(limit * SECOND) for each in asked for limit in each.duration_s.borders()})
        self.energies = sorted({limit for each in asked for limit in each.energy_wh.borders()})
        self.powers = sorted({limit for each in asked for limit in each.power_kw.borders()})
        self.currents = sorted({limit for each in asked for limit in each.current_a.borders()})
        self._days = sorted({d.toordinal() for each in asked for d in (each.start_date, each.end_date) if d})
        self.is_by_clock = not (self.energies or self.powers or self.currents)
        self._known: dict[tuple[object, ...], Prices] = {}

    def prices(self, use: Use, at: Moment) -> Prices:
        """The prices at a moment."""
        key = (
            use,
            at.day % 7,
            bisect_right(self._days, at.day),
            bisect_right(self.minutes, at.minute),
            bisect_right(self.durations, at.elapsed),
            bisect_right(self.energies, at.energy_wh),
            -1 if at.power_kw is None else bisect_right(self.powers, at.power_kw),
            -1 if at.current_a is None else bisect_right(self.currents, at.current_a),
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = prices(self._terms, use, at)
        return known


class Lookup:
    """Where the prices of one session change, and the prices in between."""

    def __init__(self, limits: Limits, usage: Usage) -> None:
        first, last = instant(usage.periods[0].start), instant(usage.periods[-1].end)
        self.flags: set[str] = set()
        self._limits = limits
        self._reserved = Use.EXPIRED_RESERVATION if usage.reservation_expired else Use.RESERVATION
        self._session_start, self._reservation_start = instant(usage.start), first
        self._time_cuts = self._find_time_cuts(first, last)

    def joined(self, periods: Sequence[Period]) -> Iterator[tuple[Period, int, int, Number]]:
        """The periods with start, length and energy; neighbours alike are one where only the clock decides.

        Between two changes of price, readings change nothing about the sums. Periods with and without energy stay
        apart: they tell in which order prices are used first.
        """
        held: tuple[Period, int, int, Number] | None = None
        for period in periods:
            start, energy = instant(period.start), exact(period.energy_wh)
            length = instant(period.end) - start
            if held is not None and self._are_alike(held, period, start, length, energy):
                held = (held[0], held[1], held[2] + length, held[3] + energy)
                continue
            if held is not None:
                yield held
            held = (period, start, length, energy)
        if held is not None:
            yield held

    def _are_alike(
        self, held: tuple[Period, int, int, Number], period: Period, start: int, length: int, energy: Number
    ) -> bool:
        before, _, length_before, energy_before = held
        return (
            self._limits.is_by_clock
            and before.charging == period.charging
            and before.reservation == period.reservation
            and before.suspended_by == period.suspended_by
            and bool(length) == bool(length_before)
            and bool(energy) == bool(energy_before)
            and held[1] + length_before == start
            and not _between(self._time_cuts, held[1], start + length)  # else energy would be spread over the cut
        )

    def cuts(self, start: int, length: int, energy_before: Number, energy: Number) -> list[Fraction]:
        """Where a period has to be cut, as shares of it between 0 and 1."""
        shares = {Fraction(cut - start) / length for cut in _between(self._time_cuts, start, start + length)}
        passed = _between(self._limits.energies, energy_before, energy_before + energy)
        shares.update(Fraction(limit - energy_before) / energy for limit in passed)
        return sorted(shares)

    def prices(self, piece: Piece) -> Prices:
        """The prices at the start of a piece, and so all through it."""
        period = piece.period
        use = self._reserved if period.reservation else Use.SESSION
        # No price changes inside a microsecond: changes of the clock fall on whole ones.
        day, minute = self._limits.clock.local(int(piece.start)) if self._limits.minutes else (1, 0)
        elapsed = piece.start - (self._reservation_start if period.reservation else self._session_start)
        power, current = self._power(piece), self._current(period)
        return self._limits.prices(use, Moment(day, minute, elapsed, piece.energy_before, power, current))

    def _find_time_cuts(self, first: int, last: int) -> list[int]:
        limits = self._limits
        cuts = limits.clock.borders(first + 1, last) if limits.minutes else []
        if not limits.durations:
            return cuts
        origins = {self._session_start, self._reservation_start}
        ended = {origin + duration for origin in origins for duration in limits.durations}
        return sorted({*cuts, *(at for at in ended if first < at < last)})

    def _power(self, piece: Piece) -> Number | None:
        if not self._limits.powers:
            return None
        period = piece.period
        if period.max_power_kw is not None:
            return Fraction(period.max_power_kw)
        if piece.length:
            return Fraction(piece.energy * HOUR) / (1000 * piece.length)
        self.flags.add(POWER_UNKNOWN)
        return None

    def _current(self, period: Period) -> Number | None:
        if not self._limits.currents:
            return None
        if period.current_a is not None:
            return Fraction(period.current_a)
        if not period.charging:
            return 0
        self.flags.add(CURRENT_UNKNOWN)
        return None


def _between(borders: Sequence[Number], low: Number, high: Number) -> Sequence[Number]:
    return borders[bisect_right(borders, low) : bisect_left(borders, high)]


class Used(NamedTuple):
    """A price that was used, for a reservation or for a session: the two are added up apart."""

    reservation: bool
    price: Price

    @property
    def dimension(self) -> Dimension:
        return self.price.component.dimension


_Key = tuple[bool, int, Dimension]
_PER_COUNT = {Dimension.FLAT: 1, Dimension.ENERGY: 1, Dimension.TIME: SECOND, Dimension.PARKING_TIME: SECOND}


class Tally:
    """Quantities per price, in order of first use: Wh, microseconds, sessions."""

    def __init__(self, idle_grace_s: int) -> None:
        self._parts: dict[_Key, tuple[Used, list[Number]]] = {}
        self._grace: Number = idle_grace_s * SECOND
        self._has_fee = {True: False, False: False}
        self._last_energy: Used | None = None
        self._last_time: dict[bool, Used] = {}

    def add(self, piece: Piece, found: Prices) -> None:
        """The piece is counted under the prices that apply to it."""
        reserved = piece.period.reservation
        if Dimension.FLAT in found and not self._has_fee[reserved]:
            self._has_fee[reserved] = True
            self._count(Used(reserved, found[Dimension.FLAT]), 1)
        if Dimension.ENERGY in found and piece.energy and not reserved:
            self._last_energy = Used(reserved, found[Dimension.ENERGY])
            self._count(self._last_energy, piece.energy)
        dimension, length = self._time(piece)
        if dimension in found and length:
            self._last_time[reserved] = Used(reserved, found[dimension])
            self._count(self._last_time[reserved], length)

    def quantities(self) -> list[Quantity]:
        """What is billed at each price, in Wh, seconds, sessions, steps applied.

        Source: OCPI 2.2.1, mod_cdrs, "step_size": once per session, by the price used last, never period by period.
        """
        amounts = {key: _counted(used, exact_sum(parts)) for key, (used, parts) in self._parts.items()}
        for last in filter(None, [self._last_energy, *self._last_time.values()]):
            alike = [key for key in amounts if (key[0], key[2]) == (last.reservation, last.dimension)]
            total = exact_sum([amounts[key] for key in alike])
            added = whole_steps(total, last.price.component.step_size) - total
            if added:
                amounts[_key(last)] += added
        return [Quantity(used.reservation, used.price, amounts[key]) for key, (used, _) in self._parts.items()]

    def _time(self, piece: Piece) -> tuple[Dimension, Number]:
        period = piece.period
        if period.charging or period.reservation:
            return Dimension.TIME, piece.length
        if not period.is_parked:
            return Dimension.PARKING_TIME, 0
        free = min(self._grace, piece.length)
        self._grace -= free
        return Dimension.PARKING_TIME, piece.length - free

    def _count(self, used: Used, amount: Number) -> None:
        self._parts.setdefault(_key(used), (used, []))[1].append(amount)


def _key(used: Used) -> _Key:
    # Not the price itself: to hash its decimals takes longer than to add them up.
    return used.reservation, used.price.element, used.dimension


def _counted(used: Used, amount: Fraction) -> Fraction:
    per_count = _PER_COUNT[used.dimension]
    return amount if per_count == 1 else amount / per_count


def whole_steps(total: Fraction, step_size: int) -> Fraction:
    """The total rounded up to full steps; step 0 leaves it as it is.

    >>> whole_steps(Fraction(101), 25)
    Fraction(125, 1)
    """
    return total if step_size == 0 else Fraction(-(-total // step_size) * step_size)


def exact_sum(parts: Sequence[Number]) -> Fraction:
    """The sum of the parts.

    Added in pairs: unlike denominators make a running sum long, and each further addition slow.
    """
    while len(parts) > 1:
        odd = parts[len(parts) & ~1 :]
        parts = [low + high for low, high in zip(parts[::2], parts[1::2], strict=False)] + [*odd]
    return Fraction(sum(parts))
