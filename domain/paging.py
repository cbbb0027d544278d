"""Pages of a list by key: the cost of a page does not depend on how deep it lies, and nothing is counted.

A cursor is opaque text that names the last row seen; whoever makes one up gets an empty cursor, not an error.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, String, literal, tuple_
from sqlalchemy.orm import Session

from domain.db import UtcDateTime

Row = TypeVar("Row")

PAGE_SIZES = (25, 50, 100)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page, and the cursors of its neighbours (None where there is none)."""

    rows: list[Row]
    previous: str | None = None
    next: str | None = None


def fetch_page(
    db: Session,
    statement: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    *,
    descending: bool = False,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[Any]:
    """The page of `statement` at the cursor, ordered by the keys, which are never null and together unique.

    Rows are what the statement selects: the entity alone, or a tuple. Keys are texts, whole numbers or moments.
    """
    backwards, place = _read(cursor, [_kind(key) for key in keys])
    if place is not None:
        here = tuple_(*keys)
        there = tuple_(*(literal(value, key.type) for value, key in zip(place, keys, strict=True)))
        statement = statement.where(here < there if descending != backwards else here > there)
    order = [key.desc() if descending != backwards else key.asc() for key in keys]
    width = len(statement.column_descriptions)
    wide = statement.add_columns(*(key.label(f"key_{n}") for n, key in enumerate(keys))).order_by(*order)
    found = list(db.execute(wide.limit(limit + 1)))
    has_more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    rows = [row[0] if width == 1 else tuple(row[:width]) for row in found]
    places = [list(row[width:]) for row in found]
    return Page(
        rows,
        previous=_write("p", places[0]) if places and (has_more if backwards else place is not None) else None,
        next=_write("n", places[-1]) if places and (place is not None if backwards else has_more) else None,
    )


def _write(direction: str, place: Sequence[Any]) -> str:
    values = [value.isoformat() if isinstance(value, datetime) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps([direction, *values]).encode()).decode().rstrip("=")


def _kind(key: ColumnElement[Any]) -> type:
    for columns, kind in ((UtcDateTime, datetime), (String, str), (Integer, int)):
        if isinstance(key.type, columns):
            return kind
    raise TypeError(f"{key} cannot be a key: its type is {key.type!r}. Functions need `type_=`.")


def _read(cursor: str | None, kinds: Sequence[type]) -> tuple[bool, list[Any] | None]:
    """Whether the page before the place is wanted, and the place; made-up cursors are no place at all."""
    if not cursor:
        return False, None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        direction, *values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        place = [_typed(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        return False, None
    return direction == "p", place


def _typed(value: Any, kind: type) -> Any:
    """The value if a column of that kind could hold it."""
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ValueError(f"{value!r} is no {kind.__name__}.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("The number is too large.")
    if isinstance(value, str) and "\0" in value.encode().decode():
        raise ValueError("No database keeps this text.")
    return value
