"""Months as "2026-11", and the moments at which they begin and end on a clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def of(at: datetime, zone: str) -> str:
    """The month that the zone's calendar shows at that moment."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m")


def read(text: str) -> str | None:
    """The month that is meant, "2026-11"; None for anything else."""
    try:
        found = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    return f"{found:%Y-%m}" if 2000 <= found.year < 2200 else None


def shift(month: str, by: int) -> str:
    """The month so many months later.

    >>> shift("2026-11", 2), shift("2026-01", -1)
    ('2027-01', '2025-12')
    """
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + by, 12)
    return f"{year:04d}-{number + 1:02d}"


def span(first: str, last: str) -> list[str]:
    """The months from the first to the last, both included."""
    found = []
    while first <= last:
        found.append(first)
        first = shift(first, 1)
    return found


def bounds(month: str, zone: str) -> tuple[datetime, datetime]:
    """The moments at which the month begins and ends on the zone's calendar, in UTC."""
    return _begin(month, zone), _begin(shift(month, 1), zone)


def _begin(month: str, zone: str) -> datetime:
    # A midnight that summer time skips begins at the jump.
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
