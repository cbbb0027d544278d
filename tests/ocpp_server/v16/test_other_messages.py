"""Boots, cards, updates, logs, security events and vendors' own messages."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from domain.models.chargers import ChargerEvent
from domain.models.tokens import Token
from ocpp_server.v16 import HANDLERS
from ocpp_server.v16.accepted import ACTIONS
from ocpp_server.v16.boot import interval_s
from tests import factories
from tests.factories import NOW

BOOT = {
    "chargePointVendor": "Teison",
    "chargePointModel": "TeisonMe@7KW",
    "chargePointSerialNumber": "0312299999924480699",
    "firmwareVersion": "V1.5@25238bf+100",
    "iccid": "",
    "imsi": "",
}


def kinds(db) -> list[tuple[str, str]]:
    return [tuple(row) for row in db.execute(select(ChargerEvent.kind, ChargerEvent.summary).order_by(ChargerEvent.id))]


def test_every_message_of_a_charger_has_a_handler():
    assert sorted(HANDLERS) == sorted(ACTIONS)
    assert len(HANDLERS) == 14


def test_a_boot_is_accepted_and_remembered(db, says, charger):
    answer = says("BootNotification", BOOT, NOW)

    db.refresh(charger)
    assert answer == {"status": "Accepted", "currentTime": "2026-11-20T11:04:00.000Z", "interval": answer["interval"]}
    assert (charger.vendor, charger.model, charger.serial_number) == ("Teison", "TeisonMe@7KW", "0312299999924480699")
    assert charger.boot_info == {name: text for name, text in BOOT.items() if text}
    assert charger.booted_at == NOW
    assert kinds(db) == [("boot", "Booted")]


def test_c1_an_empty_vendor_keeps_the_one_we_knew(db, says, charger):
    says("BootNotification", BOOT)

    says("BootNotification", {"chargePointModel": "ACChargePoint", "chargePointVendor": ""})

    db.refresh(charger)
    assert (charger.vendor, charger.model) == ("Teison", "ACChargePoint")


def test_a12_a_boot_told_twice_is_one_line(db, says):
    says("BootNotification", BOOT, NOW)
    says("BootNotification", BOOT, NOW + timedelta(seconds=2))
    says("BootNotification", BOOT, NOW + timedelta(minutes=5))

    assert kinds(db) == [("boot", "Booted"), ("boot", "Booted")]


def test_the_interval_is_spread_around_five_minutes_and_steady():
    intervals = {interval_s(f"HE60D{number:07}") for number in range(2000)}

    assert (min(intervals), max(intervals)) == (270, 330)
    assert interval_s("HE60D0000001") == interval_s("HE60D0000001")


def test_a_heartbeat_is_answered_with_the_time(says):
    assert says("Heartbeat", {}, NOW) == {"currentTime": "2026-11-20T11:04:00.000Z"}


def test_a_known_card_is_accepted_whatever_its_case(db, says):
    answer = says("Authorize", {"idTag": "04a1b2c3"}, NOW)

    assert answer == {"idTagInfo": {"status": "Accepted"}}
    assert db.scalars(select(Token.last_seen_at)).one() == NOW


def test_parent_and_expiry_are_told_as_far_as_they_help(db, says, charger):
    operator = charger.station.operator
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    factories.token(db, operator, "CARD1", parent_uid="FAMILY", expires_at=ends)
    db.commit()

    assert says("Authorize", {"idTag": "CARD1"}) == {
        "idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY", "expiryDate": "2027-01-01T00:00:00.000Z"}
    }


def test_c8_an_unknown_card_is_told_to_the_timeline_with_its_plug(db, says):
    answers = [says("Authorize", {"connectorId": 2, "idTag": "043999e29a7xxx"}) for _ in range(2)]

    event = db.scalars(select(ChargerEvent)).one()
    assert answers == [{"idTagInfo": {"status": "Invalid"}}] * 2
    assert (event.kind, event.connector_number) == ("token", 2)
    assert event.summary == "Card 043999e29a7xxx refused: Invalid"


def test_another_operators_card_is_unknown_here(db, says):
    factories.token(db, factories.operator(db, name="Other"), "THEIRS01")
    db.commit()

    assert says("Authorize", {"idTag": "THEIRS01"}) == {"idTagInfo": {"status": "Invalid"}}


@pytest.mark.parametrize("data", ['{"a":1}', {"id": 166}, None, ""])
def test_c10_c11_vendors_chatter_is_answered_at_once(says, data):
    payload = {"vendorId": "Growatt", "messageId": "currentrecord", "data": data}

    assert says("DataTransfer", payload) == {"status": "UnknownVendorId"}


@pytest.mark.parametrize(
    ("action", "word", "column", "kind"),
    [
        ("FirmwareStatusNotification", "Installed", "firmware_status", "firmware"),
        ("SignedFirmwareStatusNotification", "InvalidSignature", "firmware_status", "firmware"),
        ("DiagnosticsStatusNotification", "UploadFailed", "diagnostics_status", "diagnostics"),
        ("LogStatusNotification", "Uploading", "diagnostics_status", "diagnostics"),
    ],
)
def test_g8_progress_is_shown_and_a_flood_is_one_line(db, says, charger, action, word, column, kind):
    answers = [says(action, {"status": word}) for _ in range(3)]

    db.refresh(charger)
    assert answers == [{}, {}, {}]
    assert getattr(charger, column) == word
    assert [event_kind for event_kind, _ in kinds(db)] == [kind]


def test_g9_a_security_event_days_old_stands_at_its_own_time_once(db, says):
    event = {"type": "SettingSystemTime", "timestamp": "2026-11-16T01:44:34.000Z", "techInfo": "ocppBoot"}

    answers = [says("SecurityEventNotification", event, NOW) for _ in range(2)]

    stored = db.scalars(select(ChargerEvent)).one()
    assert answers == [{}, {}]
    assert stored.at == datetime(2026, 11, 16, 1, 44, 34, tzinfo=UTC)
    assert stored.detail["tech_info"] == "ocppBoot"


def test_a_certificate_is_not_promised(db, says):
    answer = says("SignCertificate", {"csr": "-----BEGIN CERTIFICATE REQUEST-----"})

    assert answer == {"status": "Rejected"}
    assert kinds(db) == [("security", "Asks for a certificate")]
