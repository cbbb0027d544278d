"""Local list, reservation and trigger profiles."""

import pytest


async def test_the_local_list_decides_offline(central, make_charger):
    charger = await make_charger()
    entries = [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}, {"idTag": "B", "idTagInfo": {"status": "Blocked"}}]

    full = await central.call(
        "SendLocalList", {"listVersion": 3, "updateType": "Full", "localAuthorizationList": entries}
    )
    old = await central.call("SendLocalList", {"listVersion": 3, "updateType": "Differential"})
    change = {"listVersion": 4, "updateType": "Differential", "localAuthorizationList": [{"idTag": "B"}]}
    newer = await central.call("SendLocalList", change)
    version = await central.call("GetLocalListVersion", {})
    await charger.go_offline()

    assert (full["status"], old["status"], newer["status"]) == ("Accepted", "VersionMismatch", "Accepted")
    assert version == {"listVersion": 4}
    assert sorted(charger.tokens.listed) == ["A"]
    assert (await charger.present_card(1, "A")).status == "Accepted"
    assert (await charger.present_card(1, "B")).status == "Invalid"


async def test_the_local_list_can_be_off(central, make_charger):
    await make_charger(configuration={"LocalAuthListEnabled": "false"})

    version = await central.call("GetLocalListVersion", {})
    sent = await central.call("SendLocalList", {"listVersion": 1, "updateType": "Full"})

    assert version == {"listVersion": -1}
    assert sent == {"status": "NotSupported"}


RESERVATION = {"connectorId": 1, "expiryDate": "2025-06-02T10:15:00Z", "idTag": "MINE", "reservationId": 9}


async def test_a_reserved_connector_is_for_its_holder(central, make_charger, clock):
    charger = await make_charger(clock=clock)
    await charger.until_status(1, "Available")

    answer = await central.call("ReserveNow", RESERVATION)
    await charger.until_status(1, "Reserved")
    stranger = await central.call("RemoteStartTransaction", {"idTag": "OTHER", "connectorId": 1})
    await charger.plug_in(1)
    await charger.present_card(1, "MINE")
    await charger.until_status(1, "Charging")

    assert answer == {"status": "Accepted"}
    assert stranger == {"status": "Rejected"}
    assert central.of("StartTransaction")[0]["reservationId"] == 9


async def test_a_reservation_ends_by_itself_or_by_call(central, make_charger, clock):
    charger = await make_charger(clock=clock)
    await charger.until_status(1, "Available")

    await central.call("ReserveNow", RESERVATION)
    await charger.until_status(1, "Reserved")
    await clock.advance(15 * 60 + 1)
    await charger.until_status(1, "Available")
    late = await central.call("ReserveNow", RESERVATION)
    await central.call("ReserveNow", {**RESERVATION, "expiryDate": "2025-06-02T11:15:00Z"})
    await charger.until_status(1, "Reserved")
    cancelled = await central.call("CancelReservation", {"reservationId": 9})
    again = await central.call("CancelReservation", {"reservationId": 9})
    await charger.until_status(1, "Available")

    assert late == {"status": "Rejected"}
    assert cancelled == {"status": "Accepted"}
    assert again == {"status": "Rejected"}


async def test_a_reservation_is_refused_with_the_reason(central, make_charger, clock):
    charger = await make_charger(clock=clock, connectors=[{}, {}, {}])
    await charger.plug_in(1)
    await charger.fault(2)
    await central.call("ChangeAvailability", {"connectorId": 3, "type": "Inoperative"})

    answers = [await central.call("ReserveNow", {**RESERVATION, "connectorId": number}) for number in (1, 2, 3)]

    assert [answer["status"] for answer in answers] == ["Occupied", "Faulted", "Unavailable"]


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("BootNotification", "BootNotification"),
        ("DiagnosticsStatusNotification", "DiagnosticsStatusNotification"),
        ("FirmwareStatusNotification", "FirmwareStatusNotification"),
        ("Heartbeat", "Heartbeat"),
        ("MeterValues", "MeterValues"),
        ("StatusNotification", "StatusNotification"),
    ],
)
async def test_a_trigger_sends_its_message(central, make_charger, message, action):
    charger = await make_charger()
    await charger.until_status(1, "Available")
    before = len(central.of(action))

    answer = await central.call("TriggerMessage", {"requestedMessage": message, "connectorId": 1})
    await central.until(lambda c: len(c.of(action)) == before + 1)

    assert answer == {"status": "Accepted"}


async def test_a_trigger_may_be_refused(central, make_charger):
    await make_charger(is_strict=False)

    unknown = await central.call("TriggerMessage", {"requestedMessage": "Poem"})
    nowhere = await central.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 7})

    assert unknown == {"status": "NotImplemented"}
    assert nowhere == {"status": "Rejected"}


async def test_a_triggered_boot_may_end_the_pending_state(central, make_charger, clock):
    central.answers["BootNotification"] = {"status": "Pending", "currentTime": "2025-06-02T10:00:00Z", "interval": 900}
    charger = await make_charger(clock=clock, connects=False)
    await charger.start()
    await central.until(lambda c: c.of("BootNotification"))
    refused = await central.call("RemoteStartTransaction", {"idTag": "X", "connectorId": 1})
    del central.answers["BootNotification"]

    await central.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    await charger.until_status(1, "Available")

    assert refused == {"status": "Rejected"}
    assert len(central.of("BootNotification")) == 2


async def test_a_triggered_meter_value_belongs_to_the_transaction(central, make_charger):
    charger = await make_charger()
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")

    await central.call("TriggerMessage", {"requestedMessage": "MeterValues"})
    await central.until(lambda c: len(c.of("MeterValues")) == 2)

    triggered = central.of("MeterValues")[1]
    assert triggered["transactionId"] == 7001
    assert triggered["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
