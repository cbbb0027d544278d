"""What a CALL of a charger comes to before any handler sees it: repaired and accepted, or an OCPP error."""

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from domain.call_schemas import CALLS_TO_CHARGER, field, response_validator
from domain.errors import Conflict, DomainError
from ocpp_server.context import Handler
from ocpp_server.frames import Call
from ocpp_server.normalise import normalise
from ocpp_server.v16 import HANDLERS
from ocpp_server.v16.accepted import accepted_schema, standard_schema

LONGEST_DESCRIPTION = 255

# OCPP 1.6 spells Occurence with one r.
_CODES = {
    "type": "TypeConstraintViolation",
    "required": "OccurenceConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "maxItems": "OccurenceConstraintViolation",
    "additionalProperties": "FormationViolation",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A CALLERROR's code and description."""

    code: str
    description: str


@dataclass(slots=True)
class Judged:
    """A CALL with its handler, or with the fault that it is answered with; neither: an empty CALLRESULT."""

    payload: dict[str, Any]
    quirks: tuple[str, ...]
    handler: Handler | None = None
    fault: Fault | None = None


def judge(call: Call) -> Judged:
    """What that CALL of OCPP 1.6 gets. The payload may be changed in place."""
    handler = HANDLERS.get(call.action)
    if handler is None:
        return _strange(call)
    if call.action == "MeterValues" and not call.quirks and _clean_meter_values().is_valid(call.payload):
        return Judged(call.payload, (), handler)
    payload, quirks = normalise(call.action, call.payload)
    all_quirks = (*call.quirks, *quirks)
    validator = _validator(call.action)
    if validator.is_valid(payload):
        return Judged(payload, all_quirks, handler)
    return Judged(payload, all_quirks, None, _fault(next(validator.iter_errors(payload))))


def _strange(call: Call) -> Judged:
    if call.action in CALLS_TO_CHARGER["1.6"]:
        return Judged(call.payload, call.quirks, None, Fault("NotSupported", f"Chargers do not send {call.action}."))
    if call.action.endswith("Notification"):
        # Some chargers hang up after a few honest errors (quirk A16).
        return Judged(call.payload, (*call.quirks, "A16"))
    return Judged(call.payload, call.quirks, None, Fault("NotImplemented", f"There is no {call.action} in OCPP 1.6."))


@cache
def _clean_meter_values() -> Any:
    """The standard's schema without the emptiness that it allows: what passes needs no repair.

    MeterValues are most of the traffic, and looking for quirks costs ten times what this does.
    """
    schema = copy.deepcopy(standard_schema("MeterValues"))
    _forbid_emptiness(schema)
    return jsonschema_rs.Draft4Validator(schema, validate_formats=False)


def _forbid_emptiness(schema: dict[str, Any]) -> None:
    parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    for part in parts:
        if part.get("type") == "string" and "enum" not in part:
            part["minLength"] = 1
        elif part.get("type") == "array":
            part["minItems"] = 1
        _forbid_emptiness(part)


@cache
def _validator(action: str) -> Any:
    return jsonschema_rs.Draft4Validator(accepted_schema(action), validate_formats=False)


def _fault(error: jsonschema_rs.ValidationError) -> Fault:
    code = _CODES.get(error.kind.name, "PropertyConstraintViolation")
    return Fault(code, f"{field(error)}: {error.message}"[:LONGEST_DESCRIPTION])


def refusal(error: Exception) -> Fault:
    """What a charger is told of an error that came up while its CALL was handled; nothing of our insides."""
    if isinstance(error, Conflict):
        return Fault("GenericError", str(error)[:LONGEST_DESCRIPTION])
    if isinstance(error, DomainError):
        return Fault("PropertyConstraintViolation", str(error)[:LONGEST_DESCRIPTION])
    return Fault("InternalError", "The central system could not process this.")


def is_proper(action: str, answer: dict[str, Any]) -> bool:
    """Whether that answer of ours keeps to the standard's schema, formats included."""
    return bool(response_validator("1.6", action).is_valid(answer))
