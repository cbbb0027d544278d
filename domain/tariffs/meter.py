"""From what a charger reported to what a session used, whatever its register did in between."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from domain.tariffs.clock import HOUR, instant, moment
from domain.tariffs.terms import Number, Period, Usage, exact

METER_DIP = "meter_dip"
METER_RESET = "meter_reset"
METER_SPIKE = "meter_spike"
METER_IMPLAUSIBLE = "meter_implausible"
ESTIMATED = "estimated"
INTERPOLATED = "interpolated"
STOP_BEFORE_START = "stop_before_start"

# No connector delivers more than this; what is above it is a register gone wrong, not energy.
_MOST_POWER_W = 4_000_000
_SLACK_WH = 1000


@dataclass(frozen=True, slots=True)
class Reading:
    """What the energy register showed at a time."""

    at: datetime
    register_wh: int | Decimal | Fraction


@dataclass(frozen=True, slots=True)
class ChargingState:
    """A stretch of time in which the vehicle charged, or in which it or the station did not want to."""

    start: datetime
    end: datetime
    charging: bool
    suspended_by: str | None = None


def usage_from_meter(
    start: datetime,
    stop: datetime,
    meter_start_wh: int | None,
    meter_stop_wh: int | None,
    readings: Iterable[Reading] = (),
    states: Iterable[ChargingState] = (),
) -> Usage:
    """What a session used; its energy is `meter_stop_wh - meter_start_wh` unless `flags` tell of an anomaly.

    Readings outside the session are ignored. Time that no state covers counts as charging. An unknown register at the
    start or the stop is taken from the nearest reading inside, and flagged `estimated`.
    """
    flags = {STOP_BEFORE_START} if stop < start else set()
    stop = max(start, stop)
    inside = [reading for reading in readings if start < reading.at < stop]
    flags |= {ESTIMATED} if meter_start_wh is None or meter_stop_wh is None else set()
    flags |= {INTERPOLATED} if not inside else set()
    ends = [(start, meter_start_wh), (stop, meter_stop_wh)]
    if start == stop:
        return _usage_of_an_instant(start, meter_start_wh, meter_stop_wh, flags)
    curve, odd = energy_curve(inside + [Reading(at, wh) for at, wh in ends if wh is not None])
    return Usage(start, spread(_periods(start, stop, states), curve), flags=frozenset(flags | odd))


def _usage_of_an_instant(at: datetime, start_wh: int | None, stop_wh: int | None, flags: set[str]) -> Usage:
    # Two registers at one time cannot both stand on a curve, so the second is put just after the first.
    ends = [(at, start_wh), (at + timedelta(microseconds=1), stop_wh)]
    curve, odd = energy_curve(Reading(when, wh) for when, wh in ends if wh is not None)
    energy = curve[-1].energy if curve else 0
    return Usage(at, (Period(at, at, energy),), flags=frozenset(flags | odd))


class Point(NamedTuple):
    """The energy delivered up to an instant."""

    at: int
    energy: Number


def energy_curve(readings: Iterable[Reading]) -> tuple[list[Point], set[str]]:
    """Energy delivered by the time of each reading, never falling, and the flags of what was odd.

    A dip counts for nothing, and neither does the way back up. A register that falls below half of what it showed,
    and does not come back, has restarted: the parts before and after it are added, the gap between them is not.
    """
    shown = sorted({instant(reading.at): exact(reading.register_wh) for reading in readings}.items())
    points = [Point(at, register) for at, register in shown]
    if not _falls(points):  # as nearly always: nothing to mend
        curve = [Point(at, register - points[0].energy) for at, register in points]
        return curve, {METER_IMPLAUSIBLE} if any(_is_implausible(*pair) for pair in pairwise(curve)) else set()
    points, flags = _without_spikes(points)
    parts = _between_restarts(points)
    curve = []
    for part in parts:
        base = curve[-1].energy if curve else 0
        curve += (Point(point.at, base + energy) for point, energy in zip(part, _delivered(part), strict=True))
    flags |= {METER_RESET} if len(parts) > 1 else set()
    flags |= {METER_DIP} if any(_falls(part) for part in parts) else set()
    flags |= {METER_IMPLAUSIBLE} if any(_is_implausible(*pair) for pair in pairwise(curve)) else set()
    return curve, flags


def spread(periods: Iterable[Period], curve: Sequence[Point]) -> tuple[Period, ...]:
    """The periods, cut at every point of the curve, each with its energy; a reservation has none."""
    times = [point.at for point in curve]
    pieces: list[Period] = []
    for period in periods:
        start, end = instant(period.start), instant(period.end)
        if period.reservation:
            pieces.append(_part(period, period.start, period.end, 0))
            continue
        inside = curve[bisect_right(times, start) : bisect_left(times, end)]
        moments = [period.start, *(moment(point.at) for point in inside), period.end]
        energies = [_energy_at(curve, times, start), *(point.energy for point in inside), _energy_at(curve, times, end)]
        for (low, high), (before, after) in zip(pairwise(moments), pairwise(energies), strict=True):
            pieces.append(_part(period, low, high, after - before))
    return tuple(pieces)


def _part(period: Period, start: datetime, end: datetime, energy: Number) -> Period:
    # Not dataclasses.replace: a session has a hundred parts, and that takes most of their time.
    power, current = period.max_power_kw, period.current_a
    return Period(start, end, energy, period.charging, period.suspended_by, power, current, period.reservation)


def _energy_at(curve: Sequence[Point], times: Sequence[int], at: int) -> Number:
    after = bisect_right(times, at)
    if after == 0:
        return 0
    low = curve[after - 1]
    if low.at == at or after == len(curve):
        return low.energy
    high = curve[after]
    return low.energy + (high.energy - low.energy) * Fraction(at - low.at, high.at - low.at)


def _without_spikes(points: list[Point]) -> tuple[list[Point], set[str]]:
    kept = points[:1]
    for point, following in pairwise(points[1:]):
        fits_without = kept[-1].energy <= following.energy < point.energy
        if not (fits_without and _is_implausible(kept[-1], point)):
            kept.append(point)
    kept += points[1:][-1:]
    return kept, {METER_SPIKE} if len(kept) < len(points) else set()


def _is_implausible(before: Point, after: Point) -> bool:
    return after.energy - before.energy > _SLACK_WH + _MOST_POWER_W * (after.at - before.at) // HOUR


def _between_restarts(points: Sequence[Point]) -> list[list[Point]]:
    highest_later = list(accumulate((point.energy for point in reversed(points)), max))[::-1]
    parts: list[list[Point]] = []
    highest: Number = 0
    for point, later in zip(points, highest_later, strict=True):
        if not parts or (later < highest and point.energy * 2 < highest):
            parts.append([])
            highest = point.energy
        parts[-1].append(point)
        highest = max(highest, point.energy)
    return parts


def _delivered(part: Sequence[Point]) -> Iterator[Number]:
    # The last register of a part decides: what a higher one before it showed was not delivered.
    first, last = part[0].energy, part[-1].energy
    highest = first
    for point in part:
        highest = max(highest, point.energy)
        yield max(min(highest, last) - first, 0)


def _falls(part: Sequence[Point]) -> bool:
    return any(after.energy < before.energy for before, after in pairwise(part))


def _periods(start: datetime, stop: datetime, states: Iterable[ChargingState]) -> Iterator[Period]:
    here = start
    for state in sorted(states, key=lambda state: state.start):
        begin, end = max(state.start, here), min(state.end, stop)
        if begin >= end:
            continue
        if begin > here:
            yield Period(here, begin)
        yield Period(begin, end, charging=state.charging, suspended_by=state.suspended_by)
        here = end
    if here < stop:
        yield Period(here, stop)
