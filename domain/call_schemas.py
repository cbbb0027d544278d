"""The JSON schemas of OCPP messages, and the check that everything we send passes.

Source: the schema files of the Open Charge Alliance, as the `ocpp` package ships them.
"""

import importlib.util
import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs

from domain import schema_words
from domain.errors import Refused

# What a central system may ask of a charger, security whitepaper included.
CALLS_TO_CHARGER = {
    "1.6": frozenset(
        {
            "CancelReservation",
            "CertificateSigned",
            "ChangeAvailability",
            "ChangeConfiguration",
            "ClearCache",
            "ClearChargingProfile",
            "DataTransfer",
            "DeleteCertificate",
            "ExtendedTriggerMessage",
            "GetCompositeSchedule",
            "GetConfiguration",
            "GetDiagnostics",
            "GetInstalledCertificateIds",
            "GetLocalListVersion",
            "GetLog",
            "InstallCertificate",
            "RemoteStartTransaction",
            "RemoteStopTransaction",
            "ReserveNow",
            "Reset",
            "SendLocalList",
            "SetChargingProfile",
            "SignedUpdateFirmware",
            "TriggerMessage",
            "UnlockConnector",
            "UpdateFirmware",
        }
    ),
}
MOST_ERRORS = 20


def check_call(version: str, action: str, payload: dict[str, Any]) -> None:
    """That CALL may be sent to a charger as it stands.

    Raises:
        Refused: no such CALL in that version, or the payload breaks its schema; tells every field.
    """
    if action not in CALLS_TO_CHARGER.get(version, ()):
        raise Refused(f"OCPP {version} has no {action!r} that can be sent to a charger.", [("action", "Unknown.")])
    validator = request_validator(version, action)
    if validator.is_valid(payload):
        return
    told = (each for error in validator.iter_errors(payload) for each in schema_words.told(error))
    errors = [(name or "payload", sentence) for name, sentence in islice(told, MOST_ERRORS)]
    wrong, sentence = errors[0]
    raise Refused(f"The payload of {action} does not fit OCPP {version}. {wrong}: {sentence}", errors)


def field(error: jsonschema_rs.ValidationError) -> str:
    """Which field of the payload is wrong, missing or too much: `idTagInfo.status`; `payload` for all of it."""
    kind = error.kind.as_dict()
    blamed = [kind["property"]] if "property" in kind else kind.get("unexpected", [])[:1]
    return ".".join(str(step) for step in [*error.instance_path, *blamed]) or "payload"


@cache
def request_validator(version: str, action: str) -> Any:
    """The strict validator of a CALL's payload, formats included."""
    return _validator(version, action if version == "1.6" else f"{action}Request")


@cache
def response_validator(version: str, action: str) -> Any:
    """The strict validator of the CALLRESULT's payload that answers that action, formats included."""
    return _validator(version, f"{action}Response")


def _validator(version: str, name: str) -> Any:
    return jsonschema_rs.validator_for(schema(version, name), validate_formats=True)


def schema(version: str, name: str) -> dict[str, Any]:
    """The schema with that file name.

    Raises:
        FileNotFoundError: that version has no such message.
    """
    path = folder() / f"v{version.replace('.', '')}" / "schemas" / f"{name}.json"
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8-sig"))
    return loaded


@cache
def folder() -> Path:
    """Where the `ocpp` package lies; it is read, not imported."""
    spec = importlib.util.find_spec("ocpp")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package ocpp is not installed.")
    return Path(spec.origin).parent
