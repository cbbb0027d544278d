"""The one strict reader of JSON: for OCPP frames, the API and webhooks alike.

Python's own accepts NaN, turns 1e400 into infinity, keeps the last of two equal names and accepts half characters;
databases do not, or not alike.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from domain.errors import Refused

MAX_DEPTH = 32
_LEAST, _MOST = -(2**63), 2**63 - 1
_CONTAINERS = (list, dict)
_MAYBE_HUGE = re.compile(r"[0-9]{19}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class InvalidJson(Refused):
    """The text is not JSON that every part of this product would read alike."""


def decode(text: str | bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        InvalidJson: bad syntax or encoding, NaN or infinity, a number beyond 64 bits, a name given twice,
            more than 32 levels, NUL or half a surrogate pair in a string.
    """
    try:
        string = text.decode() if isinstance(text, bytes) else text
        value = json.loads(
            string,
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=_int if _MAYBE_HUGE.search(string) else None,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        raise InvalidJson(f"This is not UTF-8: byte {error.start} cannot be read.") from error
    except json.JSONDecodeError as error:
        raise InvalidJson(f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise InvalidJson(f"This nests deeper than {MAX_DEPTH} levels.") from error
    _check_depth(value)
    if "\\u" in string and any(_UNSTORABLE.search(each) for each in _strings(value)):
        raise InvalidJson("A text holds the character NUL or half a surrogate pair.")
    return value


def encode(value: Any) -> str:
    """Compact JSON, names in the order given, characters as they are."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidJson(f"The name {twice[:60]!r} is given twice.")
    return made


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidJson(f"The number {text[:30]} is too large.")
    return number


def _int(text: str) -> int:
    if len(text) > 20 or not _LEAST <= int(text) <= _MOST:
        raise InvalidJson(f"The number {text[:30]} does not fit into 64 bits.")
    return int(text)


def _constant(text: str) -> None:
    raise InvalidJson(f"{text} is not a JSON number.")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if outer and type(outer) in _CONTAINERS
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
        if not level:
            return
    raise InvalidJson(f"This nests deeper than {MAX_DEPTH} levels.")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _strings(item)
