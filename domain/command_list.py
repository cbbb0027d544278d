"""The commands that an operator's chargers were given, the latest first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager

from domain import paging
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.power_desk import BY

# A charger that has not done by then what it accepted will hardly do it.
WATCH_EFFECT_FOR = timedelta(minutes=10)
LATELY = 2_000  # commands of the whole installation


class View(StrEnum):
    """The saved views of the log."""

    ALL = "all"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


_STATUSES = {
    View.WAITING: (CommandStatus.QUEUED, CommandStatus.SENT),
    View.ACCEPTED: (CommandStatus.ACCEPTED,),
    View.REFUSED: (CommandStatus.REJECTED, CommandStatus.FAILED, CommandStatus.TIMEOUT, CommandStatus.EXPIRED),
}


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the log to."""

    view: View = View.ALL
    charger_id: int | None = None
    action: str = ""
    text: str = ""  # in the charger's names, the payload and what came of it
    by: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.ALL or self.action or self.text or self.by or self.since or self.until)


def page(db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int) -> paging.Page[Command]:
    """One page of the log, each command with its charger."""
    found = select(Command).join(Command.charger).where(Charger.operator_id == operator_id)
    if wanted.view != View.ALL:
        found = found.where(Command.status.in_(_STATUSES[wanted.view]))
    if wanted.charger_id is not None:
        found = found.where(Command.charger_id == wanted.charger_id)
    if wanted.action:
        found = found.where(Command.action == wanted.action)
    if wanted.by:
        found = found.where(Command.asked_by == wanted.by)
    if wanted.since:
        found = found.where(Command.queued_at >= wanted.since)
    if wanted.until:
        found = found.where(Command.queued_at < wanted.until)
    if wanted.text:
        columns = (Charger.label, Charger.device_id, Command.payload, Command.action, Command.error, Command.effect)
        found = found.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    keys: list[Any] = [Command.id]
    return paging.fetch_page(
        db, found.options(contains_eager(Command.charger)), keys, descending=True, cursor=cursor, limit=limit
    )


def people(db: Session, operator_id: int | None) -> list[str]:
    """Who asked for the operator's latest commands, by name."""
    latest = select(Command.asked_by).join(Command.charger).where(Charger.operator_id == operator_id)
    recent = latest.order_by(Command.id.desc()).limit(2000).subquery()
    return list(db.scalars(select(recent.c.asked_by).distinct().order_by(recent.c.asked_by).limit(100)))


def latest_of_each(db: Session, charger_ids: list[int]) -> dict[int, Command]:
    """The last command of each of these chargers that had one; the power plan's do not hide what a person asked."""
    of_these = select(func.max(Command.id)).where(Command.charger_id.in_(charger_ids)).group_by(Command.charger_id)
    newest = list(db.scalars(of_these))
    # Ids are in order of time: without a lowest one, a charger that only the plan speaks to is read from its first day.
    lately = of_these.where(Command.asked_by != BY, Command.id > max(newest, default=0) - LATELY)
    found = db.scalars(select(Command).where(Command.id.in_([*newest, *db.scalars(lately)])))
    return {each.charger_id: each for each in sorted(found, key=lambda each: (each.asked_by != BY, each.id))}


def is_watched(command: Command, now: datetime) -> bool:
    """Whether something about it may still change soon: its answer, or the effect that follows an acceptance."""
    if not command.is_settled:
        return True
    if command.status != CommandStatus.ACCEPTED or command.effect_at or command.awaits is None:
        return False
    return command.settled_at is not None and now - command.settled_at < WATCH_EFFECT_FOR
