"""The Core profile: what the charger does when the central system asks."""

import pytest

from simulator.commands import HANDLERS
from tests.interop.calls import CALLS


async def charging(charger, tag="TAG1", connector_id=1):
    await charger.plug_in(connector_id)
    await charger.present_card(connector_id, tag)
    await charger.until_status(connector_id, "Charging")


@pytest.mark.parametrize(("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")])
async def test_a_reset_ends_the_transaction_and_boots_again(central, make_charger, kind, reason):
    charger = await make_charger()
    await charging(charger)

    answer = await central.call("Reset", {"type": kind})
    await central.until(lambda c: len(c.of("BootNotification")) == 2)
    await charger.delivered()
    await charger.until_status(1, "Finishing")

    assert answer == {"status": "Accepted"}
    assert [stop["reason"] for stop in central.of("StopTransaction")] == [reason]
    assert len(central.handshakes) == 2


async def test_a_soft_reset_tells_the_stop_before_it_goes(central, make_charger):
    charger = await make_charger()
    await charging(charger)

    await central.call("Reset", {"type": "Soft"})
    await central.until(lambda c: len(c.of("BootNotification")) == 2)

    actions = [action for action, _ in central.calls]
    assert actions.index("StopTransaction") < len(actions) - 1 - actions[::-1].index("BootNotification")


async def test_it_becomes_unavailable_after_the_transaction(central, make_charger):
    charger = await make_charger()
    await charging(charger)

    answer = await central.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    await charger.unplug(1)
    await charger.until_status(1, "Unavailable")
    refused = await central.call("RemoteStartTransaction", {"idTag": "TAG1", "connectorId": 1})
    back = await central.call("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    await charger.until_status(1, "Available")

    assert answer == {"status": "Scheduled"}
    assert refused == {"status": "Rejected"}
    assert back == {"status": "Accepted"}


async def test_the_whole_charger_becomes_unavailable(central, make_charger):
    charger = await make_charger(connectors=[{}, {}])
    await charger.until_status(2, "Available")

    answer = await central.call("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
    await charger.until_status(2, "Unavailable")
    unknown = await central.call("ChangeAvailability", {"connectorId": 3, "type": "Inoperative"})

    assert answer == {"status": "Accepted"}
    assert [central.statuses(number)[-1] for number in (0, 1, 2)] == ["Unavailable"] * 3
    assert unknown == {"status": "Rejected"}


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValueSampleInterval", "5", "Accepted"),
        ("MeterValueSampleInterval", "-5", "Rejected"),
        ("MeterValueSampleInterval", "five", "Rejected"),
        ("MeterValuesSampledData", "Voltage,SoC", "Accepted"),
        ("MeterValuesSampledData", "Voltage,Wishes", "Rejected"),
        ("AuthorizeRemoteTxRequests", "TRUE", "Accepted"),
        ("AuthorizeRemoteTxRequests", "1", "Rejected"),
        ("NumberOfConnectors", "4", "Rejected"),
        ("ConnectorPhaseRotation", "1.RST", "RebootRequired"),
        ("AuthorizationKey", "short", "Rejected"),
        ("Colour", "red", "NotSupported"),
    ],
)
async def test_configuration_is_changed_or_refused(central, make_charger, key, value, status):
    await make_charger()

    answer = await central.call("ChangeConfiguration", {"key": key, "value": value})

    assert answer == {"status": status}


async def test_configuration_is_read(central, make_charger):
    await make_charger(connectors=[{}, {}])
    await central.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "77"})

    some = await central.call("GetConfiguration", {"key": ["HeartbeatInterval", "NumberOfConnectors", "Colour"]})
    every = await central.call("GetConfiguration", {})

    assert some == {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "77"},
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
        ],
        "unknownKey": ["Colour"],
    }
    names = [entry["key"] for entry in every["configurationKey"]]
    assert "MeterValueSampleInterval" in names
    assert "AuthorizationKey" not in names


