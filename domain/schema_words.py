"""What is wrong with a JSON value, in words for the person who sent it: which field, and what it has to be."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jsonschema_rs

Kind = dict[str, Any]  # what the validator tells of a rule that was broken

MOST_OPTIONS = 12
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}
_LIKE = {
    "date-time": "a time such as 2026-03-02T08:30:00Z",
    "date": "a date such as 2026-03-02",
    "uri": "an address such as https://example.com/",
    "email": "an e-mail address",
}


def field_path(path: Iterable[str | int]) -> str:
    """
    >>> field_path(["elements", 0, "price"])
    'elements[0].price'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def told(error: jsonschema_rs.ValidationError) -> list[tuple[str, str]]:
    """The fields that are wrong, "" for the whole value, each with a sentence."""
    name, kind, where = error.kind.name, error.kind.as_dict(), field_path(error.instance_path)
    if name == "additionalProperties":
        return [(f"{where}.{field}".lstrip("."), "This field is not known here.") for field in kind["unexpected"]]
    if name == "required":
        return [(f"{where}.{kind['property']}".lstrip("."), "This is needed.")]
    return [(where, _SENTENCES.get(name, _any_other)(kind))]


def _any_other(_kind: Kind) -> str:
    return "This has none of the forms that are allowed here."


def _enum(kind: Kind) -> str:
    options = [str(option) for option in kind["options"]]
    return "This code is not known." if len(options) > MOST_OPTIONS else f"This must be {_or(options)}."


def _at_least(kind: Kind) -> str:
    return "This must not be empty." if kind["limit"] == 1 else f"This needs at least {kind['limit']} entries."


def _at_most(kind: Kind) -> str:
    return f"This has at most {kind['limit']} {'entry' if kind['limit'] == 1 else 'entries'}."


def _long_enough(kind: Kind) -> str:
    return "This must not be empty." if kind["limit"] == 1 else f"Use at least {kind['limit']} characters."


_SENTENCES: Mapping[str, Callable[[Kind], str]] = {
    "type": lambda kind: f"This must be {_or(_type_words(kind['types']))}.",
    "enum": _enum,
    "const": lambda kind: f"This must be {kind['expected_value']}.",
    "pattern": lambda kind: f"This must look like {kind['pattern']}.",
    "format": lambda kind: f"This must be {_LIKE.get(kind['format'], kind['format'])}.",
    "minItems": _at_least,
    "minProperties": _at_least,
    "maxItems": _at_most,
    "maxProperties": _at_most,
    "uniqueItems": lambda _kind: "Name each entry once.",
    "minLength": _long_enough,
    "maxLength": lambda kind: f"Use up to {kind['limit']} characters.",
    "minimum": lambda kind: f"This must be at least {kind['limit']}.",
    "maximum": lambda kind: f"This must be at most {kind['limit']}.",
    "exclusiveMinimum": lambda kind: f"This must be more than {kind['limit']}.",
    "exclusiveMaximum": lambda kind: f"This must be less than {kind['limit']}.",
    "multipleOf": lambda kind: f"This must be a multiple of {kind['multiple_of']}.",
}


def _type_words(types: Iterable[str]) -> list[str]:
    return [_TYPES.get(name, name) for name in sorted(types, key=lambda name: (name == "null", name))]


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)
