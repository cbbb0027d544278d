"""Passwords chosen by a link in a mail: the first one of a new login, and one that replaces a forgotten one."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain import audit, logins, mails, passwords, secret_links, users
from domain.errors import NotFound, Refused
from domain.links import Links
from domain.models.operators import UserAccount
from domain.models.secret_links import Purpose

FIRST_LASTS = timedelta(days=7)
FORGOTTEN_LASTS = timedelta(hours=1)
_FORGOTTEN = """Hello {name},

somebody, hopefully you, forgot the password of this login. Choose a new one within an hour:
{link}

The link works once. If it was not you, do nothing: your password stays as it is.
"""
_CHANGED = """Hello {name},

the password of your login was changed, and every browser was signed out. If it was not you, choose a new
one at once and tell us:
{forgot}
"""


def make_first(db: Session, user: UserAccount, links: Links, now: datetime) -> str:
    """The address under which the person chooses a password; it works once, for a week. Older ones are over."""
    secret_links.end(db, Purpose.SET_PASSWORD, user.id)
    return links.set_password(secret_links.make(db, Purpose.SET_PASSWORD, user.id, lasts=FIRST_LASTS, now=now))


def forgot(db: Session, email: str, remote_address: str, *, links: Links, now: datetime) -> None:
    """A link is on its way, if somebody may sign in with this e-mail; nobody else learns whether.

    Raises:
        TooManyTries: this address has asked for it too often, account or not.
    """
    address = email.strip().lower()[: users.LONGEST_EMAIL]
    logins.count_try(db, f"mail to {address}", remote_address, now)
    user = users.find(db, address)
    if user is None or not logins.may_sign_in(user) or not mails.may_ask(db, address, now):
        return
    secret = secret_links.make(db, Purpose.SET_PASSWORD, user.id, lasts=FORGOTTEN_LASTS, now=now)
    body = _FORGOTTEN.format(name=user.name, link=links.set_password(secret))
    mails.queue(db, address, "Choose a new password", body, now=now)


def find(db: Session, secret: str, now: datetime) -> UserAccount:
    """Whose password this link sets.

    Raises:
        NotFound: the link is used up or too old, or the login is closed.
    """
    user = db.get(UserAccount, secret_links.find(db, Purpose.SET_PASSWORD, secret, now).subject_id)
    if user is None or not logins.may_sign_in(user):
        raise NotFound(secret_links.GONE)
    return user


def sealed(db: Session, secret: str, new: str, now: datetime) -> str:
    """The hash of the password that this link shall set. It takes its time: only read in this transaction.

    Raises:
        NotFound: as `find`.
        Refused: the password is weak; the link still works.
    """
    user = find(db, secret, now)
    try:
        passwords.check_strength(new, user.email)
    except passwords.WeakPassword as weak:
        raise Refused(str(weak), [("new", str(weak))]) from weak
    return passwords.hash_password(new)


def set_password(db: Session, secret: str, password_hash: str, *, links: Links, now: datetime) -> UserAccount:
    """The new password is in force, the link and its sisters are used up, and every login of the person is over.

    Args:
        password_hash: from `sealed`.

    Raises: NotFound: as `find`.
    """
    user = find(db, secret, now)
    secret_links.use(db, Purpose.SET_PASSWORD, secret, now)
    secret_links.end(db, Purpose.SET_PASSWORD, user.id)
    is_first = user.must_change_password
    user.password_hash = password_hash
    user.must_change_password = False
    logins.end_all(db, user.id, now)
    audit.record(
        db, "password set", "user_account", user.id, operator_id=user.operator_id, by=user.email, now=now,
        by_link=True,
    )  # fmt: skip
    if not is_first:
        mails.queue(db, user.email, "Your password was changed", _told(user, links), now=now)
    return user


def _told(user: UserAccount, links: Links) -> str:
    return _CHANGED.format(name=user.name, forgot=links.forgot)
