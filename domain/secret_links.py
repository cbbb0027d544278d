"""Links with a secret in them: made once, kept as a hash, used a set number of times, over by a set time."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.models.secret_links import Purpose, SecretLink

GONE = "This link has been used or has run out. Ask for a new one."


def make(db: Session, purpose: Purpose, subject_id: int, *, lasts: timedelta, uses: int = 1, now: datetime) -> str:
    """The secret of a new link to that row; it is known nowhere else."""
    secret = secrets.token_urlsafe(32)
    link = SecretLink(
        purpose=purpose,
        subject_id=subject_id,
        secret_hash=_hashed(secret),
        uses_left=uses,
        created_at=now,
        expires_at=now + lasts,
    )
    db.add(link)
    db.flush()
    return secret


def find(db: Session, purpose: Purpose, secret: str, now: datetime) -> SecretLink:
    """The link, still to be used.

    Raises:
        NotFound: there is none, or it is used up or too old: the three are told apart by nobody.
    """
    link = db.scalar(select(SecretLink).where(SecretLink.secret_hash == _hashed(secret)))
    if link is None or link.purpose is not purpose or link.uses_left == 0 or link.expires_at <= now:
        raise NotFound(GONE)
    return link


def use(db: Session, purpose: Purpose, secret: str, now: datetime) -> int:
    """The link is used once more; of two at the same moment that may use it once, one succeeds.

    Returns: the id of the row that it opens.

    Raises:
        NotFound: as `find`.
    """
    link = find(db, purpose, secret, now)
    spend = update(SecretLink).where(SecretLink.id == link.id, SecretLink.uses_left > 0)
    spent = db.execute(
        spend.values(uses_left=SecretLink.uses_left - 1, used_at=now), execution_options={"synchronize_session": False}
    )
    if not isinstance(spent, CursorResult) or spent.rowcount != 1:
        raise NotFound(GONE)
    db.refresh(link)
    return link.subject_id


def end(db: Session, purpose: Purpose, subject_id: int) -> None:
    """No link of that purpose opens that row any more."""
    db.execute(delete(SecretLink).where(SecretLink.purpose == purpose, SecretLink.subject_id == subject_id))


def forget(db: Session, before: datetime) -> None:
    """Links that ran out before that moment are gone."""
    db.execute(delete(SecretLink).where(SecretLink.expires_at < before))


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
