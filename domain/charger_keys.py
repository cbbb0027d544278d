"""Chargers' keys (their Basic-auth passwords). Random and long, so a fast salted hash is enough.

People's passwords are another matter: domain/passwords.py. A slow hash here would let a thousand chargers that
reconnect block the machine for minutes.
"""

import hashlib
import hmac
import secrets

from domain.errors import Refused

SHORTEST, LONGEST = 10, 64
_SALT_BYTES = 16
# 20 bytes as 40 hexadecimal digits: fits OCPP 1.6's AuthorizationKey and 2.x's BasicAuthPassword alike.
_KEY_BYTES = 20


class WeakKey(Refused):
    """The key is too easy to guess for what stands between a stranger and a charger."""


def generate() -> str:
    """A new key of 160 random bits."""
    return secrets.token_hex(_KEY_BYTES)


def check_typed(key: str, device_id: str) -> None:
    """
    Raises:
        WeakKey: somebody chose a key that others could guess, or that a charger cannot send.
    """
    if not SHORTEST <= len(key) <= LONGEST:
        raise _weak(f"A charger's password has {SHORTEST} to {LONGEST} characters. Leave it out and we make one.")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise _weak("A charger's password has letters, digits and signs of plain ASCII, no spaces at its ends.")
    if len(set(key)) < 5 or key.lower() in device_id.lower() or device_id.lower() in key.lower():
        raise _weak("Choose a password that others cannot guess, or leave it out and we make one.")


def seal(key: str) -> tuple[bytes, bytes]:
    """A new salt, and the hash of the key with it."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt, _hash(salt, key.encode())


def matches(salt: bytes | None, key_hash: bytes | None, presented: bytes) -> bool:
    """Whether a charger presented the key: as text, or as the raw bytes that its hexadecimal digits stand for."""
    if salt is None or key_hash is None:
        # Takes as long as for a charger that has a key.
        hmac.compare_digest(_hash(b"\0" * _SALT_BYTES, presented), b"\0" * 32)
        return False
    forms = (presented, presented.hex().encode(), presented.hex().upper().encode())
    # Every form is tried, whichever fits: the time tells nothing.
    return sum(hmac.compare_digest(_hash(salt, form), key_hash) for form in forms) > 0


def _hash(salt: bytes, key: bytes) -> bytes:
    return hashlib.sha256(salt + key).digest()


def _weak(message: str) -> WeakKey:
    return WeakKey(message, [("password", message)])
