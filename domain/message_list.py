"""What one charger said and was told, the latest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from domain import paging
from domain.models.messages import Direction, Message

MOST_ACTIONS = 100


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the log to."""

    action: str = ""
    direction: Direction | None = None
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        return bool(self.action or self.direction or self.text)


def page(db: Session, charger_id: int, wanted: Filter, cursor: str | None, limit: int) -> paging.Page[Message]:
    """One page of the charger's messages."""
    keys: list[Any] = [Message.id]
    return paging.fetch_page(db, _found(charger_id, wanted), keys, descending=True, cursor=cursor, limit=limit)


def each(db: Session, charger_id: int, wanted: Filter) -> Iterator[Message]:
    """Every message that the filter keeps, oldest first, as they came."""
    yield from db.scalars(_found(charger_id, wanted).order_by(Message.id).execution_options(yield_per=500))


def actions(db: Session, charger_id: int) -> list[str]:
    """The actions among the charger's latest messages."""
    latest = select(Message.action).where(Message.charger_id == charger_id, Message.action.is_not(None))
    some = latest.order_by(Message.id.desc()).limit(5_000).subquery()
    return list(db.scalars(select(some.c.action).distinct().order_by(some.c.action).limit(MOST_ACTIONS)))


def _found(charger_id: int, wanted: Filter) -> Select[Any]:
    found: Select[Any] = select(Message).where(Message.charger_id == charger_id)
    if wanted.action:
        found = found.where(Message.action == wanted.action)
    if wanted.direction:
        found = found.where(Message.direction == wanted.direction)
    if wanted.text:
        told = (
            Message.text.icontains(wanted.text, autoescape=True),
            Message.notes.icontains(wanted.text, autoescape=True),
        )
        found = found.where(or_(*told))
    return found
