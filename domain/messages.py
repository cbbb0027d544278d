"""The raw message log: written in the transaction of what a message changed, read as it went over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session

from domain.fast_sql import Prepared
from domain.models.messages import Direction, Message

_MESSAGE: Table = Message.__table__  # type: ignore[assignment]
_INSERT = Prepared(insert(_MESSAGE), *(column.name for column in _MESSAGE.columns if column.name != "id"))
MOST_PER_PAGE = 1000


class Entry(NamedTuple):
    """One frame for the log. Exactly one of `text` and `raw` is set."""

    charger_id: int
    at: datetime
    direction: Direction
    action: str | None
    text: str | None
    raw: bytes | None = None
    is_binary: bool = False
    notes: str | None = None


def entry(
    charger_id: int,
    at: datetime,
    direction: Direction,
    action: str | None,
    frame: str | bytes,
    *,
    is_binary: bool = False,
    notes: str | None = None,
) -> Entry:
    """That frame for the log, as text where a database can hold it exactly, else as bytes.

    Args:
        frame: text of a text message, or the bytes of a binary message or of a text message that is no UTF-8.
    """
    if isinstance(frame, str):
        if "\0" not in frame:
            return Entry(charger_id, at, direction, action, frame, None, is_binary, notes)
        frame = frame.encode("utf-8", "surrogatepass")
    return Entry(charger_id, at, direction, action, None, frame, is_binary, notes)


def store(db: Session, entries: Sequence[Entry]) -> None:
    """Those frames are in the log, in that order."""
    if entries:
        _INSERT.run_each(db.connection(), [entry._asdict() for entry in entries])


def forget(db: Session, before: datetime, limit: int = 5000) -> int:
    """Up to that many of the oldest frames are gone if they are older than that; returns how many."""
    oldest = db.execute(select(Message.id, Message.at).order_by(Message.id).limit(limit)).all()
    old = [message_id for message_id, at in oldest if at < before]
    if old:
        db.execute(delete(Message).where(Message.id.in_(old)).execution_options(synchronize_session=False))
    return len(old)


def page(
    db: Session,
    charger_id: int,
    *,
    after_id: int = 0,
    limit: int = 50,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Message]:
    """That charger's frames, oldest first, from behind that id."""
    wanted = select(Message).where(Message.charger_id == charger_id, Message.id > after_id)
    if since is not None:
        wanted = wanted.where(Message.at >= since)
    if until is not None:
        wanted = wanted.where(Message.at < until)
    return list(db.scalars(wanted.order_by(Message.id).limit(min(limit, MOST_PER_PAGE))))


def latest(db: Session, charger_id: int, *, before_id: int | None = None, limit: int = 50) -> list[Message]:
    """That charger's frames, newest first, from before that id."""
    wanted = select(Message).where(Message.charger_id == charger_id)
    if before_id is not None:
        wanted = wanted.where(Message.id < before_id)
    return list(db.scalars(wanted.order_by(Message.id.desc()).limit(min(limit, MOST_PER_PAGE))))
