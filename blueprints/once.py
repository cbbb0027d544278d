"""Secrets that are shown once: kept in this process's memory from the form that made them to the page that shows them.

They reach neither the database nor a cookie. The web is one process (docs/adr/003); a restart in between loses the
secret, and a new one is made.
"""

from datetime import datetime, timedelta
from threading import Lock

from flask_login import current_user

LASTS = timedelta(minutes=10)
_kept: dict[tuple[int, str], tuple[datetime, str]] = {}
_lock = Lock()


def keep(what: str, secret: str, now: datetime) -> None:
    """The next `take` of the same thing in this login gets the secret."""
    with _lock:
        for key in [key for key, (until, _) in _kept.items() if until <= now]:
            del _kept[key]
        _kept[current_user.login_id, what] = (now + LASTS, secret)


def take(what: str, now: datetime) -> str | None:
    """The secret, this one time."""
    with _lock:
        until, secret = _kept.pop((current_user.login_id, what), (now, None))
    return secret if until > now else None
