"""What comes of a command beyond its own row: configuration read, lists accepted, plugs reserved.

A sweep takes in every command that has ended and is still unread, whoever asked for it and however it ended: answered,
refused, silent, lost or never sent. It may run twice, late, or after a crash.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import configuration, diagnostics, local_lists, reservations, turns
from domain.models.commands import Command, CommandStatus

Take = Callable[[Session, Command, datetime], None]
TAKE: Mapping[str, Take] = {
    "GetConfiguration": configuration.take_reading,
    "ChangeConfiguration": configuration.take_change,
    "GetDiagnostics": diagnostics.take_answer,
    "GetLog": diagnostics.take_answer,
    "GetLocalListVersion": local_lists.take_version,
    "SendLocalList": local_lists.take_update,
    "ReserveNow": reservations.take_answer,
    "CancelReservation": reservations.take_cancelling,
}
MOST_AT_ONCE = 500


def unread(db: Session) -> list[int]:
    """Commands that have ended and of which nobody took notice, the oldest first."""
    ended = Command.status.not_in((CommandStatus.QUEUED, CommandStatus.SENT))
    waiting = select(Command.id).where(Command.is_unread.is_not(None), ended).order_by(Command.id).limit(MOST_AT_ONCE)
    return list(db.scalars(waiting))


def take_in(db: Session, command_id: int, now: datetime) -> None:
    """What came of that command is where it belongs."""
    turns.at_charger(db, db.get_one(Command, command_id).charger_id)
    command = db.get_one(Command, command_id, with_for_update=True, populate_existing=True)
    if not command.is_unread:
        return
    command.is_unread = None
    take = TAKE.get(command.action)
    if take is not None:
        take(db, command, now)
    db.flush()


def take_in_all(db: Session, now: datetime) -> None:
    """As `take_in` for all that wait, and for what follows from them."""
    for command_id in unread(db):
        take_in(db, command_id, now)


def set_aside(db: Session, command_id: int) -> None:
    """That command is not looked at again: something about it is beyond us."""
    db.get_one(Command, command_id).is_unread = None
    db.flush()
