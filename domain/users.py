"""People's accounts."""

import re
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, logins, passwords
from domain.errors import Conflict, Refused
from domain.models.operators import Operator, Role, UserAccount

# Letters and digits that nobody confuses when typing them off a screen.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
LONGEST_EMAIL = 254
LONGEST_NAME = 120


def create(
    db: Session,
    email: str,
    role: Role,
    operator: Operator | None,
    *,
    password: str | None = None,
    password_hash: str | None = None,
    name: str | None = None,
    by: str,
    now: datetime,
) -> tuple[UserAccount, str]:
    """A new account, and its password. One that we made up must be changed at the first sign-in.

    Args:
        password_hash: instead of `password`, which has been checked and hashed before.

    Raises:
        Refused: the e-mail or the password will not do, or the role does not go with the operator.
        Conflict: somebody has this e-mail already.
    """
    address = clean_email(email)
    if role.is_platform and operator is not None:
        raise _wrong("operator", f"{_spoken(role)} belongs to no operator.")
    if not role.is_platform and operator is None:
        raise _wrong("operator", f"{_spoken(role)} belongs to an operator: name it.")
    if password is not None:
        passwords.check_strength(password, address)
    if db.scalar(select(UserAccount.id).where(UserAccount.email == address)):
        raise Conflict("Somebody has an account with this e-mail already.", [("email", "This is taken.")])
    chosen = password or made_up_password()
    has_chosen = bool(password or password_hash)
    user = UserAccount(
        operator_id=operator.id if operator else None,
        email=address,
        name=(name or "").strip()[:LONGEST_NAME] or name_from_email(address),
        role=role,
        password_hash=password_hash or passwords.hash_password(chosen),
        must_change_password=not has_chosen,
        created_at=now,
    )
    db.add(user)
    db.flush()
    operator_id = user.operator_id
    audit.record(db, "created", "user_account", user.id, operator_id=operator_id, by=by, now=now, role=str(role))
    return user, chosen


def renew_password(db: Session, user: UserAccount, *, by: str, now: datetime) -> str:
    """A password that works once; the person is signed out everywhere."""
    made_up = made_up_password()
    user.password_hash, user.must_change_password = passwords.hash_password(made_up), True
    logins.end_all(db, user.id, now)
    audit.record(db, "password renewed", "user_account", user.id, operator_id=user.operator_id, by=by, now=now)
    return made_up


def clean_email(typed: str) -> str:
    """The address as accounts keep it.

    Raises:
        Refused: it is no e-mail address.
    """
    address = typed.strip().lower()
    if not _EMAIL.fullmatch(address) or len(address) > LONGEST_EMAIL or not address.isprintable():
        raise _wrong("email", "This is not an e-mail address.")
    local, _, domain = address.partition("@")
    if not local.isascii():
        raise _wrong("email", "Mail servers do not know such letters before the @. Use an address in a to z.")
    try:
        domain.encode("idna")  # as mails are addressed
    except UnicodeError:
        raise _wrong("email", "This is not an e-mail address.") from None
    return address


def find(db: Session, email: str) -> UserAccount | None:
    """The account with that e-mail."""
    return db.scalar(select(UserAccount).where(UserAccount.email == email))


def made_up_password() -> str:
    """Four groups of four, 79 random bits, for typing once."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def name_from_email(email: str) -> str:
    """A name to begin with.

    >>> name_from_email("ada.lovelace@example.com")
    'Ada Lovelace'
    """
    words = re.split(r"[._+-]+", email.split("@")[0])
    return " ".join(word.capitalize() for word in words if word) or email


def _spoken(role: Role) -> str:
    return f"The role {role.value.replace('_', '-')}"


def _wrong(field: str, sentence: str) -> Refused:
    return Refused(sentence, [(field, sentence)])
