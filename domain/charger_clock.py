"""Chargers' clocks: from whatever a charger writes as time to a moment that can be billed (quirks E1-E9)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.charging_flags import Flag

# OCPP 1.6 is from October 2015: an earlier stamp comes from a clock that was never set.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(seconds=60)
ZONE_TOLERANCE = timedelta(minutes=5)
_HOUR_S = 3600
_MOST_ZONE_HOURS = 14

_MIDNIGHT_24 = re.compile(r"^(\d{4}-\d\d-\d\d)[Tt ]24(:00(?::00(?:\.0+)?)?)?(?=[Zz+-]|$)")
_LEAP_SECOND = re.compile(r"^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d):60(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class ChargerTime:
    """A moment as a charger reported it: the sane time, what was sent, and what is odd about it."""

    at: datetime  # aware, UTC, sane
    text: str | None  # as sent
    flags: tuple[Flag, ...] = ()

    @property
    def is_the_chargers(self) -> bool:
        """Whether `at` is the charger's own time; otherwise it is the time of receipt."""
        return Flag.TIME_UNKNOWN not in self.flags and Flag.CLOCK_AHEAD not in self.flags and bool(self.text)


def read_time(text: str | None, received_at: datetime, zone: str) -> ChargerTime:
    """The sane time of a charger's time stamp: its own, or that of receipt where its own cannot be meant.

    Args:
        text: what the charger sent; None or empty where it sent nothing.
        received_at: our clock.
        zone: IANA name, for stamps without a zone.

    A stamp of the past is believed, however old: chargers replay what happened while they were offline. One of the
    future, beyond a tolerance, cannot be true.
    """
    if not text:
        return ChargerTime(received_at, text, (Flag.TIME_UNKNOWN,))
    said = parse(text, received_at, zone)
    if said is None or said < EARLIEST:
        return ChargerTime(received_at, text, (Flag.TIME_UNKNOWN,))
    late = received_at - said
    if late < -TOLERANCE:
        return ChargerTime(received_at, text, (Flag.CLOCK_AHEAD, *_whole_hours(late)))
    if late <= TOLERANCE:
        return ChargerTime(said, text)
    unsure = (Flag.CLOCK_ZONE_UNSURE,) if late > ZONE_TOLERANCE and _is_naive(text) else ()
    return ChargerTime(said, text, (Flag.ARRIVED_LATE, *_whole_hours(late), *unsure))


def _whole_hours(late: timedelta) -> tuple[Flag, ...]:
    seconds = abs(late.total_seconds())
    hours = round(seconds / _HOUR_S)
    is_whole = 1 <= hours <= _MOST_ZONE_HOURS and abs(seconds - hours * _HOUR_S) <= TOLERANCE.total_seconds()
    return (Flag.CLOCK_WHOLE_HOURS,) if is_whole else ()


def parse(text: str, near: datetime, zone: str = "UTC") -> datetime | None:
    """The moment that ISO 8601 text means, in UTC; None if it means none.

    Args:
        text: with or without zone, seconds, colons in the offset; `24:00` and second 60 are understood.
        near: of two readings of a local time in the night the clocks go back, the one nearer to this is meant.
        zone: IANA name of the clock that text without zone was read from.
    """
    try:
        said = _from_text(text.strip())
        if said.tzinfo is not None:
            return said.astimezone(UTC)
        local = _zone(zone)
        readings = [said.replace(tzinfo=local, fold=fold).astimezone(UTC) for fold in (0, 1)]
    except (ValueError, OverflowError):  # no such date, or beyond the years 1 to 9999
        return None
    return min(readings, key=lambda reading: abs(reading - near))


def _from_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if _MIDNIGHT_24.match(text):
        return datetime.fromisoformat(_MIDNIGHT_24.sub(r"\1T00:00", text)) + timedelta(days=1)
    if _LEAP_SECOND.match(text):
        return datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text)) + timedelta(seconds=1)
    return datetime.fromisoformat(text.upper())


def _is_naive(text: str) -> bool:
    try:
        return _from_text(text.strip()).tzinfo is None
    except (ValueError, OverflowError):
        return False


@lru_cache(maxsize=600)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
