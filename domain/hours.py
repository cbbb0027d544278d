"""Business hours of a station, on its own clock: a week of periods, days that differ, and what that means now.

No hours at all means open around the clock; `is_always` means the same but for the days that differ, and keeps the
week. Periods are wall-clock times: on the days when clocks change, a period from 01:00 to 04:00 lasts two or four
hours, as it does for the people on site.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import Refused

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_PERIODS = 6  # of one day
MOST_EXCEPTIONS = 200
LONGEST_NOTE = 80
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4])[:.]([0-5][0-9])")
_DAY_MIN = 24 * 60
_LOOK_AHEAD_DAYS = 400


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start_min` to before `end_min`, in minutes of the day; 1440 is the end of it."""

    start_min: int
    end_min: int

    def __str__(self) -> str:
        return f"{clock(self.start_min)} to {clock(self.end_min)}"


_WHOLE_DAY = (Period(0, _DAY_MIN),)


@dataclass(frozen=True, slots=True)
class DayThatDiffers:
    """A day that differs: its periods (none: closed all day) and why."""

    periods: tuple[Period, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """The week from Monday, each day with its periods in order, and the days that differ."""

    week: tuple[tuple[Period, ...], ...]
    exceptions: Mapping[date, DayThatDiffers] = field(default_factory=dict)
    is_always: bool = False  # the week is kept, and does not count

    def on(self, day: date) -> tuple[Period, ...]:
        """The periods of that day."""
        differs = self.exceptions.get(day)
        if differs is not None:
            return differs.periods
        return _WHOLE_DAY if self.is_always else self.week[day.weekday()]


@dataclass(frozen=True, slots=True)
class Now:
    """Whether it is open, and until when that stays so; None if nothing changes for over a year."""

    is_open: bool
    until: datetime | None = None


def state(hours: Hours | None, zone: ZoneInfo, at: datetime) -> Now:
    """Open or closed at that moment, and when that changes next (aware, UTC offset of the station)."""
    if hours is None:
        return Now(True)
    local = at.astimezone(zone)
    if hours.is_always and all(day < local.date() for day in hours.exceptions):
        return Now(True)
    is_open = _is_open(hours, local)
    day = local.date()
    for _ in range(_LOOK_AHEAD_DAYS):
        for edge_min in sorted({minute for period in hours.on(day) for minute in (period.start_min, period.end_min)}):
            edge = _moment(day, edge_min, zone)
            if edge > at and _is_open(hours, edge) != is_open:
                return Now(is_open, edge)
        midnight = _moment(day, _DAY_MIN, zone)
        if midnight > at and _is_open(hours, midnight) != is_open:
            return Now(is_open, midnight)
        day += timedelta(days=1)
    return Now(is_open)


def parse_period(text_from: str, text_to: str) -> Period:
    """The period as people type it: "08:00", "8.00", "24:00".

    Raises:
        Refused: with the sentence to show at the field.
    """
    start, end = _minute(text_from), _minute(text_to)
    if start == end:
        raise Refused(f"{text_from} to {text_to} is no time at all. For the whole day write 00:00 to 24:00.")
    if end < start:
        rest = "" if end == 0 else f" and 00:00 to {clock(end)} on the next day"
        raise Refused(f"It ends before it starts. For a night write {clock(start)} to 24:00 here{rest}.")
    return Period(start, end)


def checked_day(periods: Sequence[Period]) -> tuple[Period, ...]:
    """The periods of one day in order.

    Raises:
        Refused: two of them overlap, or there are too many.
    """
    ordered = tuple(sorted(periods))
    if len(ordered) > MOST_PERIODS:
        raise Refused(f"A day has up to {MOST_PERIODS} periods.")
    for earlier, later in zip(ordered, ordered[1:], strict=False):
        if later.start_min < earlier.end_min:
            raise Refused(f"{earlier} and {later} overlap. Make one period of them.")
    return ordered


def to_json(hours: Hours | None) -> dict[str, Any] | None:
    """As it is stored."""
    if hours is None:
        return None
    return {
        "week": [[[period.start_min, period.end_min] for period in day] for day in hours.week],
        "exceptions": [
            {
                "date": day.isoformat(),
                "periods": [[period.start_min, period.end_min] for period in differs.periods],
                "note": differs.note,
            }
            for day, differs in sorted(hours.exceptions.items())
        ],
    } | ({"always": True} if hours.is_always else {})


def from_json(stored: Mapping[str, Any] | None) -> Hours | None:
    """What `to_json` stored."""
    if stored is None:
        return None
    return Hours(
        tuple(_periods(day) for day in stored["week"]),
        {
            date.fromisoformat(each["date"]): DayThatDiffers(_periods(each["periods"]), each.get("note", ""))
            for each in stored.get("exceptions", [])
        },
        stored.get("always", False),
    )


def clock(minute: int) -> str:
    """
    >>> clock(0), clock(510), clock(1440)
    ('00:00', '08:30', '24:00')
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _is_open(hours: Hours, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(period.start_min <= minute < period.end_min for period in hours.on(local.date()))


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """That minute on the station's clock; one that a change of clocks leaves out is the first after it."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall clock
    return (midnight + timedelta(minutes=minute)).replace(tzinfo=zone).astimezone(ZoneInfo("UTC")).astimezone(zone)


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text.strip())
    minute = int(found.group(1)) * 60 + int(found.group(2)) if found else _DAY_MIN + 1
    if minute > _DAY_MIN:
        raise Refused("Write times as 08:00, from 00:00 to 24:00.")
    return minute


def _periods(pairs: Sequence[Sequence[int]]) -> tuple[Period, ...]:
    return tuple(Period(start, end) for start, end in pairs)
