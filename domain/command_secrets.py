"""Passwords inside commands and answers: sent as they are, never kept or shown once they have done their work."""

import json
import re
from typing import Any

MASK = "•••"

_NAMES = re.compile(r"authorizationkey|password|passwd|passphrase|secret|psk$|apikey|privatekey|wpakey", re.IGNORECASE)
# Our addresses for uploads: whoever knows one may use it.
_UPLOAD = "/up/"
_ADDRESS = re.compile(r"(/up/)[A-Za-z0-9_-]{43}")
# A flat JSON object, whatever its texts hold.
_OBJECT = re.compile(r'\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}')
_KEY = re.compile(r'"key"\s*:\s*("(?:[^"\\]|\\.)*")')
_VALUE = re.compile(r'("value"\s*:\s*)"(?:[^"\\]|\\.)*"')


def is_secret(name: str) -> bool:
    """Whether that configuration key holds something like a password.

    >>> is_secret("AuthorizationKey"), is_secret("WifiPassword"), is_secret("HeartbeatInterval")
    (True, True, False)
    """
    return _NAMES.search(name) is not None


def masked(text: str) -> str:
    """A payload or frame in which the values of secret keys cannot be read; anything else as it is.

    >>> masked('{"key":"AuthorizationKey","value":"hunter2"}')
    '{"key":"AuthorizationKey","value":"•••"}'
    """
    if _UPLOAD in text:
        text = _ADDRESS.sub(rf"\1{MASK}", text)
    return _OBJECT.sub(_mask, text) if _NAMES.search(text) else text


def _mask(found: re.Match[str]) -> str:
    key = _KEY.search(found[0])
    if key is None or not is_secret(json.loads(key[1])):
        return found[0]
    return _VALUE.sub(lambda value: f'{value[1]}"{MASK}"', found[0])


def masked_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """A GetConfiguration answer without the values of secret keys; the same object if it has none."""
    entries = answer.get("configurationKey")
    if not isinstance(entries, list) or not any(_holds_secret(entry) for entry in entries):
        return answer
    kept = [{**entry, "value": MASK} if _holds_secret(entry) else entry for entry in entries]
    return {**answer, "configurationKey": kept}


def _holds_secret(entry: Any) -> bool:
    return isinstance(entry, dict) and is_secret(str(entry.get("key", ""))) and bool(entry.get("value"))
