"""What a charger keeps when its process ends, well or badly."""

import pytest


@pytest.fixture
def kept(make_charger, tmp_path, clock):
    """A charger whose state is in a folder; making it again is a restart of its process."""

    async def make(**fields):
        return await make_charger(clock=clock, state_folder=tmp_path, **fields)

    return make


async def charge(charger, clock, seconds):
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")
    await clock.advance(seconds)


async def test_registers_and_configuration_go_on(central, kept, clock):
    first = await kept()
    await charge(first, clock, 600)
    await first.shut_down()
    stopped_wh = central.of("StopTransaction")[0]["meterStop"]

    second = await kept()
    await central.call("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "11"})
    await second.stop()
    third = await kept()

    assert stopped_wh > 2000
    assert third.connectors[1].meter_wh == stopped_wh
    assert third.configuration.number("MeterValueSampleInterval") == 11


async def test_a_running_transaction_is_stopped_with_the_values_of_the_power_cut(central, kept, clock):
    first = await kept()
    await charge(first, clock, 600)
    # Nothing after the last tick: the process is gone.
    await first.stop()
    cut_wh = first.connectors[1].meter_wh
    await clock.advance(3600)

    second = await kept()
    await second.delivered()

    [stop] = central.of("StopTransaction")
    assert (stop["transactionId"], stop["reason"], stop["meterStop"]) == (7001, "PowerLoss", cut_wh)
    assert stop["timestamp"] == "2025-06-02T10:10:00.000Z"


async def test_undelivered_messages_are_delivered_after_the_restart(central, kept, clock):
    first = await kept(configuration={"AllowOfflineTxForUnknownId": "true"})
    await first.until_status(1, "Available")
    await first.go_offline()
    await first.plug_in(1)
    await first.present_card(1, "TAG1")
    await clock.advance(120)
    await first.present_card(1, "TAG1")
    await first.stop()

    second = await kept()
    await second.delivered()

    [start], [stop] = central.of("StartTransaction"), central.of("StopTransaction")
    assert start["timestamp"] == "2025-06-02T10:00:00.000Z"
    assert (stop["transactionId"], stop["timestamp"]) == (7001, "2025-06-02T10:02:00.000Z")


async def test_reservations_lists_and_profiles_are_kept(central, kept, clock):
    first = await kept()
    await first.until_status(1, "Available")
    entries = [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}]
    await central.call("SendLocalList", {"listVersion": 3, "updateType": "Full", "localAuthorizationList": entries})
    await central.call(
        "ReserveNow", {"connectorId": 1, "expiryDate": "2025-06-02T12:00:00Z", "idTag": "A", "reservationId": 5}
    )
    limit = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000}]},
    }
    await central.call("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": limit})
    await first.stop()

    second = await kept()
    await second.until_status(1, "Reserved")

    assert second.tokens.list_version == 3
    assert second.limit_w(second.connectors[1]) == 5000


async def test_a_new_password_in_the_description_wins_over_the_kept_one(central, kept):
    first = await kept(password="first")
    await central.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": "0123456789abcdef"})
    await first.until(lambda c: c.password == "0123456789abcdef")
    await first.stop()

    same = await kept(password="first")
    await same.stop()
    new = await kept(password="second")

    assert same.password == "0123456789abcdef"
    assert new.password == "second"


async def test_a_broken_file_is_told_and_the_charger_is_new(kept, tmp_path):
    (tmp_path / "CP1.json").write_text('{"at": "2025')

    charger = await kept()

    assert charger.connectors[1].meter_wh == 1000
    assert "cannot be read" in charger.happenings[0][1]
