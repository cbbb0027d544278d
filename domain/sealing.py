"""Secrets kept in the database are sealed with a key that is not in it: whoever copies the database reads none.

The key comes from the installation's SECRET_KEY; each purpose has its own, so that what was sealed for one never
opens for another. A new SECRET_KEY makes everything sealed before unreadable.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unreadable(Exception):
    """It was sealed under another key or for another purpose, or it was tampered with."""


def seal(secret_key: str, purpose: str, text: str) -> str:
    """The text, readable only with the same key and purpose; twice the same text looks different."""
    return _box(secret_key, purpose).encrypt(text.encode()).decode()


def unseal(secret_key: str, purpose: str, sealed: str) -> str:
    """
    Raises:
        Unreadable: not sealed so.
    """
    try:
        return _box(secret_key, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(f"This {purpose} was sealed under another SECRET_KEY.") from error


@lru_cache(maxsize=64)
def _box(secret_key: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"voltdesk {purpose}".encode()).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
