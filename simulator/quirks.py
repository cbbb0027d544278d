"""Defects of real chargers, by name, to try a central system with.

Each row says what the charger does wrong; the letters and numbers name the kind of defect in the central
system's list of normalisations. Everything not listed here is done right.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from simulator.wire import Payload

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

Change = Callable[["SimulatedCharger", str, Payload], None]
HUGE_ID = 2**63 - 1
LONG_TAG_LENGTH = 20
SLOW_S = 5.0


@dataclass(frozen=True)
class Quirk:
    kind: str
    about: str
    # Changes the payload of a CALL of ours, in place.
    change: Change = lambda _charger, _action, _payload: None
    # Changes the frame's text.
    distort: Callable[[str, str], str] = lambda _action, text: text
    # CALLs that are left out; CALLs that are sent again, with the same message id or a new one.
    drops: frozenset[str] = frozenset()
    repeats: Mapping[str, int] = field(default_factory=dict)
    repeats_id: bool = False
    answer_after_s: float = 0.0
    is_silent: bool = False
    # Changes our answers: action -> the payload instead.
    answers: Mapping[str, Payload] = field(default_factory=dict)
    has_subprotocol: bool = True
    path_prefix: str = ""
    boots: bool = True
    has_early_status: bool = False
    resets_meter: bool = False


def _set(name: str, value: Any, *actions: str) -> Change:
    def change(_charger: "SimulatedCharger", action: str, payload: Payload) -> None:
        if action in actions:
            payload[name] = value

    return change


def _without(name: str, *actions: str) -> Change:
    def change(_charger: "SimulatedCharger", action: str, payload: Payload) -> None:
        if action in actions:
            payload.pop(name, None)

    return change


def _each(name: str, new: Callable[["SimulatedCharger", Any], Any], *actions: str) -> Change:
    """The field, wherever it stands in the payload, becomes `new` of it."""

    def walk(charger: "SimulatedCharger", value: Any) -> None:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key == name:
                value[key] = new(charger, inner)
            elif isinstance(inner, (dict, list)):
                walk(charger, inner)

    def change(charger: "SimulatedCharger", action: str, payload: Payload) -> None:
        if not actions or action in actions:
            walk(charger, payload)

    return change


def _times(new: Callable[[datetime], str]) -> Change:
    return _each("timestamp", lambda _charger, text: new(datetime.fromisoformat(text)))


def _local(at: datetime) -> datetime:
    return at.astimezone(timezone(timedelta(hours=2)))


def _samples(new: Callable[[Payload], Payload]) -> Change:
    return _each("sampledValue", lambda _charger, samples: [new(sample) for sample in samples])


def _in_kwh(sample: Payload) -> Payload:
    if sample.get("unit") != "Wh":
        return sample
    return {**sample, "value": f"{int(sample['value']) / 1000:.3f}", "unit": "kWh"}


def _text(old: str, new: str, *actions: str) -> Callable[[str, str], str]:
    return lambda action, text: text.replace(old, new) if action in actions else text


def _spread(_action: str, text: str) -> str:
    return text.replace(",", ",\n\t")


TRANSACTIONS = ("StartTransaction", "MeterValues", "StopTransaction")
WITH_ID = ("MeterValues", "StopTransaction")

QUIRKS: Mapping[str, Quirk] = {
    "no-subprotocol": Quirk("A1", "offers no WebSocket subprotocol", has_subprotocol=False),
    "double-slash": Quirk("A4", "dials a path with two slashes", path_prefix="/"),
    "no-boot": Quirk("A9", "never sends BootNotification", boots=False),
    "status-before-boot": Quirk("A10", "tells its statuses before it boots", has_early_status=True),
    "double-boot": Quirk("A12", "boots twice", repeats={"BootNotification": 2}),
    "leading-comma": Quirk(
        "B1", "begins an array with a comma", distort=_text('"sampledValue":[', '"sampledValue":[,', "MeterValues")
    ),
    "missing-value": Quirk(
        "B2",
        "leaves a value out after its colon",
        _set("transactionId", "GONE", "MeterValues"),
        distort=_text('"transactionId":"GONE"', '"transactionId":', "MeterValues"),
    ),
    "pretty-frames": Quirk("B5", "breaks its frames into lines", distort=_spread),
    "same-id-again": Quirk(
        "B7", "sends StartTransaction twice with one message id", repeats={"StartTransaction": 2}, repeats_id=True
    ),
    "slow": Quirk("B11", f"answers after {SLOW_S:g} seconds", answer_after_s=SLOW_S),
    "silent": Quirk("B11", "answers no CALL", is_silent=True),
    "unlock-accepted": Quirk("B14", "unlocks with Accepted", answers={"UnlockConnector": {"status": "Accepted"}}),
    "empty-vendor": Quirk("C1", "has an empty vendor", _set("chargePointVendor", "", "BootNotification")),
    "empty-info": Quirk("C2", "sends empty texts", _set("info", "", "StatusNotification")),
    "null-info": Quirk("C3", 'sends the word "null"', _set("info", "null", "StatusNotification")),
    "no-status-time": Quirk("C5", "sends statuses without a time", _without("timestamp", "StatusNotification")),
    "long-tag": Quirk(
        "C7",
        "adds its serial to the card's number",
        _each("idTag", lambda c, tag: f"{tag}_{c.spec.serial}{'0' * LONG_TAG_LENGTH}"[: len(tag) + LONG_TAG_LENGTH]),
    ),
    "authorize-connector": Quirk("C8", "tells a connector in Authorize", _set("connectorId", 1, "Authorize")),
    "reservation-zero": Quirk("C9", "tells reservation 0", _set("reservationId", 0, "StartTransaction")),
    "odd-error-code": Quirk("D1", "has error codes of its own", _set("errorCode", "Error", "StatusNotification")),
    "number-values": Quirk("D5", "sends values as numbers", _each("value", lambda _c, value: float(value))),
    "empty-values": Quirk("D6", "sends empty values", _each("value", lambda _c, _value: "", "MeterValues")),
    "no-samples": Quirk("D7", "sends no samples", _each("sampledValue", lambda _c, _samples: [], "MeterValues")),
    "object-values": Quirk(
        "D8", "sends one meterValue, not a list", _each("meterValue", lambda _c, values: values[0], "MeterValues")
    ),
    "kwh": Quirk("D10", "measures in kWh, stops in Wh", _samples(_in_kwh)),
    "no-zone": Quirk("E1", "sends local times without a zone", _times(lambda at: f"{_local(at):%Y-%m-%dT%H:%M:%S}")),
    "short-zone": Quirk("E2", "writes +0000", _times(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}+0000")),
    "clock-1970": Quirk("E3", "never set its clock", _times(lambda at: f"1970-01-01T{at:%H:%M:%S}Z")),
    "clock-zero": Quirk("E4", "has no date at all", _times(lambda _at: "0000-00-00T00:00:00.000Z")),
    "local-as-utc": Quirk("E6", "calls its local time Z", _times(lambda at: f"{_local(at):%Y-%m-%dT%H:%M:%SZ}")),
    "duplicate-start": Quirk("F1", "sends StartTransaction three times", repeats={"StartTransaction": 3}),
    "minus-one": Quirk("F3", "uses transaction -1", _set("transactionId", -1, *WITH_ID)),
    "zero-id": Quirk("F3", "uses transaction 0", _set("transactionId", 0, *WITH_ID)),
    "huge-id": Quirk("F4", "uses a 64-bit transaction", _set("transactionId", HUGE_ID, *WITH_ID)),
    "null-id": Quirk("F5", "stops transaction null", _set("transactionId", None, "StopTransaction")),
    "bare-stop": Quirk("F7", "stops without reason", _without("reason", "StopTransaction")),
    "no-transaction-id": Quirk("F8", "meters without transaction", _without("transactionId", "MeterValues")),
    "meter-zero": Quirk("F12", "starts its meter at 0 each time", resets_meter=True),
    "firmware-flood": Quirk("G8", "tells each firmware status ten times", repeats={"FirmwareStatusNotification": 10}),
    "missing-stop": Quirk("F17", "never stops a transaction", drops=frozenset({"StopTransaction"})),
    "never-starts": Quirk("F18", "accepts starts and does nothing", drops=frozenset(TRANSACTIONS)),
    "refuses-stop": Quirk("F20", "refuses remote stops", answers={"RemoteStopTransaction": {"status": "Rejected"}}),
}


class Defects:
    """The quirks of one charger together. Raises: KeyError for a name that is not known."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._quirks = [QUIRKS[name] for name in names]
        self.has_subprotocol = all(quirk.has_subprotocol for quirk in self._quirks)
        self.boots = all(quirk.boots for quirk in self._quirks)
        self.has_early_status = any(quirk.has_early_status for quirk in self._quirks)
        self.resets_meter = any(quirk.resets_meter for quirk in self._quirks)
        self.is_silent = any(quirk.is_silent for quirk in self._quirks)
        self.repeats_id = any(quirk.repeats_id for quirk in self._quirks)
        self.answer_after_s = max((quirk.answer_after_s for quirk in self._quirks), default=0.0)
        self.path_prefix = "".join(quirk.path_prefix for quirk in self._quirks)

    def changed(self, charger: "SimulatedCharger", action: str, payload: Payload) -> Payload:
        if not self._quirks:
            return payload
        changed = deepcopy(payload)
        for quirk in self._quirks:
            quirk.change(charger, action, changed)
        return changed

    def distorted(self, action: str, text: str) -> str:
        for quirk in self._quirks:
            text = quirk.distort(action, text)
        return text

    def times(self, action: str) -> int:
        """How often a CALL is sent; 0: not at all."""
        if any(action in quirk.drops for quirk in self._quirks):
            return 0
        return max((quirk.repeats.get(action, 1) for quirk in self._quirks), default=1)

    def answer(self, action: str) -> Payload | None:
        """What is answered instead of the truth, if anything."""
        return next((quirk.answers[action] for quirk in self._quirks if action in quirk.answers), None)
