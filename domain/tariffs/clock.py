"""Local time without surprises: which wall-clock time an instant has, and when the wall clock reaches a border.

Instants are whole microseconds since 1970 in UTC, so that durations are real and exact. Days are ordinals as in
`date.fromordinal`; a minute is a minute of the local day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)
# No zone has changed its clocks twice within so short a time.
_LOOK_EVERY = 6 * HOUR


def instant(at: datetime) -> int:
    """Microseconds since 1970."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def moment(microseconds: int) -> datetime:
    """The aware UTC time of an instant."""
    return EPOCH + microseconds * _MICROSECOND


class _Stretch(NamedTuple):
    """A few hours: from when which offset from UTC holds, and the instants at which a price may change."""

    since: list[int]
    offsets: list[int]
    borders: list[int]


class LocalClock:
    """The wall clock of a zone and when it shows certain minutes. One clock serves all sessions of a tariff.

    What it once found out about a stretch of time it keeps: sessions of a station share their days.
    """

    def __init__(self, zone: ZoneInfo, minutes: Iterable[int] = ()) -> None:
        self._zone, self._minutes = zone, sorted(minutes)
        self._known: dict[int, _Stretch] = {}

    def local(self, at: int) -> tuple[int, int]:
        """The local day and minute of an instant."""
        stretch = self._stretch(at // _LOOK_EVERY)
        days, rest = divmod(at + stretch.offsets[bisect_right(stretch.since, at) - 1], DAY)
        return days + _EPOCH_ORDINAL, rest // MINUTE

    def borders(self, start: int, end: int) -> list[int]:
        """Every instant from `start` to before `end` at which the clock shows one of the minutes, or is put on or back.

        A minute that a change skips has no instant of its own: it takes effect at the change. A minute that is
        repeated has two.
        """
        found: list[int] = []
        for number in range(start // _LOOK_EVERY, -(-end // _LOOK_EVERY)):
            found += self._stretch(number).borders
        return found[bisect_left(found, start) : bisect_left(found, end)]

    def _stretch(self, number: int) -> _Stretch:
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = self._look(number * _LOOK_EVERY)
        return known

    def _look(self, start: int) -> _Stretch:
        end = start + _LOOK_EVERY
        before, after = self._offset(start - 1), self._offset(end - 1)
        parts, borders = [(start, end, after)], set()
        if before != after:
            change = self._change(start - 1, end - 1, after)
            parts, borders = [(start, change, before), (change, end, after)], {change}
        for since, until, offset in parts:
            first, last = (since + offset) // DAY, (until + offset) // DAY
            for minute in self._minutes:
                shown = (day * DAY + minute * MINUTE - offset for day in range(first, last + 1))
                borders.update(at for at in shown if since <= at < until)
        return _Stretch([since for since, _, _ in parts], [offset for _, _, offset in parts], sorted(borders))

    def _offset(self, at: int) -> int:
        shift = moment(at).astimezone(self._zone).utcoffset()
        assert shift is not None  # noqa: S101 - a ZoneInfo always knows its offset
        return shift // _MICROSECOND

    def _change(self, low: int, high: int, offset: int) -> int:
        """The first instant after `low` at which that offset holds."""
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._offset(middle) == offset else (middle, high)
        return high
