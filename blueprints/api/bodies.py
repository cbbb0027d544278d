"""Reads a request's JSON body: type, size, syntax, schema; says field by field what is wrong."""

from typing import Any

import jsonschema_rs
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from domain import json_text, schema_words
from domain.errors import Refused
from domain.tariffs.fields import Fields

MOST_BYTES = 1024 * 1024
MOST_ERRORS = 100

_validators: dict[int, jsonschema_rs.Draft202012Validator] = {}


class InvalidBody(Refused):
    """The body is JSON, but not what this call takes."""


def read(schema: dict[str, Any], *, is_optional: bool = False) -> dict[str, Any]:
    """The request's body, which fits the schema; moments at its top level are datetimes.

    Raises:
        InvalidJson: it is no JSON.
        InvalidBody: naming every field that is wrong.
        RequestEntityTooLarge, UnsupportedMediaType: as they say.
    """
    raw = _raw()
    if not raw and is_optional:
        return {}
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType("Send JSON with Content-Type: application/json.")
    body = json_text.decode(raw)
    errors = check(schema, body)
    if not errors:
        body = _with_moments(schema, body, errors)
    if errors:
        raise InvalidBody("The body is not what this call takes. " + _spoken(*errors[0]), errors)
    return body


def check(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    """What is wrong with the value, as (field, sentence)."""
    validator = _validators.get(id(schema))
    if validator is None:
        validator = _validators[id(schema)] = jsonschema_rs.Draft202012Validator(schema)
    if validator.is_valid(value):
        return []
    errors: list[tuple[str, str]] = []
    for error in validator.iter_errors(value):
        errors.extend((field or "body", sentence) for field, sentence in schema_words.told(error))
        if len(errors) >= MOST_ERRORS:
            break
    return errors[:MOST_ERRORS]


def _raw() -> bytes:
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data(cache=True)
    except RequestEntityTooLarge as error:
        raise RequestEntityTooLarge("A body has at most 1 MiB.") from error


def _spoken(field: str, sentence: str) -> str:
    return f"{field}: {sentence}"


def _with_moments(schema: dict[str, Any], body: dict[str, Any], errors: list[tuple[str, str]]) -> dict[str, Any]:
    fields = Fields()
    read = dict(body)
    for name, part in schema.get("properties", {}).items():
        if part.get("format") == "date-time" and body.get(name) is not None:
            read[name] = fields.moment(body[name], name)
    errors.extend(fields.errors)
    return read
