"""People's passwords: Argon2id, slow on purpose. Chargers' keys are another matter (random, fast hash)."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Refused

SHORTEST = 10
LONGEST = 200  # a longer one only costs time
_hasher = PasswordHasher()


class WeakPassword(Refused):
    """The password is too easy to guess."""


def hash_password(password: str) -> str:
    """An Argon2id hash with its own salt and parameters."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes as long when there is no account (`None`)."""
    known = password_hash or _nobodys_hash()
    try:
        _hasher.verify(known, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def check_strength(password: str, email: str) -> None:
    """
    Raises:
        WeakPassword: too short, too long, or the e-mail address itself.
    """
    if len(password) < SHORTEST:
        raise WeakPassword(f"Use at least {SHORTEST} characters. Several words are easy to remember.")
    if len(password) > LONGEST:
        raise WeakPassword(f"Use at most {LONGEST} characters.")
    if password.lower() in (email.lower(), email.lower().split("@")[0]) or len(set(password)) < 4:
        raise WeakPassword("Choose something that others cannot guess.")


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
