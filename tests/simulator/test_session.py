"""A charging session from the boot to the stop, as the central system sees it."""

from simulator.power import Vehicle

# 11 kW through and through: a big, empty battery.
BIG_CAR = {"battery_wh": 200_000, "soc": 0.1, "ac_max_w": 11_000}


async def test_it_boots_and_tells_every_connector(central, make_charger):
    charger = await make_charger(
        vendor="ACME", model="Wall 22", serial="S-1", firmware="2.0.0", connectors=[{}, {}], password="pässword"
    )

    await charger.until_status(2, "Available")

    assert central.handshakes == [{"path": "/CP1", "authorization": "Basic Q1AxOnDDpHNzd29yZA=="}]
    assert central.calls[0] == (
        "BootNotification",
        {
            "chargePointVendor": "ACME",
            "chargePointModel": "Wall 22",
            "chargePointSerialNumber": "S-1",
            "chargeBoxSerialNumber": "S-1",
            "firmwareVersion": "2.0.0",
            "meterType": "Simulated meter",
        },
    )
    told = [(p["connectorId"], p["status"], p["errorCode"]) for p in central.of("StatusNotification")]
    assert told == [(0, "Available", "NoError"), (1, "Available", "NoError"), (2, "Available", "NoError")]


async def test_a_hexadecimal_password_is_sent_as_bytes(central, make_charger):
    await make_charger(password="00ff10", password_is_hex=True)

    # C P 1 : 00 ff 10
    assert central.handshakes[0]["authorization"] == "Basic Q1AxOgD/EA=="


async def test_a_card_starts_and_stops_a_transaction(central, make_charger, clock):
    charger = await make_charger(clock=clock)
    await charger.plug_in(1, Vehicle(**BIG_CAR))

    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")
    await clock.advance(180)
    await charger.delivered()
    await charger.present_card(1, "TAG1")
    await charger.delivered()
    await charger.unplug(1)
    await charger.until_status(1, "Available")

    assert central.of("Authorize") == [{"idTag": "TAG1"}]
    assert central.of("StartTransaction") == [
        {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": "2025-06-02T10:00:00.000Z"}
    ]
    [stop] = central.of("StopTransaction")
    # 11 kW for 180 s is 550 Wh; the first seconds rise to it.
    assert 535 <= stop["meterStop"] - 1000 <= 550
    assert (stop["transactionId"], stop["reason"], stop["idTag"]) == (7001, "Local", "TAG1")
    assert stop["timestamp"] == "2025-06-02T10:03:00.000Z"
    assert [v["sampledValue"][0]["context"] for v in stop["transactionData"]] == [
        "Transaction.Begin",
        "Transaction.End",
    ]
    assert [v["sampledValue"][0]["value"] for v in stop["transactionData"]] == ["1000", str(stop["meterStop"])]
    assert central.statuses(1) == ["Available", "Preparing", "Charging", "Finishing", "Available"]


async def test_meter_values_grow_with_the_power(central, make_charger, clock):
    charger = await make_charger(clock=clock, configuration={"MeterValueSampleInterval": "60"})
    await charger.plug_in(1, Vehicle(**BIG_CAR))

    await charger.present_card(1, "TAG1")
    await clock.advance(121)
    await charger.delivered()

    values = central.of("MeterValues")
    assert [v["transactionId"] for v in values] == [7001, 7001, 7001]
    assert [v["meterValue"][0]["sampledValue"][0]["context"] for v in values] == [
        "Transaction.Begin",
        "Sample.Periodic",
        "Sample.Periodic",
    ]
    assert [v["meterValue"][0]["timestamp"] for v in values[1:]] == [
        "2025-06-02T10:01:00.000Z",
        "2025-06-02T10:02:00.000Z",
    ]
    last = {(s["measurand"], s.get("phase")): s["value"] for s in values[2]["meterValue"][0]["sampledValue"]}
    assert last[("Power.Active.Import", None)] == "11000"
    # 11000 W / 3 / 230 V
    assert last[("Current.Import", "L2")] == "15.9"
    assert last[("Voltage", "L2-N")] == "230.0"


async def test_a_remote_start_waits_for_the_car_and_a_remote_stop_ends_it(central, make_charger):
    charger = await make_charger()

    started = await central.call("RemoteStartTransaction", {"idTag": "PAID", "connectorId": 1})
    await charger.until_status(1, "Preparing")
    await charger.plug_in(1)
    await charger.until(lambda c: c.transaction_id(1) == 7001)
    stopped = await central.call("RemoteStopTransaction", {"transactionId": 7001})
    await charger.until_status(1, "Finishing")

    assert started == {"status": "Accepted"}
    assert stopped == {"status": "Accepted"}
    assert central.of("Authorize") == []
    [start], [stop] = central.of("StartTransaction"), central.of("StopTransaction")
    assert (start["idTag"], start["connectorId"]) == ("PAID", 1)
    assert (stop["reason"], stop["transactionId"]) == ("Remote", 7001)
    assert "idTag" not in stop


async def test_a_car_comes_by_itself_when_somebody_paid(central, make_charger):
    charger = await make_charger(behaviour={"auto_plug": True, "plug_after_s": 0.01})

    await central.call("RemoteStartTransaction", {"idTag": "PAID"})

    await charger.until_status(1, "Charging")


async def test_nobody_plugs_in_and_the_remote_start_is_over(central, make_charger, clock):
    charger = await make_charger(clock=clock, configuration={"ConnectionTimeOut": "30"})
    await central.call("RemoteStartTransaction", {"idTag": "PAID", "connectorId": 1})
    await charger.until_status(1, "Preparing")

    await clock.advance(31)
    await charger.until_status(1, "Available")

    assert central.of("StartTransaction") == []


async def test_pulling_the_cable_stops_the_transaction(central, make_charger):
    charger = await make_charger()
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")

    await charger.unplug(1)
    await charger.until_status(1, "Available")

    assert central.of("StopTransaction")[0]["reason"] == "EVDisconnected"


async def test_an_unknown_card_does_not_start(central, make_charger):
    central.tag_status["STRANGER"] = "Invalid"
    charger = await make_charger()
    await charger.plug_in(1)

    verdict = await charger.present_card(1, "STRANGER")

    assert verdict.status == "Invalid"
    assert central.of("StartTransaction") == []


async def test_a_refused_start_is_stopped_as_deauthorised(central, make_charger):
    central.answers["StartTransaction"] = {"idTagInfo": {"status": "Blocked"}, "transactionId": 31}
    charger = await make_charger()
    await charger.plug_in(1)

    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Finishing")

    [stop] = central.of("StopTransaction")
    assert (stop["reason"], stop["transactionId"]) == ("DeAuthorized", 31)


async def test_heartbeats_follow_the_interval_of_the_boot(central, make_charger, clock):
    central.answers["BootNotification"] = {"status": "Accepted", "currentTime": "2025-06-02T10:00:00Z", "interval": 20}
    charger = await make_charger(clock=clock)
    await charger.until_status(1, "Available")

    await clock.advance(20)
    await central.until(lambda c: len(c.of("Heartbeat")) == 1)
    await charger.until(lambda c: not c.outbox.entries)
    await clock.advance(20)

    await central.until(lambda c: len(c.of("Heartbeat")) == 2)
