"""A CALL's fields as its JSON schema tells them, and the payload that typed texts become.

A field is known by its path: `csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.limit`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from domain import call_schemas
from domain.errors import Refused

MOST_ITEMS = 200
LARGEST_WHOLE = 2**31 - 1  # chargers keep 32 bits
ROOT = ""


class Kind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    MOMENT = "moment"
    GROUP = "group"
    LIST = "list"


@dataclass(frozen=True)
class Field:
    """One property of a payload. Lists have one part: their item."""

    name: str
    kind: Kind
    is_required: bool = False
    choices: tuple[str, ...] = ()
    longest: int | None = None
    step: Decimal | None = None
    parts: tuple["Field", ...] = ()

    @property
    def label(self) -> str:
        """The name in words: "Charging profile purpose"."""
        split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", self.name)
        words = [word if word.isupper() and len(word) > 1 else word.lower() for word in split.split()]
        text = " ".join(words)
        return text[:1].upper() + text[1:]


@cache
def of_call(version: str, action: str) -> Field:
    """The whole payload of that CALL, as a group without a name.

    Raises:
        Refused: no such CALL can be sent to a charger.
    """
    if action not in call_schemas.CALLS_TO_CHARGER.get(version, ()):
        raise Refused(f"OCPP {version} has no {action!r} that can be sent to a charger.", [("action", "Unknown.")])
    schema = call_schemas.schema(version, action)
    return _field(ROOT, schema, schema.get("definitions", {}), is_required=True)


def _field(name: str, schema: dict[str, Any], definitions: dict[str, Any], *, is_required: bool) -> Field:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    field = Field(name, _kind(schema), is_required)
    if field.kind is Kind.GROUP:
        required = schema.get("required", [])
        parts = schema.get("properties", {}).items()
        return replace(field, parts=tuple(_field(key, s, definitions, is_required=key in required) for key, s in parts))
    if field.kind is Kind.LIST:
        return replace(field, parts=(_field(name, schema["items"], definitions, is_required=True),))
    step = schema.get("multipleOf")
    return replace(
        field,
        choices=tuple(schema.get("enum", ())),
        longest=schema.get("maxLength"),
        step=Decimal(str(step)) if step else None,
    )


_LONG = 1000
_KIND_OF_TYPE = {
    "object": Kind.GROUP,
    "array": Kind.LIST,
    "integer": Kind.WHOLE,
    "number": Kind.NUMBER,
    "boolean": Kind.FLAG,
}


def _kind(schema: dict[str, Any]) -> Kind:
    if "enum" in schema:
        return Kind.CHOICE
    if schema.get("format") == "date-time":
        return Kind.MOMENT
    if schema.get("maxLength", 0) > _LONG:
        return Kind.LONG_TEXT
    return _KIND_OF_TYPE.get(schema.get("type", ""), Kind.TEXT)


def join(path: str, name: str | int) -> str:
    """The path of a part.

    >>> join("", "type"), join("key", 0)
    ('type', 'key.0')
    """
    return f"{path}.{name}" if path else str(name)


# --- From texts to the payload --------------------------------------------------------------------------------


class _Reading:
    def __init__(self, texts: Mapping[str, str], zone: str) -> None:
        self.texts = texts
        self.zone = ZoneInfo(zone)
        self.errors: list[tuple[str, str]] = []

    def wrong(self, path: str, sentence: str) -> None:
        self.errors.append((path, sentence))


def payload(field: Field, texts: Mapping[str, str], zone: str) -> dict[str, Any]:
    """The payload that those texts mean; what was left empty is not sent.

    Args:
        field: of `of_call`.
        texts: path -> text as typed; `<path>.count` says how many items a list has.
        zone: IANA name, of local times.

    Raises:
        Refused: some texts mean nothing; tells every field by its path.
    """
    reading = _Reading(texts, zone)
    made = _group(field, ROOT, reading)
    if reading.errors:
        raise Refused("Some fields need another look.", reading.errors)
    return made


def _group(field: Field, path: str, reading: _Reading) -> dict[str, Any]:
    made = {}
    for part in field.parts:
        value = _value(part, join(path, part.name), reading)
        if value is not None:
            made[part.name] = value
    return made


def _value(field: Field, path: str, reading: _Reading) -> Any:
    if field.kind is Kind.GROUP:
        if not field.is_required and not is_filled(field, path, reading.texts):
            return None
        return _group(field, path, reading)
    if field.kind is Kind.LIST:
        return _items(field, path, reading)
    text = reading.texts.get(path, "")
    text = text if field.kind is Kind.LONG_TEXT else text.strip()
    if text == "":
        # An empty text is a value where one must stand: that of a configuration key, say.
        if field.is_required and field.kind is Kind.TEXT and field.name == "value":
            return ""
        if field.is_required:
            reading.wrong(path, "Choose one." if field.kind is Kind.CHOICE else "Fill this in.")
        return None
    return _READERS[field.kind](field, path, text, reading)


def _items(field: Field, path: str, reading: _Reading) -> list[Any] | None:
    item = field.parts[0]
    made = []
    for number in range(count(field, path, reading.texts)):
        place = join(path, number)
        if is_filled(item, place, reading.texts):
            made.append(_group(item, place, reading) if item.kind is Kind.GROUP else _value(item, place, reading))
    if not made and field.is_required:
        reading.wrong(path, "Add at least one.")
    return made or None


def count(field: Field, path: str, texts: Mapping[str, str]) -> int:
    """How many rows that list shows: as many as said, and never none of what must be there."""
    text = texts.get(join(path, "count"), "")
    said = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1 if field.is_required else 0
    return max(min(said, MOST_ITEMS), 1 if field.is_required else 0)


def is_filled(field: Field, path: str, texts: Mapping[str, str]) -> bool:
    """Whether anything was typed into the field or its parts."""
    if field.kind is Kind.GROUP:
        return any(is_filled(part, join(path, part.name), texts) for part in field.parts)
    if field.kind is Kind.LIST:
        places = (join(path, number) for number in range(count(field, path, texts)))
        return any(is_filled(field.parts[0], place, texts) for place in places)
    return texts.get(path, "").strip() != ""


def _text(field: Field, path: str, text: str, reading: _Reading) -> str | None:
    if field.longest is not None and len(text) > field.longest:
        reading.wrong(path, f"At most {field.longest} characters; these are {len(text)}.")
        return None
    return text


def _choice(field: Field, path: str, text: str, reading: _Reading) -> str | None:
    if text not in field.choices:
        reading.wrong(path, f"Choose one of {', '.join(field.choices)}.")
        return None
    return text


def _whole(_field: Field, path: str, text: str, reading: _Reading) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12) or abs(int(digits)) > LARGEST_WHOLE:
        reading.wrong(path, "Write a whole number, for example 60.")
        return None
    return int(text)


def _number(field: Field, path: str, text: str, reading: _Reading) -> int | float | None:
    try:
        value = Decimal(text.replace(",", ".")) if len(text) < 20 and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > LARGEST_WHOLE:
        reading.wrong(path, "Write a number, for example 16 or 10.5.")
        return None
    if field.step is not None and value % field.step != 0:
        reading.wrong(path, f"Only steps of {field.step} are allowed.")
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _flag(_field: Field, path: str, text: str, reading: _Reading) -> bool | None:
    if text not in ("true", "false"):
        reading.wrong(path, "Choose yes or no.")
        return None
    return text == "true"


def _moment(_field: Field, path: str, text: str, reading: _Reading) -> str | None:
    moment = local_moment(text, reading.zone)
    if moment is None:
        reading.wrong(path, f"Write date and time on the station's clock, such as 2026-11-20 18:30 ({reading.zone}).")
        return None
    return stamp(moment)


def local_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """The moment at which the clock of that zone shows this; None if it never does, or if it is no time at all."""
    try:
        shown = datetime.fromisoformat(text.strip().replace(" ", "T"))
        moment = shown.replace(tzinfo=zone) if shown.tzinfo is None else shown
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # In spring an hour of the clock does not exist.
    is_shown = in_utc.astimezone(zone).replace(tzinfo=None) == shown or shown.tzinfo is not None
    return in_utc if is_shown else None


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`, as chargers read it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


_READERS = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.WHOLE: _whole,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.MOMENT: _moment,
}


# --- Rows that come and go ------------------------------------------------------------------------------------


def with_row(texts: Mapping[str, str], path: str) -> dict[str, str]:
    """The texts with one row more at the end of that list."""
    said = texts.get(join(path, "count"), "0")
    rows = int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 0
    return {**texts, join(path, "count"): str(min(rows + 1, MOST_ITEMS))}


def without_row(texts: Mapping[str, str], path: str, number: int) -> dict[str, str]:
    """The texts without that row of the list; the rows behind it move up."""
    rows = {key: text for key, text in texts.items() if not _is_row(key, path)}
    for key, text in texts.items():
        if not _is_row(key, path):
            continue
        place, _, rest = key.removeprefix(f"{path}.").partition(".")
        if int(place) != number:
            moved = int(place) - (int(place) > number)
            rows[join(join(path, moved), rest) if rest else join(path, moved)] = text
    said = texts.get(join(path, "count"), "0")
    left = max(int(said) - 1, 0) if said.isascii() and said.isdigit() and len(said) < 9 else 0
    return {**rows, join(path, "count"): str(left)}


def _is_row(key: str, path: str) -> bool:
    place = key.removeprefix(f"{path}.").partition(".")[0]
    return key.startswith(f"{path}.") and place.isascii() and place.isdigit() and len(place) < 9


def paths(field: Field, path: str = ROOT) -> Iterator[tuple[str, Field]]:
    """Every field below, with its path; of lists the path of the list alone."""
    for part in field.parts if field.kind is Kind.GROUP else ():
        yield join(path, part.name), part
        yield from paths(part, join(path, part.name))
