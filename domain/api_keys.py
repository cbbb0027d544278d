"""Keys to the operator API. A key is shown once; only its hash is kept."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from domain import audit
from domain.errors import Refused
from domain.models.operators import ApiKey, Operator


class Scope(StrEnum):
    """What a key is good for."""

    READ = "read"
    WRITE = "write"
    COMMANDS = "commands"
    REFUNDS = "refunds"


USUAL_SCOPES = (Scope.READ, Scope.WRITE, Scope.COMMANDS)  # money only for who asks for it
PREFIX = "vd_"  # lets a key be recognised where it does not belong
LASTS = timedelta(days=365)
LONGEST_NAME = 80


def create(
    db: Session,
    operator: Operator,
    name: str,
    scopes: Collection[Scope] = USUAL_SCOPES,
    *,
    lasts: timedelta = LASTS,
    by: str,
    by_user_id: int | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """A new key of the operator: its row, and the secret itself, which nobody can read again.

    Raises:
        Refused: no name, no scope, or no life.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        message = f"Give the key a name of up to {LONGEST_NAME} characters."
        raise Refused(message, [("name", message)])
    if not scopes:
        raise Refused("A key needs at least one scope.", [("scopes", "Choose at least one.")])
    if lasts <= timedelta(0):
        raise Refused("A key must expire in the future.", [("expires_at", "Choose a later day.")])
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        operator_id=operator.id,
        name=name.strip(),
        key_hash=_hash(secret),
        scopes=[scope.value for scope in Scope if scope in scopes],
        created_by_id=by_user_id,
        created_at=now,
        expires_at=now + lasts,
    )
    db.add(key)
    db.flush()
    audit.record(
        db, "created", "api_key", key.id, operator_id=operator.id, by=by, now=now, name=key.name, scopes=key.scopes
    )
    return key, secret


def find(db: Session, secret: str, now: datetime) -> ApiKey | None:
    """The living key with that secret: not expired, not revoked, its operator not suspended."""
    key = db.scalar(
        select(ApiKey).where(ApiKey.key_hash == _hash(secret)).options(joinedload(ApiKey.operator, innerjoin=True))
    )
    if key is None or key.revoked_at is not None or key.operator.suspended_at is not None:
        return None
    return key if key.expires_at is None or key.expires_at > now else None


def note_use(db: Session, key_id: int, now: datetime) -> None:
    """Whoever looks at the key sees that it is in use."""
    db.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))


def revoke(db: Session, key: ApiKey, *, by: str, now: datetime) -> None:
    """The key opens nothing from now on."""
    if key.revoked_at is None:
        key.revoked_at = now
        audit.record(db, "revoked", "api_key", key.id, operator_id=key.operator_id, by=by, now=now, name=key.name)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
