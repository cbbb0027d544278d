"""Repairs by name: what is repaired, under which id, and what is left alone."""

import copy
import json

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_server.normalise import QUIRKS, normalise
from ocpp_server.v16.accepted import ACTIONS, accepted_schema

TIME = "2026-11-20T11:04:00Z"
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": TIME}
START = {"connectorId": 1, "idTag": "04A1", "meterStart": 0, "timestamp": TIME}
STOP = {"transactionId": 7, "meterStop": 5, "timestamp": TIME}
BOOT = {"chargePointVendor": "Huawei", "chargePointModel": "AC"}


def values(*samples: object) -> dict:
    return {"connectorId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": list(samples)}]}


CASES = [
    ("BootNotification", BOOT | {"chargePointVendor": ""}, BOOT | {"chargePointVendor": ""}, ["C1"]),
    ("BootNotification", BOOT | {"iccid": "", "imsi": ""}, BOOT, ["C2"]),
    ("BootNotification", BOOT | {"iccid": "-67"}, BOOT | {"iccid": "-67"}, []),
    ("BootNotification", BOOT | {"meterSerialNumber": None}, BOOT, ["C2"]),
    (
        "BootNotification",
        BOOT | {"chargePointSerialNumber": "3" * 28},
        BOOT | {"chargePointSerialNumber": "3" * 28},
        [],
    ),
    ("StatusNotification", STATUS | {"info": "null", "vendorErrorCode": "0x0000"}, STATUS, ["C3", "C4"]),
    ("StatusNotification", STATUS | {"info": "", "vendorId": ""}, STATUS, ["C2"]),
    (
        "StatusNotification",
        {k: v for k, v in STATUS.items() if k != "timestamp"},
        {k: v for k, v in STATUS.items() if k != "timestamp"},
        ["C5"],
    ),
    (
        "StatusNotification",
        STATUS | {"errorCode": "Error"},
        STATUS | {"errorCode": "OtherError", "info": "Error"},
        ["D1"],
    ),
    ("StatusNotification", STATUS | {"status": "available"}, STATUS, ["case"]),
    ("Authorize", {"idTag": "04A1", "connectorId": 2}, {"idTag": "04A1", "connectorId": 2}, ["C8"]),
    ("Authorize", {"idTag": "04A1", "vendor": "x"}, {"idTag": "04A1"}, ["C8"]),
    ("StartTransaction", START | {"reservationId": 0}, START, ["C9"]),
    ("StartTransaction", START | {"reservationId": None}, START, ["C2"]),
    ("StartTransaction", START | {"meterStart": "164"}, START | {"meterStart": 164}, ["D5"]),
    ("StartTransaction", START | {"meterStart": 164.6}, START | {"meterStart": 165}, ["D5"]),
    ("StartTransaction", START | {"timestamp": None}, START | {"timestamp": ""}, ["E3"]),
    ("StopTransaction", STOP | {"transactionId": None}, STOP | {"transactionId": -1}, ["F5"]),
    ("StopTransaction", STOP | {"transactionId": "7"}, STOP, ["D5"]),
    ("StopTransaction", STOP | {"idTag": "", "reason": ""}, STOP, ["F7"]),
    (
        "StopTransaction",
        STOP | {"transactionData": {"timestamp": TIME, "sampledValue": []}},
        STOP | {"transactionData": [{"timestamp": TIME, "sampledValue": []}]},
        ["D8", "D7"],
    ),
    ("MeterValues", values({"value": 604.213}), values({"value": "604.213"}), ["D5"]),
    ("MeterValues", values({"value": 0}), values({"value": "0"}), ["D5"]),
    ("MeterValues", values({"value": ""}, {"value": "1"}), values({"value": "1"}), ["D6"]),
    ("MeterValues", values(), values(), ["D7"]),
    (
        "MeterValues",
        values({"value": "16.000", "context": "CurrentMax", "unit": "A"}),
        values({"value": "16.000", "context": "Other", "unit": "A"}),
        ["D2"],
    ),
    ("MeterValues", values({"value": "50", "unit": "Hz"}), values({"value": "50", "unit": "Hertz"}), ["D3"]),
    (
        "MeterValues",
        {"connectorId": 1, "meterValue": {"timestamp": TIME, "sampledValue": [{"value": "1"}]}},
        values({"value": "1"}),
        ["D8"],
    ),
    ("MeterValues", values({"value": "1"}) | {"transactionId": None}, values({"value": "1"}), ["C2"]),
    (
        "MeterValues",
        values({"value": "1"}) | {"transactionId": 9223372036854775807},
        values({"value": "1"}) | {"transactionId": 9223372036854775807},
        [],
    ),
    (
        "DataTransfer",
        {"vendorId": "Growatt", "data": {"id": 166}},
        {"vendorId": "Growatt", "data": '{"id":166}'},
        ["C10"],
    ),
    ("FirmwareStatusNotification", {"status": "installed"}, {"status": "Installed"}, ["case"]),
    ("Heartbeat", {"extra": 1}, {}, ["C8"]),
    ("Unheard", {"any": None}, {"any": None}, []),
]


@pytest.mark.parametrize(("action", "sent", "meant", "quirks"), CASES)
def test_a_quirk_is_repaired_under_its_id(action, sent, meant, quirks):
    payload, found = normalise(action, copy.deepcopy(sent))

    assert payload == meant
    assert found == quirks
    assert set(found) <= set(QUIRKS)


@pytest.mark.parametrize(("action", "sent", "_meant", "_quirks"), [case for case in CASES if case[0] in ACTIONS])
def test_what_was_repaired_is_accepted(action, sent, _meant, _quirks):
    payload, _ = normalise(action, copy.deepcopy(sent))

    jsonschema_rs.Draft6Validator(accepted_schema(action), validate_formats=False).validate(payload)


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("BootNotification", {"chargePointModel": "AC"}),
        ("StartTransaction", {k: v for k, v in START.items() if k != "idTag"}),
        ("StartTransaction", START | {"meterStart": True}),
        ("StartTransaction", START | {"meterStart": "many"}),
        ("StartTransaction", START | {"idTag": "x" * 256}),
        ("StatusNotification", STATUS | {"status": "Occupied"}),
        ("StatusNotification", STATUS | {"errorCode": None}),
        ("MeterValues", {"connectorId": 1}),
        ("MeterValues", {"connectorId": 1, "meterValue": "none"}),
        ("MeterValues", {"connectorId": 1, "meterValue": ["none"]}),
        ("DiagnosticsStatusNotification", {"status": "Perhaps"}),
    ],
)
def test_what_cannot_be_repaired_honestly_is_left_for_the_schema(action, sent):
    payload, _ = normalise(action, copy.deepcopy(sent))

    judge = jsonschema_rs.Draft6Validator(accepted_schema(action), validate_formats=False)
    assert not judge.is_valid(payload)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(action=st.sampled_from(ACTIONS), data=st.data())
def test_no_payload_makes_it_stumble_and_twice_is_once(action, data):
    names = list(accepted_schema(action).get("properties", {})) or ["extra"]
    payload = data.draw(st.dictionaries(st.sampled_from(names), anything))

    once, _ = normalise(action, copy.deepcopy(payload))
    twice, _ = normalise(action, copy.deepcopy(once))

    assert json.dumps(once) == json.dumps(twice)
