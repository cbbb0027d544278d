"""Lists by key: a page costs the same however deep it lies, and nothing is counted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute

from blueprints.api import cursors
from blueprints.database import db


def listed(
    statement: Select[Any],
    key: InstrumentedAttribute[int],
    shape: Callable[..., dict[str, Any]],
    asked: Mapping[str, Any],
    *,
    newest_first: bool = False,
) -> dict[str, Any]:
    """One page of the statement's rows, ordered by `key`, the id of the first entity that it selects."""
    rows, next_cursor = fetched(statement, key, asked, newest_first=newest_first)
    return {"items": [shape(*row) for row in rows], "next_cursor": next_cursor}


def fetched(
    statement: Select[Any], key: InstrumentedAttribute[int], asked: Mapping[str, Any], *, newest_first: bool = False
) -> tuple[list[Any], str | None]:
    """The rows of a page, and the cursor of the next page if there is one."""
    place = asked["cursor"]
    if place is not None:
        statement = statement.where(key < place if newest_first else key > place)
    ordered = statement.order_by(key.desc() if newest_first else key)
    rows = db.session.execute(ordered.limit(asked["limit"] + 1)).all()
    shown = list(rows[: asked["limit"]])
    name = str(request.endpoint).rpartition(".")[2]
    return shown, cursors.write(name, shown[-1][0].id) if len(rows) > len(shown) else None


def whole(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that is never long."""
    return {"items": items, "next_cursor": None}


def within(column: InstrumentedAttribute[datetime], asked: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Conditions for `since` (included) and `until` (excluded)."""
    conditions: list[ColumnElement[bool]] = []
    if asked["since"] is not None:
        conditions.append(column >= asked["since"])
    if asked["until"] is not None:
        conditions.append(column < asked["until"])
    return conditions


def matching(asked: Mapping[str, Any], **columns: InstrumentedAttribute[Any]) -> list[ColumnElement[bool]]:
    """Conditions for the filters that were given, each by its column."""
    return [column == asked[name] for name, column in columns.items() if asked[name] is not None]
