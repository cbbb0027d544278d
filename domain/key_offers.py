"""Chargers' passwords changed through their sockets: old and new open one until it is known which one the charger has.

The answer to such a change may be lost after the charger has taken it. Only one of the two counts again as soon as the
charger answers, or uses one of them on a later socket; a new one that is never used opens nothing after a week, or
after a month if the charger said that it needs a reboot first.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.orm import Session

from domain import charger_events, charger_keys
from domain.models.chargers import Charger, KeyOffer
from domain.models.commands import Command, CommandStatus

PASSWORD_KEY = "AuthorizationKey"  # noqa: S105 - the key's name
OPEN_FOR = timedelta(days=7)
OPEN_UNTIL_REBOOT = timedelta(days=30)  # from the charger's answer that it needs one

_SENT = "Password change sent: until it is known which one counts, the old and the new one open a socket"
_USED = "Connected with the new password, which alone counts from now on"
_NOT_TAKEN = "Connected with the old password: it never took the new one"
_EXPIRED = "The new password was not used in its time: it opens nothing, the old one counts"


def is_open(charger_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether that charger was told a password of which nothing is known yet."""
    return exists().where(KeyOffer.charger_id == charger_id, KeyOffer.ended_at.is_(None))


def offer(db: Session, charger_id: int, command: Command, key: str, now: datetime) -> None:
    """The password in that command opens a socket too, until more is known."""
    salt, key_hash = charger_keys.seal(key)
    until = command.expires_at + OPEN_FOR  # it may wait for the charger
    made = KeyOffer(charger_id=charger_id, command_id=command.id, key_salt=salt, key_hash=key_hash)
    made.offered_at, made.until = now, until
    db.add(made)
    db.flush()
    charger_events.record(db, charger_id, "security", _SENT, at=now, now=now)


def opened_by(db: Session, charger_id: int, presented: bytes, now: datetime) -> int | None:
    """The open offer whose password a charger presents."""
    fitting = (
        each.id
        for each in db.scalars(_open(charger_id).where(KeyOffer.until > now))
        if charger_keys.matches(each.key_salt, each.key_hash, presented)
    )
    return next(fitting, None)


def used(db: Session, charger_id: int, offer_id: int | None, now: datetime) -> None:
    """The charger has opened a socket with the password of that offer, or with the old one: that one counts alone.

    An old password decides only about changes that had been sent before, and about none that waits for a reboot.
    The charger's row must be locked.
    """
    open_ones = list(db.scalars(_open(charger_id)))
    chosen = next((each for each in open_ones if each.id == offer_id), None)
    if chosen is not None:
        _count_alone(db, charger_id, chosen, open_ones, "used", now)
        charger_events.record(db, charger_id, "security", _USED, at=now, now=now)
        return
    for each in open_ones:
        command = db.get_one(Command, each.command_id, populate_existing=True)
        if command.status in (CommandStatus.TIMEOUT, CommandStatus.FAILED):
            _end(each, "not taken", now)
            charger_events.record(db, charger_id, "security", _NOT_TAKEN, at=now, now=now)
    db.flush()


def answered(db: Session, charger: Charger, command: Command, key: str, now: datetime) -> None:
    """What came of that change of the password is taken in: an accepted one counts alone, a refused one never.

    The charger's row must be locked, as `answers.take_in` does.
    """
    db.refresh(charger)
    found = db.scalar(select(KeyOffer).where(KeyOffer.command_id == command.id))
    status = (command.response or {}).get("status")
    if found is None:
        if status in ("Accepted", "RebootRequired"):  # asked by a release that knew no offers
            charger.password_salt, charger.password_hash = charger_keys.seal(key)
    elif found.ended_at is not None:
        return  # what the charger did, or somebody by hand, has decided already
    elif status == "Accepted":
        _count_alone(db, charger.id, found, list(db.scalars(_open(charger.id))), "accepted", now)
        db.refresh(charger)
    elif status == "RebootRequired":
        found.until = now + OPEN_UNTIL_REBOOT
    elif command.status in (CommandStatus.REJECTED, CommandStatus.EXPIRED):
        _end(found, "not taken", now)
    db.flush()


def replace(db: Session, charger_ids: Iterable[int], now: datetime) -> None:
    """Somebody chooses a password by hand: no other one that was offered opens anything."""
    for charger_id in charger_ids:
        for each in db.scalars(_open(charger_id)):
            _end(each, "replaced", now)
    db.flush()


def overdue(db: Session, now: datetime) -> list[int]:
    """Ids of offers whose time is over."""
    return list(db.scalars(_overdue(now).with_only_columns(KeyOffer.id)))


def expire(db: Session, now: datetime) -> None:
    """Passwords that no charger used in their time open nothing; each charger's timeline says so."""
    for each in db.scalars(_overdue(now).with_for_update()):
        _end(each, "expired", now)
        charger_events.record(db, each.charger_id, "security", _EXPIRED, at=now, now=now)
    db.flush()


def _overdue(now: datetime) -> Select[KeyOffer]:
    return select(KeyOffer).where(KeyOffer.ended_at.is_(None), KeyOffer.until <= now)


def _open(charger_id: int) -> Select[KeyOffer]:
    mine = select(KeyOffer).where(KeyOffer.charger_id == charger_id, KeyOffer.ended_at.is_(None))
    return mine.order_by(KeyOffer.id).execution_options(populate_existing=True)


def _count_alone(
    db: Session, charger_id: int, chosen: KeyOffer, open_ones: Iterable[KeyOffer], outcome: str, now: datetime
) -> None:
    values = {"password_salt": chosen.key_salt, "password_hash": chosen.key_hash}
    db.execute(update(Charger).where(Charger.id == charger_id).values(values))
    for each in open_ones:
        if each.command_id < chosen.command_id:
            _end(each, "not taken", now)
    _end(chosen, outcome, now)
    db.flush()


def _end(found: KeyOffer, outcome: str, now: datetime) -> None:
    found.key_salt = found.key_hash = None
    found.ended_at, found.outcome = now, outcome
