"""Leaves out the readings of a session that cannot change its price, so that thousands of sessions are priced soon.

Where only the clock and the states of a plug change prices, what counts is how much energy had been delivered at those
moments. Of a register that only rises, the two readings around each of them tell it; all others lie on the way.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from zoneinfo import ZoneInfo

from domain.tariffs.clock import SECOND, LocalClock, instant
from domain.tariffs.matching import minute_borders
from domain.tariffs.meter import ChargingState, Reading
from domain.tariffs.terms import Number, TariffTerms, exact

# Well below what the meter rules call implausible.
_SURELY_POSSIBLE_W_S = 1_000
_SLACK_WH = 1_000


class Thinning:
    """For one tariff in one zone."""

    def __init__(self, terms: TariffTerms, zone: ZoneInfo) -> None:
        asked = [element.restrictions for element in terms.elements]
        self._clock = LocalClock(zone, minute_borders(terms))
        self._durations = [int(limit * SECOND) for each in asked for limit in each.duration_s.borders()]
        self._is_by_clock = all(
            limits.is_open for each in asked for limits in (each.energy_wh, each.power_kw, each.current_a)
        )

    def thin(
        self,
        start: datetime,
        stop: datetime,
        meter_start_wh: int | None,
        meter_stop_wh: int | None,
        readings: list[Reading],
        states: Sequence[ChargingState],
    ) -> list[Reading]:
        """The readings that matter: all of them, unless it is certain that fewer give the same price."""
        if not self._is_by_clock or meter_start_wh is None or meter_stop_wh is None or len(readings) < 3:
            return readings
        first, last = instant(start), instant(stop)
        seen = sorted(((at, each) for each in readings if first < (at := instant(each.at)) < last), key=itemgetter(0))
        times = [at for at, _ in seen]
        registers = [meter_start_wh, *(exact(each.register_wh) for _, each in seen), meter_stop_wh]
        if not _is_steady([first, *times, last], registers):
            return readings
        kept: set[int] = set()
        for border in self._borders(first, last, states):
            after = bisect_left(times, border)
            kept.update((after - 1, after))
        return [seen[index][1] for index in sorted(kept) if 0 <= index < len(seen)]

    def _borders(self, start: int, stop: int, states: Sequence[ChargingState]) -> Iterator[int]:
        yield from self._clock.borders(start, stop)
        yield from (start + duration for duration in self._durations)
        yield from {instant(at) for state in states for at in (state.start, state.end)}


def _is_steady(times: Sequence[int], registers: Sequence[Number]) -> bool:
    """Whether the register rises all the time, and never fast."""
    for (before, after), (low, high) in zip(pairwise(times), pairwise(registers), strict=True):
        lasted = after - before
        if lasted <= 0 or not low <= high <= low + _SLACK_WH + _SURELY_POSSIBLE_W_S * (lasted // SECOND):
            return False
    return True
