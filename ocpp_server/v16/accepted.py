"""What we accept of chargers' OCPP 1.6 messages: the standard's schemas, wider where real chargers need it.

`normalise` repairs first, these schemas judge the result. Types, required fields and the status words stay strict.
"""

import copy
from functools import cache
from typing import Any

from domain import call_schemas

ACTIONS = (
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
)

# Serial numbers of 28, idTags of 22 and more characters are met (quirks C6, C7).
_LONGEST = 255
# A word that we do not know in these is kept as it is (quirks D2, D3, D15, F15).
_FREE_WORDS = {"context", "format", "measurand", "phase", "location", "unit", "reason"}
# Some chargers say for which connector (quirk C8).
_EXTRAS = {"Authorize": "connectorId", "StopTransaction": "connectorId"}


@cache
def standard_schema(action: str) -> dict[str, Any]:
    """The schema of the standard for that CALL of a charger."""
    return call_schemas.schema("1.6", action)


@cache
def accepted_schema(action: str) -> dict[str, Any]:
    """The schema by which a charger's CALL is judged after `normalise`."""
    schema = copy.deepcopy(standard_schema(action))
    _widen(schema)
    if action in _EXTRAS:
        schema["properties"][_EXTRAS[action]] = {"type": "integer"}
    return schema


def _widen(schema: dict[str, Any]) -> None:
    for name, part in schema.get("properties", {}).items():
        if name in _FREE_WORDS:
            part.pop("enum", None)
            part["maxLength"] = _LONGEST
        if "maxLength" in part:
            part["maxLength"] = max(part["maxLength"], _LONGEST)
        part.pop("minItems", None)  # an empty list is no reason to lose the rest (quirk D7)
        _widen(part)
        _widen(part.get("items", {}))
