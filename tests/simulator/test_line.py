"""What a broken line does: boots that wait, queues that are replayed, frames that make no sense."""

from tests.simulator.central import SILENT, CallError


async def test_it_asks_again_until_the_boot_is_accepted(central, make_charger, clock):
    central.answers["BootNotification"] = {"status": "Pending", "currentTime": "2025-06-02T10:00:00Z", "interval": 7}
    charger = await make_charger(clock=clock, connects=False)
    await charger.start()
    await central.until(lambda c: len(c.of("BootNotification")) == 1)
    await charger.until(lambda c: not c.outbox.entries)
    del central.answers["BootNotification"]

    await clock.advance(7)
    await charger.until_status(1, "Available")

    assert [action for action, _ in central.calls[:3]] == ["BootNotification", "BootNotification", "StatusNotification"]


async def test_a_session_without_a_line_is_told_later_with_its_own_times(central, make_charger, clock):
    charger = await make_charger(clock=clock, configuration={"AllowOfflineTxForUnknownId": "true"})
    await charger.until_status(1, "Available")
    told = len(central.calls)
    await charger.go_offline()

    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await clock.advance(120)
    await charger.present_card(1, "TAG1")
    await charger.unplug(1)
    charger.may_connect.set()
    await clock.advance(1)
    await charger.delivered()

    assert [action for action, _ in central.calls[told:]] == [
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    assert central.of("StartTransaction")[0]["timestamp"] == "2025-06-02T10:00:00.000Z"
    assert central.of("StopTransaction")[0]["timestamp"] == "2025-06-02T10:02:00.000Z"
    assert {p["transactionId"] for p in central.of("MeterValues") + central.of("StopTransaction")} == {7001}
    assert len(central.of("BootNotification")) == 1


async def test_a_start_that_was_never_answered_is_sent_again_with_the_same_content(central, make_charger):
    central.answers["StartTransaction"] = SILENT
    charger = await make_charger()
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await central.until(lambda c: c.of("StartTransaction"))

    await charger.drop_connection()
    del central.answers["StartTransaction"]
    await charger.until(lambda c: c.transaction_id(1) == 7001)

    first, second = central.of("StartTransaction")
    assert first == second


async def test_a_refused_transaction_message_is_tried_three_times(central, make_charger, clock):
    central.answers["StopTransaction"] = CallError("InternalError")
    charger = await make_charger(clock=clock, configuration={"TransactionMessageRetryInterval": "10"})
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")
    await charger.unplug(1)
    await central.until(lambda c: len(c.of("StopTransaction")) == 1)
    await charger.until(lambda c: c.outbox.waiting[0].refusals == 1)

    await clock.advance(10)
    await charger.until(lambda c: c.outbox.waiting[0].refusals == 2)
    await clock.advance(20)
    await charger.until(lambda c: not c.outbox.waiting)

    assert len(central.of("StopTransaction")) == 3


async def test_a_reconnect_tells_only_what_changed(central, make_charger):
    charger = await make_charger(connectors=[{}, {}])
    await charger.until_status(2, "Available")
    await charger.go_offline()
    await charger.plug_in(2)

    await charger.go_online()
    await charger.until_status(2, "Preparing")

    assert len(central.of("BootNotification")) == 1
    assert [(p["connectorId"], p["status"]) for p in central.of("StatusNotification")[3:]] == [(2, "Preparing")]


async def test_it_survives_frames_that_make_no_sense(central, make_charger):
    charger = await make_charger(is_strict=False)

    for text in (
        "",
        "{",
        "[]",
        "[3]",
        '[3,"unknown",{}]',
        '[4,"unknown","InternalError","",{}]',
        '{"a":1}',
        "[9,1,2,3]",
    ):
        await central.send_text(text)
    unknown = await central.call("MakeCoffee", {})
    lacking = await central.call("RemoteStartTransaction", {"connectorId": 1})

    assert unknown[0] == "NotImplemented"
    assert lacking[0] == "OccurenceConstraintViolation"
    assert charger.is_online


async def test_a_wrong_password_is_tried_again_with_a_pause(central, make_charger):
    charger = await make_charger(connects=False)
    await central.stop()
    await charger.start()

    await charger.until(lambda c: sum("cannot connect" in text for _, text in c.happenings) >= 3)

    assert not charger.is_online


async def test_silence_never_drops_a_transaction(central, make_charger, clock):
    central.answers["StopTransaction"] = SILENT
    charger = await make_charger(
        clock=clock, timing={"call_timeout_s": 0.2}, configuration={"TransactionMessageRetryInterval": "1"}
    )
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")

    await charger.unplug(1)
    for count in (1, 2, 3, 4):
        await charger.until(lambda c, count=count: retries(c) == count)
        await clock.advance(1)

    assert len(central.of("StopTransaction")) >= 4
    assert [entry.action for entry in charger.outbox.waiting] == ["StopTransaction"]


def retries(charger):
    return sum("StopTransaction" in text and "again in" in text for _, text in charger.happenings)
