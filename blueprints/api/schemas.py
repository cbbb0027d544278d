"""Parts of the schemas by which bodies are checked, answers are tested and the OpenAPI document is written."""

from collections.abc import Iterable
from typing import Any

from domain.currencies import EXPONENTS

Schema = dict[str, Any]

ID: Schema = {"type": "string", "minLength": 1, "maxLength": 20}
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339."}
AMOUNT: Schema = {
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    "description": "Decimal text in the currency next to it.",
}
CURRENCY: Schema = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217."}
KNOWN_CURRENCY: Schema = {"type": "string", "enum": sorted(EXPONENTS), "description": "ISO 4217."}
ENERGY: Schema = {"type": "integer", "description": "Wh."}
FLAGS: Schema = {"type": "array", "items": TEXT}
ANYTHING: Schema = {"type": "object", "additionalProperties": True}


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(words: Iterable[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": [str(word) for word in words]}


def up_to(characters: int) -> Schema:
    """A text of one character at least."""
    return {"type": "string", "minLength": 1, "maxLength": characters}


def record(**properties: Schema) -> Schema:
    """An object of an answer: it has all of these members and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def extended(schema: Schema, **properties: Schema) -> Schema:
    """A record with more members."""
    return record(**schema["properties"], **properties)


def body(*needed: str, **properties: Schema) -> Schema:
    """An object that a caller sends: the needed members must be there, others than these are refused."""
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}


def changes(**properties: Schema) -> Schema:
    """An object of changes: what is absent stays as it is."""
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def page_of(item: Schema) -> Schema:
    """One page of a list."""
    return record(items={"type": "array", "items": item}, next_cursor=or_null(TEXT))


PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": WHOLE,
        "detail": TEXT,
        "errors": {"type": "array", "items": record(field=TEXT, message=TEXT)},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}
