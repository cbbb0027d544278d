"""Money needing attention as a list: open or closed, by kind, by order number."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload

from domain import paging
from domain.models.money_items import MoneyItem, MoneyItemKind
from domain.models.orders import Order

COUNT_UP_TO = 999


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    is_closed: bool = False
    kind: MoneyItemKind | None = None
    text: str = ""  # in the order's number, or in what the item says

    @property
    def is_narrow(self) -> bool:
        return bool(self.kind or self.text)


def page(
    db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int
) -> paging.Page[MoneyItem]:
    """One page, the newest first. Operator None: what belongs to the platform."""
    keys: list[Any] = [MoneyItem.id]
    return paging.fetch_page(db, _found(operator_id, wanted), keys, descending=True, cursor=cursor, limit=limit)


def each(db: Session, operator_id: int | None, wanted: Filter) -> Iterator[MoneyItem]:
    """Every one of them, the newest first."""
    return iter(db.scalars(_found(operator_id, wanted).order_by(MoneyItem.id.desc()).execution_options(yield_per=500)))


def open_count(db: Session, operator_id: int | None) -> int:
    """How many are open, counted up to a thousand."""
    some = select(MoneyItem.id).where(mine(operator_id), MoneyItem.resolved_at.is_(None)).limit(COUNT_UP_TO + 1)
    return int(db.scalar(select(func.count()).select_from(some.subquery())) or 0)


def version(rows: list[MoneyItem]) -> str:
    """A mark that changes when these rows do."""
    return f"{zlib.crc32(repr([(item.id, item.resolved_at, item.text) for item in rows]).encode()):08x}"


def mine(operator_id: int | None) -> ColumnElement[bool]:
    """The items of that operator; of the platform for None."""
    return MoneyItem.operator_id.is_(None) if operator_id is None else MoneyItem.operator_id == operator_id


def _found(operator_id: int | None, wanted: Filter) -> Select[Any]:
    is_open = MoneyItem.resolved_at.is_(None)
    found = select(MoneyItem).where(mine(operator_id), ~is_open if wanted.is_closed else is_open)
    if wanted.kind is not None:
        found = found.where(MoneyItem.kind == wanted.kind)
    if wanted.text:
        numbered = select(Order.id).where(Order.number.icontains(wanted.text, autoescape=True))
        says = MoneyItem.text.icontains(wanted.text, autoescape=True)
        found = found.where(says | MoneyItem.order_id.in_(numbered))
    return found.options(joinedload(MoneyItem.order))