async def test_a_new_password_is_used_at_once(central, make_charger):
    await make_charger(password="old-password-old-password")

    await central.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": "0123456789abcdef"})
    await central.until(lambda c: len(c.handshakes) == 2)

    # CP1:0123456789abcdef
    assert central.handshakes[1]["authorization"] == "Basic Q1AxOjAxMjM0NTY3ODlhYmNkZWY="


async def test_a_remote_start_asks_about_the_tag_when_configured(central, make_charger):
    central.tag_status["BAD"] = "Blocked"
    charger = await make_charger(configuration={"AuthorizeRemoteTxRequests": "true"})
    await charger.plug_in(1)

    await central.call("RemoteStartTransaction", {"idTag": "BAD", "connectorId": 1})
    await central.until(lambda c: c.of("Authorize"))
    await central.call("RemoteStartTransaction", {"idTag": "GOOD", "connectorId": 1})
    await charger.until_status(1, "Charging")

    assert [call["idTag"] for call in central.of("StartTransaction")] == ["GOOD"]


async def test_a_remote_start_is_refused_where_it_cannot_be(central, make_charger):
    charger = await make_charger(connectors=[{}, {}])
    await charging(charger)
    await charger.fault(2, "GroundFailure")

    answers = [
        await central.call("RemoteStartTransaction", {"idTag": "X", "connectorId": number}) for number in (0, 1, 2, 3)
    ]
    anywhere = await central.call("RemoteStartTransaction", {"idTag": "X"})

    assert [*answers, anywhere] == [{"status": "Rejected"}] * 5


async def test_a_remote_stop_of_a_stranger_is_refused(central, make_charger):
    charger = await make_charger()
    await charging(charger)

    answer = await central.call("RemoteStopTransaction", {"transactionId": 999})

    assert answer == {"status": "Rejected"}
    assert central.of("StopTransaction") == []


async def test_unlocking_ends_the_transaction(central, make_charger):
    charger = await make_charger(connectors=[{}, {"is_tethered": True}])
    await charging(charger)

    answer = await central.call("UnlockConnector", {"connectorId": 1})
    tethered = await central.call("UnlockConnector", {"connectorId": 2})
    await charger.until_status(1, "Finishing")

    assert answer == {"status": "Unlocked"}
    assert tethered == {"status": "NotSupported"}
    assert central.of("StopTransaction")[0]["reason"] == "UnlockCommand"


async def test_data_transfer_knows_its_own_vendor(central, make_charger):
    await make_charger(vendor="ACME")

    own = await central.call("DataTransfer", {"vendorId": "ACME", "messageId": "Echo", "data": "hello"})
    odd = await central.call("DataTransfer", {"vendorId": "ACME", "messageId": "Sing"})
    other = await central.call("DataTransfer", {"vendorId": "Someone"})

    assert own == {"status": "Accepted", "data": "hello"}
    assert odd == {"status": "UnknownMessageId"}
    assert other == {"status": "UnknownVendorId"}


async def test_the_cache_lets_a_known_card_start_without_a_line_until_cleared(central, make_charger):
    charger = await make_charger()
    await charging(charger, "KNOWN")
    await charger.unplug(1)
    await charger.until_status(1, "Available")

    await charger.go_offline()
    await charger.plug_in(1)
    known = await charger.present_card(1, "KNOWN")
    await charger.unplug(1)
    await charger.go_online()
    await charger.delivered()
    cleared = await central.call("ClearCache", {})
    await charger.go_offline()
    forgotten = await charger.present_card(1, "KNOWN")

    assert (known.status, cleared, forgotten.status) == ("Accepted", {"status": "Accepted"}, "Invalid")
    assert len(central.of("StartTransaction")) == 2


@pytest.mark.parametrize("action", CALLS)
async def test_every_call_of_the_protocol_gets_a_result(central, make_charger, action):
    await make_charger()

    answer = await central.call(action, CALLS[action])

    assert isinstance(answer, dict)


def test_no_call_is_forgotten():
    assert set(HANDLERS) == set(CALLS)
