"""Signing in and out: tries are counted, login sessions are rows, a lost cookie is worth nothing once its row ended."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session, joinedload

from domain import audit, passwords
from domain.errors import NotFound, Refused
from domain.models.operators import LoginAttempt, LoginSession, UserAccount

TRIES = 10
TRIES_WINDOW = timedelta(minutes=15)
LOGIN_LASTS = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)  # how exactly `last_seen_at` is kept


class TooManyTries(Refused):
    """This address has tried this account too often."""


def count_try(db: Session, email: str, remote_address: str, now: datetime) -> None:
    """The try is on record. Commit before the password is looked at, so that no two threads share the last one.

    Raises:
        TooManyTries: ten tries in a quarter of an hour; this one is not counted and must not be made.
    """
    if db.get_bind().dialect.name == "postgresql":  # SQLite's writers stand in line anyway
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"login {email} {remote_address}"))))
    db.execute(delete(LoginAttempt).where(LoginAttempt.at <= now - TRIES_WINDOW))
    made = db.scalar(
        select(func.count()).where(LoginAttempt.email == email, LoginAttempt.remote_address == remote_address)
    )
    if (made or 0) >= TRIES:
        raise TooManyTries("Too many tries. Wait 15 minutes, then try again.")
    db.add(LoginAttempt(email=email, remote_address=remote_address, at=now))
    db.flush()


def find_by_password(db: Session, email: str, password: str) -> UserAccount | None:
    """The active account with this e-mail and password; nobody learns which of the two was wrong."""
    user = db.scalar(select(UserAccount).where(UserAccount.email == email))
    is_right = passwords.matches(user.password_hash if user else None, password)
    return user if user and is_right and user.is_active and not _is_suspended(user) else None


def find_working(db: Session, user_id: int) -> UserAccount | None:
    """The account, if its person still may work here."""
    user = db.get(UserAccount, user_id)
    return user if user and user.is_active and not _is_suspended(user) else None


def start(db: Session, user: UserAccount, remote_address: str | None, user_agent: str | None, now: datetime) -> str:
    """The secret for the cookie of a new login session; the tries from this address are forgotten."""
    token = secrets.token_urlsafe(32)
    db.add(
        LoginSession(
            user_id=user.id,
            token_hash=_hash(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + LOGIN_LASTS,
            remote_address=remote_address,
            user_agent=(user_agent or "")[:300] or None,
        )
    )
    db.execute(
        delete(LoginAttempt).where(LoginAttempt.email == user.email, LoginAttempt.remote_address == remote_address)
    )
    db.flush()
    return token


def find(db: Session, token: str, now: datetime) -> LoginSession | None:
    """The login session with that secret, if it is alive and its person still may sign in."""
    login = db.scalar(
        select(LoginSession)
        .where(LoginSession.token_hash == _hash(token))
        .options(joinedload(LoginSession.user).joinedload(UserAccount.operator))
    )
    if login is None or login.ended_at is not None or login.expires_at <= now:
        return None
    return login if may_sign_in(login.user) else None


def living(db: Session, user_id: int, now: datetime) -> list[LoginSession]:
    """Where the person is signed in, the last seen first."""
    of_person = select(LoginSession).where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None))
    return list(db.scalars(of_person.where(LoginSession.expires_at > now).order_by(LoginSession.last_seen_at.desc())))


def record_failure(db: Session, email: str, remote_address: str, now: datetime) -> None:
    """The failed try is in the log of that account; the work is the same where there is none."""
    user = db.scalar(select(UserAccount).where(UserAccount.email == email))
    audit.record(
        db,
        "sign-in failed",
        "user_account",
        user.id if user else "unknown",  # not what was typed: people mistake the fields
        operator_id=user.operator_id if user else None,
        by="stranger",
        now=now,
        address=remote_address,
    )


def end(db: Session, login_id: int, now: datetime) -> None:
    """That login is over."""
    db.execute(update(LoginSession).where(LoginSession.id == login_id).values(ended_at=now))


def end_own(db: Session, user_id: int, login_id: int, now: datetime) -> None:
    """That login of the person is over.

    Raises: NotFound: it is not the person's, or over already.
    """
    own = update(LoginSession).where(LoginSession.id == login_id, LoginSession.user_id == user_id)
    ended = db.execute(own.where(LoginSession.ended_at.is_(None)).values(ended_at=now))
    if not isinstance(ended, CursorResult) or ended.rowcount != 1:
        raise NotFound("This browser is signed out already.")


def end_others(db: Session, user_id: int, kept_id: int, now: datetime) -> None:
    """The person is signed out everywhere but there."""
    db.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.id != kept_id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_all(db: Session, user_id: int, now: datetime) -> None:
    """The person is signed out everywhere: after a new password or another role."""
    db.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def change_password(db: Session, user: UserAccount, old: str, new: str, now: datetime) -> None:
    """The new password is in force and every login of the person is over.

    Raises:
        Refused: the old password is wrong, or the new one is weak or the same.
    """
    if not passwords.matches(user.password_hash, old):
        raise Refused("The present password is not right.", [("old", "The present password is not right.")])
    if old == new:
        raise Refused("Choose a new password.", [("new", "Choose one that differs from the present password.")])
    try:
        passwords.check_strength(new, user.email)
    except passwords.WeakPassword as weak:
        raise Refused(str(weak), [("new", str(weak))]) from weak
    user.password_hash = passwords.hash_password(new)
    user.must_change_password = False
    end_all(db, user.id, now)


def may_sign_in(user: UserAccount) -> bool:
    """Whether the login is open and its company too."""
    return user.is_active and not _is_suspended(user)


def _is_suspended(user: UserAccount) -> bool:
    return user.operator is not None and user.operator.suspended_at is not None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
