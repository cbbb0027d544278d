"""Repairs of what real chargers send, each under the id of its quirk; the raw text stays in the message log.

Works on what was decoded, before it is judged by the schema. What cannot be repaired honestly is left for the schema.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from ocpp_server.v16.accepted import accepted_schema, standard_schema

Payload = dict[str, Any]
Repair = Callable[[Payload, list[str]], None]

# What each repair is for, in the words of a message's page.
QUIRKS = {
    "C1": "Required text is empty",
    "C2": "Empty text or null taken as absent",
    "C3": 'The word "null" or "none" taken as absent',
    "C4": "Zero error code taken as absent",
    "C5": "No time stamp; time of receipt used",
    "C8": "Field that the standard does not know",
    "C9": "Reservation 0 taken as none",
    "C10": "Data as an object instead of text",
    "D1": "Unknown error code taken as OtherError",
    "D2": "Unknown context taken as Other",
    "D3": "Unit spelt differently",
    "D5": "Number instead of text, or text instead of a number",
    "D6": "Sample without a value left out",
    "D7": "Meter value without samples",
    "D8": "Single meter value instead of a list",
    "E3": "Time stamp missing; time of receipt used",
    "F5": "Transaction id missing or no number",
    "F7": "Empty idTag or reason taken as absent",
    "case": "Word in other letters than the standard's",
}

_WORDLESS = ("null", "none", "NULL", "None")
_ZERO_CODES = ("0", "0x0", "0x00", "0x0000", "0x00000000", "0000")
_CONTEXTS = frozenset(
    ("Interruption.Begin", "Interruption.End", "Sample.Clock", "Sample.Periodic")
    + ("Transaction.Begin", "Transaction.End", "Trigger", "Other")
)
_UNITS = frozenset(
    ("Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V", "K", "Celcius", "Celsius")
    + ("Fahrenheit", "Percent", "Hertz")
)
_SPELLINGS = {unit.lower(): unit for unit in _UNITS} | {"hz": "Hertz", "%": "Percent", "°c": "Celsius", "c": "Celsius"}
_SAMPLE_FIELDS = frozenset(("value", "context", "format", "measurand", "phase", "location", "unit"))


def normalise(action: str, payload: Payload) -> tuple[Payload, list[str]]:
    """The payload as it was meant, and the ids of the quirks that were repaired; it may be the same object, changed.

    Unknown actions come back as they are.
    """
    repair = _REPAIRS.get(action)
    if repair is None:
        return payload, []
    quirks: list[str] = []
    _drop_strange(action, payload, quirks)
    repair(payload, quirks)
    return payload, list(dict.fromkeys(quirks))


def _drop_strange(action: str, payload: Payload, quirks: list[str]) -> None:
    known = accepted_schema(action).get("properties", {})
    for name in [name for name in payload if name not in known]:
        del payload[name]
        quirks.append("C8")
    required = standard_schema(action).get("required", ())
    for name in [name for name, value in payload.items() if value is None and name not in required]:
        del payload[name]
        quirks.append("C2")


def _drop_empty(payload: Payload, quirks: list[str], *names: str) -> None:
    for name in names:
        value = payload.get(name)
        if value == "":
            del payload[name]
            quirks.append("C2")
        elif value in _WORDLESS:
            del payload[name]
            quirks.append("C3")


def _text(payload: Payload, quirks: list[str], *names: str) -> None:
    for name in names:
        value = payload.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            payload[name] = str(value)
            quirks.append("D5")


def _whole(payload: Payload, quirks: list[str], *names: str) -> None:
    for name in names:
        value = payload.get(name)
        whole = _as_whole(value)
        if whole is not None and (whole is not value):
            payload[name] = whole
            quirks.append("D5")


def _as_whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return round(value) if abs(value) < 2**53 else None
    if isinstance(value, str) and len(value) <= 19:
        digits = value.strip()
        if digits.isascii() and digits.removeprefix("-").isdigit() and -(2**63) <= int(digits) < 2**63:
            return int(digits)
    return None


def _word(payload: Payload, quirks: list[str], action: str, name: str) -> None:
    value = payload.get(name)
    words = _words(action, name)
    if isinstance(value, str) and value not in words.values():
        standard = words.get(value.strip().lower())
        if standard is not None:
            payload[name] = standard
            quirks.append("case")


@cache
def _words(action: str, name: str) -> dict[str, str]:
    schema = standard_schema(action)
    part = schema["properties"][name]
    if "$ref" in part:
        part = schema["definitions"][part["$ref"].rpartition("/")[2]]
    return {word.lower(): word for word in part["enum"]}


def _boot(payload: Payload, quirks: list[str]) -> None:
    for name in ("chargePointVendor", "chargePointModel"):
        if payload.get(name) == "":
            quirks.append("C1")
    texts = [name for name in payload if name not in ("chargePointVendor", "chargePointModel")]
    _text(payload, quirks, *texts)
    for name in texts:
        if payload[name] == "":
            del payload[name]
            quirks.append("C2")


def _status(payload: Payload, quirks: list[str]) -> None:
    _whole(payload, quirks, "connectorId")
    _word(payload, quirks, "StatusNotification", "status")
    _text(payload, quirks, "info", "vendorErrorCode", "vendorId")
    _drop_empty(payload, quirks, "info", "vendorErrorCode", "vendorId")
    if payload.get("vendorErrorCode") in _ZERO_CODES:
        del payload["vendorErrorCode"]
        quirks.append("C4")
    if not isinstance(payload.get("timestamp"), str) or not payload["timestamp"]:
        payload.pop("timestamp", None)
        quirks.append("C5")
    _error_code(payload, quirks)


def _error_code(payload: Payload, quirks: list[str]) -> None:
    code = payload.get("errorCode")
    if not isinstance(code, str):
        return
    words = _words("StatusNotification", "errorCode")
    if code in words.values():
        return
    if code == "":
        payload["errorCode"] = "NoError"
        quirks.append("C2")
        return
    standard = words.get(code.strip().lower())
    payload["errorCode"] = standard or "OtherError"
    quirks.append("case" if standard else "D1")
    if standard is None and "info" not in payload:
        payload["info"] = code[:50]  # so that people see what was said


def _authorize(payload: Payload, quirks: list[str]) -> None:
    _text(payload, quirks, "idTag")
    _whole(payload, quirks, "connectorId")
    if "connectorId" in payload:
        quirks.append("C8")
        if not isinstance(payload["connectorId"], int):
            del payload["connectorId"]


def _start(payload: Payload, quirks: list[str]) -> None:
    _text(payload, quirks, "idTag")
    _whole(payload, quirks, "connectorId", "meterStart", "reservationId")
    _stamp(payload, quirks)
    reservation = payload.get("reservationId", 1)
    if reservation == 0 or not isinstance(reservation, int):
        del payload["reservationId"]
        quirks.append("C9")


def _stop(payload: Payload, quirks: list[str]) -> None:
    _text(payload, quirks, "idTag")
    _whole(payload, quirks, "meterStop", "transactionId", "connectorId")
    if not _is_whole(payload.get("transactionId")):
        payload["transactionId"] = -1
        quirks.append("F5")
    for name in ("idTag", "reason"):
        if name in payload and (payload[name] == "" or not isinstance(payload[name], str)):
            del payload[name]
            quirks.append("F7")
    if "connectorId" in payload and not _is_whole(payload["connectorId"]):
        del payload["connectorId"]
    _stamp(payload, quirks)
    if "transactionData" in payload:
        if payload["transactionData"] == "":
            payload["transactionData"] = []
        _meter_values(payload, "transactionData", quirks)


def _meter(payload: Payload, quirks: list[str]) -> None:
    _whole(payload, quirks, "connectorId", "transactionId")
    if "transactionId" in payload and not _is_whole(payload["transactionId"]):
        del payload["transactionId"]
        quirks.append("F5")
    if "meterValue" in payload:
        _meter_values(payload, "meterValue", quirks)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _stamp(payload: Payload, quirks: list[str]) -> None:
    if not isinstance(payload.get("timestamp"), str) or not payload["timestamp"]:
        payload["timestamp"] = ""
        quirks.append("E3")


def _meter_values(payload: Payload, name: str, quirks: list[str]) -> None:
    values = payload[name]
    if isinstance(values, dict):
        values = payload[name] = [values]
        quirks.append("D8")
    if not isinstance(values, list):
        return
    for value in values:
        if isinstance(value, dict):
            _meter_value(value, quirks)


def _meter_value(value: Payload, quirks: list[str]) -> None:
    _stamp(value, quirks)
    samples = value.get("sampledValue")
    if isinstance(samples, dict):
        samples = [samples]
        quirks.append("D8")
    if not samples:
        value["sampledValue"] = []
        quirks.append("D7")
    elif isinstance(samples, list):
        value["sampledValue"] = [sample for sample in samples if _has_value(sample, quirks)]
    if len(value) > 2:
        for name in [name for name in value if name not in ("timestamp", "sampledValue")]:
            del value[name]
            quirks.append("C8")


def _has_value(sample: object, quirks: list[str]) -> bool:
    if not isinstance(sample, dict):
        quirks.append("D6")
        return False
    value = sample.get("value")
    if not isinstance(value, str):
        _text(sample, quirks, "value")
        value = sample.get("value")
    if not isinstance(value, str) or not value:
        quirks.append("D6")
        return False
    context = sample.get("context")
    if context is not None and context not in _CONTEXTS and isinstance(context, str):
        sample["context"] = "Other"
        quirks.append("D2")
    unit = sample.get("unit")
    if unit is not None and unit not in _UNITS and isinstance(unit, str):
        _spell(sample, unit, quirks)
    if not sample.keys() <= _SAMPLE_FIELDS or not all(isinstance(text, str) and text for text in sample.values()):
        _strip_sample(sample, quirks)
    return True


def _spell(sample: Payload, unit: str, quirks: list[str]) -> None:
    standard = _SPELLINGS.get(unit.strip().lower())
    if standard is not None:
        sample["unit"] = standard
        quirks.append("D3")


def _strip_sample(sample: Payload, quirks: list[str]) -> None:
    for name, text in list(sample.items()):
        if name not in _SAMPLE_FIELDS:
            del sample[name]
            quirks.append("C8")
        elif not isinstance(text, str) or not text:
            del sample[name]
            quirks.append("C2")


def _data_transfer(payload: Payload, quirks: list[str]) -> None:
    if "data" in payload and not isinstance(payload["data"], str):
        payload["data"] = json.dumps(payload["data"], ensure_ascii=False, separators=(",", ":"))
        quirks.append("C10")
    _text(payload, quirks, "vendorId", "messageId")


def _security_event(payload: Payload, quirks: list[str]) -> None:
    _stamp(payload, quirks)
    _text(payload, quirks, "techInfo")
    _drop_empty(payload, quirks, "techInfo")


def _update_status(action: str) -> Repair:
    def repair(payload: Payload, quirks: list[str]) -> None:
        _word(payload, quirks, action, "status")
        if "requestId" in payload:
            _whole(payload, quirks, "requestId")

    return repair


def _nothing(_payload: Payload, _quirks: list[str]) -> None:
    pass


_REPAIRS: dict[str, Repair] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "DataTransfer": _data_transfer,
    "DiagnosticsStatusNotification": _update_status("DiagnosticsStatusNotification"),
    "FirmwareStatusNotification": _update_status("FirmwareStatusNotification"),
    "Heartbeat": _nothing,
    "LogStatusNotification": _update_status("LogStatusNotification"),
    "MeterValues": _meter,
    "SecurityEventNotification": _security_event,
    "SignCertificate": _nothing,
    "SignedFirmwareStatusNotification": _update_status("SignedFirmwareStatusNotification"),
    "StartTransaction": _start,
    "StatusNotification": _status,
    "StopTransaction": _stop,
}
