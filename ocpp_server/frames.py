"""OCPP-J frames: from the text of a WebSocket message to a CALL, an answer, or something unreadable.

The usual frame takes the fast path: orjson, and cheap proofs that the strict reader (`domain.json_text`) would see
the same. Everything else goes to the strict reader, and what it refuses is repaired where a known quirk is met.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from domain import json_text
from domain.json_text import InvalidJson

CALL, RESULT, ERROR = 2, 3, 4
LONGEST_ACTION = 64
_ID_TYPES = (str, int, float)

# So many digits in a row could be a number beyond 64 bits. Mapped to one digit they are found without a regex.
_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_MANY_DIGITS = b"0" * 19
_HEAD = re.compile(r'\s*\[\s*(?P<type>"?[0-9]"?)\s*,\s*(?P<id>"(?:[^"\\\x00-\x1f]|\\.)*"|-?[0-9][0-9.eE+-]*)\s*,')
_ACTION = re.compile(r'\s*"(?P<action>[A-Za-z0-9]{1,64})"\s*,')
# A string that never closes reaches to the end of the text: so each character is looked at once.
_STRING = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
# `[,{` (quirk B1) and `"name":,` or `"name":}` (quirk B2), outside of strings.
_COMMA_FIRST = re.compile(rf"({_STRING})|(\[)\s*,", re.DOTALL)
_NO_VALUE = re.compile(rf"({_STRING})(\s*:\s*(?=[,}}]))?", re.DOTALL)


@dataclass(slots=True)
class Call:
    """A CALL. `id` is the message id as JSON text, to be echoed byte for byte."""

    id: str
    action: str
    payload: dict[str, Any]
    quirks: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """A CALLRESULT for a CALL of ours, perhaps."""

    id: str
    payload: dict[str, Any]


@dataclass(slots=True)
class Error:
    """A CALLERROR for a CALL of ours, perhaps; also a CALLRESULT that cannot be read (quirk B3)."""

    id: str
    code: str
    description: str


@dataclass(slots=True)
class Unreadable:
    """Not a frame. With an id it was a CALL, and is answered with a CALLERROR; otherwise it is only logged."""

    id: str | None
    action: str | None
    code: str
    description: str


Frame = Call | Result | Error | Unreadable


def read(text: str) -> Frame:
    """What that text message is. Never raises."""
    try:
        frame = _fast(text)
        if frame is None:
            frame = json_text.decode(text)
    except InvalidJson as error:
        return _repaired(text, str(error))
    return _judged(text, frame, ())


def _fast(text: str) -> Any:
    """The value, if it is certain that the strict reader would read the same; else None."""
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" in data or _MANY_DIGITS in data.translate(_ONE_DIGIT):
        return None
    if data.count(b"[") + data.count(b"{") > json_text.MAX_DEPTH:
        return None
    try:
        value = orjson.loads(data)
        # Without backslashes every string has two quotes: a name that was given twice shows as missing quotes.
        return value if orjson.dumps(value).count(b'"') == data.count(b'"') else None
    except (orjson.JSONDecodeError, TypeError):
        return None


def _judged(text: str, frame: Any, quirks: tuple[str, ...]) -> Frame:
    if type(frame) is not list or len(frame) < 2 or type(frame[0]) is not int or type(frame[1]) not in _ID_TYPES:
        return _headless(text)
    kind = frame[0]
    message_id = _id_text(text, frame[1])
    if kind == CALL:
        return _call(message_id, frame, quirks)
    if kind == RESULT:
        if len(frame) > 2 and type(frame[2]) is dict:
            return Result(message_id, frame[2])
        return Error(message_id, "FormationViolation", "The CALLRESULT holds no object.")
    if kind == ERROR:
        code, description = [*frame[2:4], "", ""][:2]
        return Error(message_id, str(code)[:100], str(description)[:1000])
    return _headless(text)


def _call(message_id: str, frame: list[Any], quirks: tuple[str, ...]) -> Frame:
    if len(frame) == 4 and type(frame[2]) is str and type(frame[3]) is dict and len(frame[2]) <= LONGEST_ACTION:
        return Call(message_id, frame[2], frame[3], quirks)
    action = frame[2][:LONGEST_ACTION] if len(frame) > 2 and type(frame[2]) is str else None
    sentence = "A CALL has four elements: 2, a message id, an action, and an object."
    return Unreadable(message_id, action, "FormationViolation", sentence)


def _id_text(text: str, message_id: str | int | float) -> str:
    if type(message_id) is str and "\\" not in text:
        return f'"{message_id}"'
    head = _HEAD.match(text)
    return head["id"] if head else json_text.encode(message_id)


def _headless(text: str) -> Unreadable:
    head = _HEAD.match(text)
    is_call = head is not None and head["type"] == '"2"'
    return Unreadable(head["id"] if head and is_call else None, None, "FormationViolation", "This is no OCPP frame.")


def _repaired(text: str, sentence: str) -> Frame:
    head = _HEAD.match(text)
    if head is None:
        return Unreadable(None, None, "FormationViolation", sentence)
    if head["type"] in ("3", "4"):
        return Error(head["id"], "FormationViolation", f"The answer cannot be read. {sentence}")
    if head["type"] not in ("2", '"2"'):
        return Unreadable(None, None, "FormationViolation", sentence)
    repaired, quirks = _without_gaps(text)
    if quirks:
        try:
            return _judged(repaired, json_text.decode(repaired), quirks)
        except InvalidJson:
            pass
    action = _ACTION.match(text, head.end())
    return Unreadable(head["id"], action["action"] if action else None, "FormationViolation", sentence)


def _without_gaps(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with nothing where a value is missing, and which quirks that were."""
    quirks = []
    without_commas = _COMMA_FIRST.sub(lambda found: found[1] or found[2], text)
    if without_commas != text:
        quirks.append("B1")
    # A name without value becomes a null, which normalisation takes as absent.
    filled = _NO_VALUE.sub(lambda found: found[0] + "null" if found[2] else found[0], without_commas)
    if filled != without_commas:
        quirks.append("B2")
    return filled, tuple(quirks)
