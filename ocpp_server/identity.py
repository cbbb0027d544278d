"""Who wants to connect: identity, credentials and versions, taken as bytes where strangers wrote them."""

import binascii
from base64 import b64decode
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from domain.connections import LONGEST_DEVICE_ID

# In the order of our preference. OCPP 2.x is understood by none of our handlers yet.
VERSIONS = {"ocpp1.6": "1.6"}
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Credentials(NamedTuple):
    """Of Basic authentication. Keys may be raw bytes, so nothing is decoded."""

    user: bytes
    password: bytes


def device_id(raw_path: bytes) -> str | None:
    """The identity that the address ends with, decoded once; None if there is none or it cannot be meant.

    Empty segments count for nothing: some chargers double the slash (quirk A4).
    """
    segments = [segment for segment in raw_path.split(b"/") if segment]
    if not segments or not _is_properly_encoded(segments[-1]):
        return None
    try:
        decoded = unquote_to_bytes(segments[-1]).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return decoded if decoded.isprintable() and len(decoded) <= LONGEST_DEVICE_ID else None


def _is_properly_encoded(segment: bytes) -> bool:
    parts = segment.split(b"%")[1:]
    return all(len(part) >= 2 and set(part[:2]) <= _HEX for part in parts)


def credentials(headers: list[tuple[bytes, bytes]]) -> Credentials | None:
    """User and password of the Authorization header, if it holds any."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, encoded = given[0].strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return Credentials(user, password) if colon else None


@lru_cache(maxsize=64)
def version(subprotocols: tuple[str, ...]) -> str | None:
    """The best OCPP version among those offered that is spoken here.

    Bound to the connection, never remembered: chargers probe with one version and come back with another (quirk A2).
    """
    offered = {name.lower() for name in subprotocols}
    return next((ours for name, ours in VERSIONS.items() if name in offered), None)


def header(headers: list[tuple[bytes, bytes]], name: bytes, longest: int) -> str | None:
    """That header as storable text, cut off."""
    value = next((value for known, value in headers if known == name), None)
    return None if value is None else value[:longest].decode("latin-1").replace("\0", "")


def remote_address(scope: dict[str, Any]) -> str | None:
    """Where the socket comes from."""
    client = scope.get("client")
    return str(client[0]) if client else None
