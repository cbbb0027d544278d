"""Mails: queued with what they tell about, sent by the worker, tried again while the server is away.

Whatever stops between sending and recording it sends the mail once more, under the same Message-ID.
"""

import logging
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from domain.models.mails import Mail

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MOST_TRIES = 12  # the last one about two days after the first
ASKED_WITHIN = timedelta(hours=1)
MOST_ASKED = 5
_WAITS_S = (10, 30, 60, 300, 900, 3600, 3600, 7200, 14400, 28800, 43200, 43200)
_LINE_BREAKS = re.compile(r"[\r\n\x00]+")


class MailTrouble(Exception):
    """The mail is not out; `is_final` when no later try will help."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class MailCarrier(Protocol):
    """Takes mails out of the house."""

    def send(self, mail: Mail) -> None:
        """The mail is handed over. Raises: MailTrouble."""


def queue(db: Session, to_address: str, subject: str, body: str, *, now: datetime) -> Mail:
    """The mail goes out once this transaction is committed.

    Args:
        body: plain text, lines as they shall appear.
    """
    mail = Mail(
        message_id=f"<{uuid.uuid4()}@voltdesk>",
        to_address=to_address,
        subject=_LINE_BREAKS.sub(" ", subject)[:200],
        body=body,
        queued_at=now,
        next_try_at=now,
    )
    db.add(mail)
    db.flush()
    return mail


def may_ask(db: Session, to_address: str, now: datetime) -> bool:
    """Whether a stranger may have one more mail sent there: nobody's mailbox is filled by our forms."""
    recent = select(func.count()).where(Mail.to_address == to_address, Mail.queued_at > now - ASKED_WITHIN)
    return (db.scalar(recent) or 0) < MOST_ASKED


def due(db: Session, now: datetime) -> list[int]:
    """Mails to be tried now."""
    return list(db.scalars(select(Mail.id).where(Mail.next_try_at <= now).order_by(Mail.next_try_at).limit(50)))


def send(open_db: Callable[[], Session], mail_id: int, carrier: MailCarrier, now: datetime) -> None:
    """The mail is out, or will be tried again; nothing happens if somebody else is at it."""
    with open_db() as db:
        claim = update(Mail).where(Mail.id == mail_id, Mail.next_try_at <= now).values(next_try_at=now + LEASE)
        claimed = db.execute(claim)
        if not isinstance(claimed, CursorResult) or claimed.rowcount != 1:
            return
        mail = db.get_one(Mail, mail_id)
        db.commit()
    trouble: MailTrouble | None = None
    try:
        carrier.send(mail)
    except MailTrouble as found:
        trouble = found
    with open_db() as db:
        _record(db.get_one(Mail, mail_id), trouble, now)
        db.commit()


def _record(mail: Mail, trouble: MailTrouble | None, now: datetime) -> None:
    mail.tries += 1
    mail.error = str(trouble) if trouble else None
    if trouble is None:
        mail.sent_at, mail.next_try_at, mail.body = now, None, None
    elif trouble.is_final or mail.tries >= MOST_TRIES:
        log.error("mail %s to %s is given up: %s", mail.id, mail.to_address, trouble)
        mail.next_try_at = None
    else:
        mail.next_try_at = now + timedelta(seconds=_WAITS_S[mail.tries - 1])
