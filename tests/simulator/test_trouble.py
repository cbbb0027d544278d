"""Faults, power cuts, emergency stops, and people who do as they please."""


async def charging(charger):
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")


async def test_a_fault_ends_the_transaction_until_it_is_over(central, make_charger):
    charger = await make_charger()
    await charging(charger)

    await charger.fault(1, "HighTemperature", "95 degrees")
    await charger.until_status(1, "Faulted")
    await charger.recover(1)
    await charger.until_status(1, "Finishing")

    [faulted] = [p for p in central.of("StatusNotification") if p["status"] == "Faulted"]
    assert (faulted["errorCode"], faulted["info"]) == ("HighTemperature", "95 degrees")
    assert central.of("StopTransaction")[0]["reason"] == "Other"


async def test_a_fault_of_the_cabinet_leaves_the_connector_alone(central, make_charger):
    charger = await make_charger()
    await charging(charger)

    await charger.fault(0, "InternalError")
    await charger.until_status(0, "Faulted")

    assert charger.connectors[1].status == "Charging"
    assert central.of("StopTransaction") == []


async def test_an_emergency_stop_ends_everything(central, make_charger):
    charger = await make_charger()
    await charging(charger)

    await charger.emergency_stop()
    await charger.until_status(1, "Faulted")

    assert central.of("StopTransaction")[0]["reason"] == "EmergencyStop"
    assert central.statuses(0)[-1] == "Faulted"


async def test_after_a_power_cut_it_boots_and_tells_the_stop(central, make_charger, clock):
    charger = await make_charger(clock=clock)
    await charging(charger)

    await charger.cut_power()
    await clock.advance(60)
    charger.is_powered = True
    charger.may_connect.set()
    await clock.advance(1)
    await charger.until(lambda c: c.is_accepted)
    await charger.delivered()

    [stop] = central.of("StopTransaction")
    assert (stop["reason"], stop["timestamp"]) == ("PowerLoss", "2025-06-02T10:00:00.000Z")
    assert len(central.of("BootNotification")) == 2


async def test_another_card_cannot_stop_a_transaction_but_one_of_the_group_can(central, make_charger):
    family = {"TAG1": "FAMILY", "TAG2": "FAMILY"}

    def authorise(payload):
        info = {"status": "Accepted"}
        if payload["idTag"] in family:
            info["parentIdTag"] = family[payload["idTag"]]
        return {"idTagInfo": info}

    central.answers["Authorize"] = authorise
    charger = await make_charger()
    await charging(charger)

    await charger.present_card(1, "STRANGER")
    still = charger.transaction_id(1)
    await charger.present_card(1, "TAG2")
    await charger.delivered()

    assert still == 7001
    assert central.of("StopTransaction")[0]["idTag"] == "TAG2"


async def test_a_full_car_suspends(central, make_charger, clock):
    charger = await make_charger(clock=clock, speed=600)
    await charging(charger)

    # 42 kWh at 11 kW are less than 4 h; at 600 times the speed that is half a minute.
    await clock.advance(30)
    await charger.until_status(1, "SuspendedEV")

    assert charger.connectors[1].vehicle.is_full
    assert charger.connectors[1].meter_wh - 1000 in range(41_990, 42_100)


async def test_a_pulled_cable_may_leave_the_transaction_open(central, make_charger):
    charger = await make_charger(configuration={"StopTransactionOnEVSideDisconnect": "false"})
    await charging(charger)

    await charger.unplug(1)
    await charger.until_status(1, "SuspendedEV")
    await charger.plug_in(1)
    await charger.until_status(1, "Charging")

    assert central.of("StopTransaction") == []


async def test_clock_aligned_values_come_on_the_quarter(central, make_charger, clock):
    charger = await make_charger(clock=clock, configuration={"ClockAlignedDataInterval": "900"})
    await charger.until_status(1, "Available")

    await clock.advance(1000)
    await central.until(lambda c: c.of("MeterValues"))

    [aligned] = central.of("MeterValues")
    assert aligned["meterValue"][0]["timestamp"] == "2025-06-02T10:15:00.000Z"
    assert aligned["meterValue"][0]["sampledValue"][0]["context"] == "Sample.Clock"
    assert "transactionId" not in aligned


async def test_card_holders_come_charge_and_go(central, make_charger, clock):
    behaviour = {"cards": ["ALICE"], "arrival_mean_s": 60, "stay_mean_s": 600, "plug_after_s": 1}
    charger = await make_charger(clock=clock, behaviour=behaviour)
    await charger.until_status(1, "Available")

    while not central.of("StopTransaction"):
        await clock.advance(30)
        await charger.until(lambda c: not c.outbox.entries)

    assert central.of("StartTransaction")[0]["idTag"] == "ALICE"
    assert central.of("StopTransaction")[0]["reason"] == "Local"


async def test_things_break_and_heal(central, make_charger, clock):
    charger = await make_charger(clock=clock, behaviour={"fault_mean_s": 100, "fault_s": 20})
    await charger.until_status(1, "Available")

    while "Faulted" not in central.statuses(1):
        await clock.advance(5)
        await charger.until(lambda c: not c.outbox.entries)
    await clock.advance(30)

    await central.until(lambda c: c.statuses(1)[-1] == "Available")


async def test_the_car_of_a_paid_session_leaves_afterwards(central, make_charger, clock):
    behaviour = {"auto_plug": True, "plug_after_s": 1, "unplug_after_s": 10}
    charger = await make_charger(clock=clock, behaviour=behaviour)
    await central.call("RemoteStartTransaction", {"idTag": "PAID", "connectorId": 1})
    await clock.advance(2)
    await charger.until_status(1, "Charging")

    await central.call("RemoteStopTransaction", {"transactionId": 7001})
    await charger.until_status(1, "Finishing")
    await clock.advance(11)

    await charger.until_status(1, "Available")
