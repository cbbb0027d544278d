"""What a person wishes a charger or connector to give at most: always, or by the hours of the week, and how long.

Times of day are those of the station's clock. The first row of the week that holds a moment says the limit; outside of
all rows the base limit holds, or none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import Refused
from domain.models.power import LimitUnit

DAY_MIN, WEEK_MIN = 1_440, 7 * 1_440
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_ROWS = 20


@dataclass(frozen=True)
class Row:
    """On those days (0 is Monday) from that minute to that one; through midnight if it ends before it begins."""

    days: tuple[int, ...]
    from_min: int
    to_min: int
    limit: Decimal

    def spans(self) -> Iterator[tuple[int, int]]:
        """Minutes of the week, each span within the week."""
        length = self.to_min - self.from_min + (DAY_MIN if self.to_min <= self.from_min else 0)
        for day in self.days:
            begin = day * DAY_MIN + self.from_min
            yield begin, min(begin + length, WEEK_MIN)
            if begin + length > WEEK_MIN:
                yield 0, begin + length - WEEK_MIN


@dataclass(frozen=True)
class Wish:
    """A person's limit. `base` None: what the connector can give."""

    unit: LimitUnit
    base: Decimal | None
    rows: tuple[Row, ...] = field(default=())
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def limits(self) -> list[Decimal]:
        return [limit for limit in (self.base, *(row.limit for row in self.rows)) if limit is not None]


def check(wish: Wish, most: Decimal, now: datetime) -> None:
    """The wish makes sense.

    Args:
        most: the rating, in the wish's unit.

    Raises:
        Refused: with a sentence for each field that is wrong.
    """
    errors = [("limit", text) for text in _wrong_limit(wish.base, most, wish.unit)]
    for number, row in enumerate(wish.rows):
        errors += [(f"rows-{number}-limit", text) for text in _wrong_limit(row.limit, most, wish.unit)]
        if not row.days:
            errors.append((f"rows-{number}-days", "Tick at least one day."))
        if row.from_min == row.to_min:
            errors.append((f"rows-{number}-to_time", "It ends when it begins. Use 00:00 to 24:00 for the whole day."))
    errors += [(f"rows-{b}-from_time", f"It overlaps with row {a + 1}.") for a, b in _overlaps(wish.rows)]
    if len(wish.rows) > MOST_ROWS:
        errors.append(("rows", f"Use up to {MOST_ROWS} rows."))
    if wish.valid_until is not None:
        if wish.valid_from is not None and wish.valid_until <= wish.valid_from:
            errors.append(("valid_until", "It ends before it begins."))
        elif wish.valid_until <= now:
            errors.append(("valid_until", "That is over already."))
    if wish.base is None and not wish.rows:
        errors.append(("limit", "Type a limit, or remove the limit."))
    if errors:
        raise Refused(errors[0][1], errors)


def _wrong_limit(limit: Decimal | None, most: Decimal, unit: LimitUnit) -> Iterator[str]:
    if limit is None:
        return
    if limit < 0:
        yield "A limit cannot be negative. 0 means no charging."
    elif limit > most:
        yield f"That is more than the rating of {most.normalize():f} {unit.value}."


def _overlaps(rows: tuple[Row, ...]) -> Iterator[tuple[int, int]]:
    for later, row in enumerate(rows):
        for earlier in range(later):
            if any(a < d and c < b for a, b in row.spans() for c, d in rows[earlier].spans()):
                yield earlier, later
                break


def week(wish: Wish) -> list[tuple[int, Decimal | None]]:
    """(minute of the week, limit from then on), beginning at 0, without repetitions."""
    turns = sorted({0, *(edge % WEEK_MIN for row in wish.rows for span in row.spans() for edge in span)})
    found: list[tuple[int, Decimal | None]] = []
    for minute in turns:
        limit = _at_minute(wish, minute)
        if not found or found[-1][1] != limit:
            found.append((minute, limit))
    return found


def day(wish: Wish) -> list[tuple[int, Decimal | None]] | None:
    """The same for one day if all days are alike, else None."""
    turns = week(wish)
    days = [
        [(minute - number * DAY_MIN, limit) for minute, limit in _filled(turns, number)] for number in range(len(DAYS))
    ]
    return days[0] if all(each == days[0] for each in days) else None


def _filled(turns: list[tuple[int, Decimal | None]], number: int) -> list[tuple[int, Decimal | None]]:
    begin, end = number * DAY_MIN, (number + 1) * DAY_MIN
    before = [limit for minute, limit in turns if minute <= begin][-1]
    inside = [(begin, before), *((minute, limit) for minute, limit in turns if begin < minute < end)]
    return [turn for at, turn in enumerate(inside) if at == 0 or inside[at - 1][1] != turn[1]]


def _at_minute(wish: Wish, minute: int) -> Decimal | None:
    for row in wish.rows:
        if any(begin <= minute < end for begin, end in row.spans()):
            return row.limit
    return wish.base


def limit_at(wish: Wish, moment: datetime, zone: str) -> Decimal | None:
    """The limit at that moment, in the wish's unit; None: none."""
    if wish.valid_from is not None and moment < wish.valid_from:
        return None
    if wish.valid_until is not None and moment >= wish.valid_until:
        return None
    local = moment.astimezone(ZoneInfo(zone))
    return _at_minute(wish, local.weekday() * DAY_MIN + local.hour * 60 + local.minute)


def monday(moment: datetime, zone: str) -> datetime:
    """Midnight of that week's Monday by the offset from UTC that the station's clock has at that moment."""
    local = moment.astimezone(ZoneInfo(zone))
    naive = local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.weekday())
    return (naive - (local.utcoffset() or timedelta())).replace(tzinfo=UTC)


def as_json(wish: Wish) -> dict[str, Any]:
    """The wish as it is stored."""
    return {
        "unit": wish.unit.value,
        "base": _text(wish.base),
        "rows": [
            {"days": list(row.days), "from": row.from_min, "to": row.to_min, "limit": _text(row.limit)}
            for row in wish.rows
        ],
        "from": wish.valid_from.isoformat() if wish.valid_from else None,
        "until": wish.valid_until.isoformat() if wish.valid_until else None,
    }


def from_json(stored: dict[str, Any]) -> Wish:
    """A stored wish."""
    return Wish(
        unit=LimitUnit(stored["unit"]),
        base=None if stored["base"] is None else Decimal(stored["base"]),
        rows=tuple(Row(tuple(row["days"]), row["from"], row["to"], Decimal(row["limit"])) for row in stored["rows"]),
        valid_from=datetime.fromisoformat(stored["from"]) if stored["from"] else None,
        valid_until=datetime.fromisoformat(stored["until"]) if stored["until"] else None,
    )


def _text(limit: Decimal | None) -> str | None:
    return None if limit is None else f"{limit.normalize():f}"
