"""Charging profiles over the wire: the power really follows."""

import pytest

from simulator.power import Vehicle


def default_profile(limit, unit="W", number=1, purpose="TxDefaultProfile", **more):
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
        **more,
    }


@pytest.fixture
async def charger(make_charger, clock):
    charger = await make_charger(clock=clock)
    await charger.plug_in(1, Vehicle(battery_wh=200_000, soc=0.1))
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")
    return charger


async def test_a_limit_is_obeyed_and_cleared(central, charger, clock):
    answer = await central.call("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": default_profile(5000)})
    before_wh = charger.connectors[1].register_wh
    await clock.advance(3600)
    limited_wh = charger.connectors[1].register_wh - before_wh
    cleared = await central.call("ClearChargingProfile", {"id": 1})
    await clock.advance(1)

    assert answer == {"status": "Accepted"}
    assert cleared == {"status": "Accepted"}
    # 5 kW for an hour, less the rise of the first second.
    assert 4_995 <= limited_wh <= 5_000
    assert charger.connectors[1].power_w == 11_000


async def test_a_limit_below_six_amps_suspends(central, charger, clock):
    profile = default_profile(5, "A")

    await central.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    await charger.until_status(1, "SuspendedEVSE")
    await central.call("ClearChargingProfile", {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile"})
    await charger.until_status(1, "Charging")

    assert central.statuses(1)[-2:] == ["SuspendedEVSE", "Charging"]


async def test_profiles_that_cannot_be_are_refused(central, charger):
    level = {**default_profile(5000), "stackLevel": 99}
    late = default_profile(5000)
    late["chargingSchedule"]["chargingSchedulePeriod"][0]["startPeriod"] = 60
    refused = [
        (2, default_profile(5000)),
        (1, default_profile(5000, purpose="ChargePointMaxProfile")),
        (0, default_profile(5000, purpose="TxProfile")),
        (1, default_profile(5000, purpose="TxProfile", transactionId=1)),
        (0, level),
        (0, late),
        (0, {**default_profile(5000), "chargingProfileKind": "Recurring"}),
    ]

    answers = [
        await central.call("SetChargingProfile", {"connectorId": number, "csChargingProfiles": profile})
        for number, profile in refused
    ]
    unknown = await central.call("ClearChargingProfile", {"id": 77})

    assert answers == [{"status": "Rejected"}] * len(refused)
    assert unknown == {"status": "Unknown"}


async def test_a_transactions_profile_ends_with_it(central, charger):
    own = default_profile(6000, purpose="TxProfile", transactionId=7001)

    answer = await central.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": own})
    limit_w = charger.limit_w(charger.connectors[1])
    await charger.present_card(1, "TAG1")

    assert answer == {"status": "Accepted"}
    assert limit_w == 6000
    assert charger.profiles.installed == []


async def test_a_remote_start_brings_its_profile(central, make_charger):
    charger = await make_charger()
    await charger.plug_in(1)
    start = {"idTag": "PAID", "connectorId": 1}

    wrong = await central.call("RemoteStartTransaction", {**start, "chargingProfile": default_profile(6000)})
    right = await central.call(
        "RemoteStartTransaction", {**start, "chargingProfile": default_profile(6000, purpose="TxProfile")}
    )
    await charger.until_status(1, "Charging")

    assert (wrong["status"], right["status"]) == ("Rejected", "Accepted")
    assert charger.limit_w(charger.connectors[1]) == 6000


async def test_the_composite_schedule_is_told(central, charger):
    await central.call("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": default_profile(5000)})

    told = await central.call("GetCompositeSchedule", {"connectorId": 1, "duration": 600})
    nowhere = await central.call("GetCompositeSchedule", {"connectorId": 9, "duration": 600})

    assert told == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2025-06-02T10:00:00.000Z",
        "chargingSchedule": {
            "duration": 600,
            "startSchedule": "2025-06-02T10:00:00.000Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000.0}],
        },
    }
    assert nowhere == {"status": "Rejected"}
