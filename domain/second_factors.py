"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), each accepted once, and recovery codes."""

import hashlib
import hmac
import logging
from datetime import datetime

import pyotp
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from domain import audit, logins, mails, sealing, users
from domain.errors import Conflict, Refused
from domain.models.operators import UserAccount
from domain.models.second_factors import RecoveryCode, SecondFactor

log = logging.getLogger(__name__)

STEP_S = 30
DRIFT = (-1, 0, 1)  # steps that a phone's clock may be off
RECOVERY_CODES = 10
ISSUER = "Voltdesk"
WRONG = "This code is not right, or it was used before. Wait for the next one and type it."
_PURPOSE = "second factor"


def of(db: Session, user_id: int) -> SecondFactor | None:
    """The person's app, if it is in force."""
    factor = db.get(SecondFactor, user_id)
    return factor if factor and factor.confirmed_at else None


def all_of(db: Session, user_ids: list[int]) -> set[int]:
    """Those of them whose sign-in asks for a code."""
    in_force = SecondFactor.confirmed_at.is_not(None)
    return set(db.scalars(select(SecondFactor.user_id).where(SecondFactor.user_id.in_(user_ids), in_force)))


def prepared(db: Session, user_id: int) -> SecondFactor | None:
    """The person's app that still waits for its first code."""
    factor = db.get(SecondFactor, user_id)
    return factor if factor and factor.confirmed_at is None else None


def prepare(db: Session, user: UserAccount, secret_key: str, now: datetime) -> SecondFactor:
    """A new secret to be scanned; one from before that was never confirmed is gone.

    Raises: Conflict: one is in force.
    """
    if of(db, user.id) is not None:
        raise Conflict("Two-factor sign-in is on already. Switch it off first to use another phone.")
    _forget(db, user)
    sealed = sealing.seal(secret_key, _PURPOSE, pyotp.random_base32())
    factor = SecondFactor(user_id=user.id, sealed_secret=sealed, created_at=now, last_step=0)
    db.add(factor)
    db.flush()
    return factor


def secret(factor: SecondFactor, secret_key: str) -> str:
    """The secret, for those who type it instead of scanning."""
    return sealing.unseal(secret_key, _PURPOSE, factor.sealed_secret)


def address(factor: SecondFactor, user: UserAccount, secret_key: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret(factor, secret_key)).provisioning_uri(name=user.email, issuer_name=ISSUER)


def confirm(db: Session, user: UserAccount, code: str, secret_key: str, now: datetime) -> list[str]:
    """From now on signing in asks for a code; the recovery codes, told only now.

    Raises: Refused: the code is wrong. Conflict: there is nothing to confirm.
    """
    factor = prepared(db, user.id)
    if factor is None:
        raise Conflict("Begin again: there is no code to confirm.")
    if not _spend(db, factor, code, secret_key, now):
        raise _wrong()
    factor.confirmed_at = now
    _record(db, "two-factor switched on", user, user.email, now)
    return renew_recovery_codes(db, user, now)


def renew_recovery_codes(db: Session, user: UserAccount, now: datetime) -> list[str]:
    """Ten new codes; those before open nothing."""
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [users.made_up_password() for _ in range(RECOVERY_CODES)]
    db.add_all(RecoveryCode(user_id=user.id, code_hash=_hashed(code)) for code in codes)
    db.flush()
    _record(db, "recovery codes made", user, user.email, now)
    return codes


def recovery_codes_left(db: Session, user_id: int) -> int:
    left = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.scalar(left) or 0


def check(db: Session, user: UserAccount, code: str, secret_key: str, now: datetime) -> None:
    """The code is right and now spent: an app's, or a recovery code.

    Raises: Refused: it is wrong or was used before.
    """
    factor = of(db, user.id)
    if factor is not None and _spend(db, factor, code, secret_key, now):
        return
    if factor is None or not _spend_recovery_code(db, user, code, now):
        raise _wrong()


def switch_off(db: Session, user: UserAccount, *, by: str, now: datetime) -> None:
    """Signing in asks for the password only. Password and code were looked at before."""
    _forget(db, user)
    _record(db, "two-factor switched off", user, by, now)


def reset(db: Session, user: UserAccount, *, by: UserAccount, now: datetime) -> None:
    """The person's app and recovery codes open nothing, the person is signed out and told by mail.

    Raises: Refused: it is oneself. Conflict: there is none.
    """
    if user.id == by.id:
        raise Refused("Switch off your own two-factor sign-in on its page, with a code.")
    if of(db, user.id) is None:
        raise Conflict(f"{user.name} has no two-factor sign-in.")
    _forget(db, user)
    logins.end_all(db, user.id, now)
    _record(db, "two-factor reset", user, by.email, now)
    body = (
        f"Hello {user.name},\n\n{by.name} ({by.email}) has reset your two-factor sign-in to Voltdesk.\n\n"
        f"Your app's codes and your recovery codes no longer work. Sign in with your password and set it up again.\n"
        f"If you did not ask for this, speak to {by.name} at once.\n"
    )
    mails.queue(db, user.email, "Your two-factor sign-in was reset", body, now=now)


def _spend(db: Session, factor: SecondFactor, code: str, secret_key: str, now: datetime) -> bool:
    """Of two who send the same code at the same moment one succeeds."""
    digits = "".join(code.split())
    try:
        app = pyotp.TOTP(secret(factor, secret_key))
    except sealing.Unreadable:  # another SECRET_KEY: only a recovery code or a reset helps
        log.exception("the second factor of user %s cannot be read", factor.user_id)
        return False
    present = int(now.timestamp()) // STEP_S
    for step in (present + drift for drift in DRIFT):
        if not hmac.compare_digest(app.generate_otp(step).encode(), digits.encode("utf-8", "replace")):
            continue
        spend = update(SecondFactor).where(SecondFactor.user_id == factor.user_id, SecondFactor.last_step < step)
        spent = db.execute(spend.values(last_step=step), execution_options={"synchronize_session": False})
        db.refresh(factor)
        if isinstance(spent, CursorResult) and spent.rowcount == 1:
            return True
    return False


def _spend_recovery_code(db: Session, user: UserAccount, code: str, now: datetime) -> bool:
    spend = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hashed(code), RecoveryCode.used_at.is_(None)
    )
    spent = db.execute(spend.values(used_at=now), execution_options={"synchronize_session": False})
    if not isinstance(spent, CursorResult) or spent.rowcount != 1:
        return False
    _record(db, "recovery code used", user, user.email, now, left=recovery_codes_left(db, user.id))
    return True


def _forget(db: Session, user: UserAccount) -> None:
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    db.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))


def _hashed(code: str) -> str:
    """However it is typed: with or without hyphens and spaces, in capitals."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def _wrong() -> Refused:
    return Refused(WRONG, [("code", WRONG)])


def _record(db: Session, verb: str, user: UserAccount, by: str, now: datetime, **detail: int) -> None:
    audit.record(db, verb, "user_account", user.id, operator_id=user.operator_id, by=by, now=now, **detail)
