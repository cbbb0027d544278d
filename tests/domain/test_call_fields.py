"""A CALL's form: the fields of its schema, and the payload that typed texts become."""

import pytest

from domain import call_fields, call_schemas
from domain.call_fields import Kind
from domain.call_words import CALLS, missing
from domain.errors import Refused

HELSINKI = "Europe/Helsinki"
PROFILE = {
    "connectorId": "1",
    "csChargingProfiles.chargingProfileId": "7",
    "csChargingProfiles.stackLevel": "0",
    "csChargingProfiles.chargingProfilePurpose": "TxDefaultProfile",
    "csChargingProfiles.chargingProfileKind": "Absolute",
    "csChargingProfiles.validFrom": "2026-07-01T12:00",
    "csChargingProfiles.chargingSchedule.chargingRateUnit": "A",
    "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.count": "2",
    "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.startPeriod": "0",
    "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.limit": "16",
    "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.1.startPeriod": "3600",
    "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.1.limit": "10,5",
}


def payload(action, **texts):
    return call_fields.payload(call_fields.of_call("1.6", action), texts, HELSINKI)


def errors(action, texts):
    with pytest.raises(Refused) as refused:
        call_fields.payload(call_fields.of_call("1.6", action), texts, HELSINKI)
    return dict(refused.value.errors)


def test_every_call_to_a_charger_has_words_and_a_form():
    assert set(CALLS) == call_schemas.CALLS_TO_CHARGER["1.6"]
    assert len(CALLS) == 26
    for action in CALLS:
        assert call_fields.of_call("1.6", action).kind is Kind.GROUP


def test_nested_groups_and_lists_become_the_payload_of_the_standard():
    made = call_fields.payload(call_fields.of_call("1.6", "SetChargingProfile"), PROFILE, HELSINKI)

    assert made == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 7,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "validFrom": "2026-07-01T09:00:00Z",  # Helsinki is three hours ahead in July
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}, {"startPeriod": 3600, "limit": 10.5}],
            },
        },
    }
    call_schemas.check_call("1.6", "SetChargingProfile", made)


def test_what_is_left_empty_is_not_sent():
    assert payload("RemoteStartTransaction", idTag="04AA") == {"idTag": "04AA"}
    assert payload("ClearChargingProfile") == {}
    assert payload("ChangeConfiguration", key="CpoName", value="") == {"key": "CpoName", "value": ""}


def test_definitions_are_followed():
    made = payload("GetLog", logType="SecurityLog", requestId="5", **{"log.remoteLocation": "https://x.example/up"})

    assert made == {"log": {"remoteLocation": "https://x.example/up"}, "logType": "SecurityLog", "requestId": 5}


@pytest.mark.parametrize(
    ("action", "texts", "path", "sentence"),
    [
        ("Reset", {}, "type", "Choose one."),
        ("Reset", {"type": "Medium"}, "type", "Choose one of Hard, Soft."),
        ("UnlockConnector", {"connectorId": "1_0"}, "connectorId", "Write a whole number, for example 60."),
        ("UnlockConnector", {"connectorId": "99999999999"}, "connectorId", "Write a whole number, for example 60."),
        ("RemoteStartTransaction", {"idTag": "x" * 21}, "idTag", "At most 20 characters; these are 21."),
        (
            "ReserveNow",
            {"expiryDate": "2026-03-29T03:30"},  # the clocks jump from 3 to 4
            "expiryDate",
            "Write date and time on the station's clock, such as 2026-11-20 18:30 (Europe/Helsinki).",
        ),
        (
            "SetChargingProfile",
            PROFILE | {"csChargingProfiles.chargingSchedule.chargingSchedulePeriod.1.limit": "10.55"},
            "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.1.limit",
            "Only steps of 0.1 are allowed.",
        ),
        (
            "SetChargingProfile",
            PROFILE | {"csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.limit": "NaN"},
            "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.limit",
            "Write a number, for example 16 or 10.5.",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_field(action, texts, path, sentence):
    assert errors(action, texts)[path] == sentence


def test_rows_come_and_go():
    more = call_fields.with_row({"key.count": "1", "key.0": "A"}, "key")
    less = call_fields.without_row({"key.count": "3", "key.0": "A", "key.1": "B", "key.2": "C"}, "key", 1)

    assert more == {"key.count": "2", "key.0": "A"}
    assert less == {"key.count": "2", "key.0": "A", "key.1": "C"}
    assert payload("GetConfiguration", **less) == {"key": ["A", "C"]}


def test_a_profile_that_the_charger_does_not_report_greys_its_commands():
    features = frozenset({"core", "remotetrigger"})

    assert missing("ReserveNow", features) == (
        "The charger does not report the profile Reservation (SupportedFeatureProfiles)."
    )
    assert missing("TriggerMessage", features) is None
    assert missing("Reset", features) is None
    assert missing("GetLog", features) is None  # the security extension has no word there
    assert missing("ReserveNow", None) is None  # never read
