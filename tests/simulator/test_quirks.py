"""Every defect, as it looks on the wire."""

import asyncio
import json

import pytest

from simulator.quirks import QUIRKS


@pytest.fixture
def run_session(central, make_charger, clock):
    """A whole session of a charger with that quirk: boot, plug, card, an hour, card."""

    async def run(quirk, **fields):
        charger = await make_charger(quirks=[quirk], is_strict=False, clock=clock, serial="S1", **fields)
        await charger.until_status(1, "Available")
        await charger.plug_in(1)
        await charger.present_card(1, "TAG1")
        await charger.until(lambda c: not c.outbox.entries)
        await clock.advance(60)
        await charger.until(lambda c: not c.outbox.entries)
        await charger.present_card(1, "TAG1")
        await charger.until(lambda c: not c.outbox.entries)
        return charger

    return run


# The first payload of that action has that value there (None: the field is missing).
FIELDS = {
    "empty-vendor": ("BootNotification", "chargePointVendor", ""),
    "empty-info": ("StatusNotification", "info", ""),
    "null-info": ("StatusNotification", "info", "null"),
    "no-status-time": ("StatusNotification", "timestamp", None),
    "long-tag": ("StartTransaction", "idTag", "TAG1_S1000000000000000000"[:24]),
    "authorize-connector": ("Authorize", "connectorId", 1),
    "reservation-zero": ("StartTransaction", "reservationId", 0),
    "odd-error-code": ("StatusNotification", "errorCode", "Error"),
    "no-zone": ("StartTransaction", "timestamp", "2025-06-02T12:00:00"),
    "short-zone": ("StartTransaction", "timestamp", "2025-06-02T10:00:00+0000"),
    "clock-1970": ("StartTransaction", "timestamp", "1970-01-01T10:00:00Z"),
    "clock-zero": ("StartTransaction", "timestamp", "0000-00-00T00:00:00.000Z"),
    "local-as-utc": ("StartTransaction", "timestamp", "2025-06-02T12:00:00Z"),
    "minus-one": ("StopTransaction", "transactionId", -1),
    "zero-id": ("StopTransaction", "transactionId", 0),
    "huge-id": ("StopTransaction", "transactionId", 9223372036854775807),
    "null-id": ("StopTransaction", "transactionId", None),
    "bare-stop": ("StopTransaction", "reason", None),
    "no-transaction-id": ("MeterValues", "transactionId", None),
    "meter-zero": ("StartTransaction", "meterStart", 0),
}


@pytest.mark.parametrize("quirk", FIELDS)
async def test_a_field_is_wrong(central, run_session, quirk):
    action, field, value = FIELDS[quirk]

    await run_session(quirk)

    assert central.of(action)[0].get(field) == value


# What the first energy sample of the session looks like, of {"value": "1000", "unit": "Wh", ...}.
SAMPLES = {
    "number-values": ("value", 1000.0),
    "empty-values": ("value", ""),
    "kwh": ("value", "1.000"),
}


@pytest.mark.parametrize("quirk", SAMPLES)
async def test_a_sample_is_wrong(central, run_session, quirk):
    field, value = SAMPLES[quirk]

    await run_session(quirk)

    assert central.of("MeterValues")[0]["meterValue"][0]["sampledValue"][0][field] == value


async def test_the_shape_of_meter_values_is_wrong(central, run_session):
    await run_session("object-values")
    await run_session("no-samples", device_id="CP2")

    shapes = [payload["meterValue"] for payload in central.of("MeterValues")]
    assert isinstance(shapes[0], dict)
    assert shapes[-1][0]["sampledValue"] == []


# How often each CALL comes in one session.
COUNTS = {
    "duplicate-start": ("StartTransaction", 3),
    "same-id-again": ("StartTransaction", 2),
    "double-boot": ("BootNotification", 2),
    "missing-stop": ("StopTransaction", 0),
    "never-starts": ("StartTransaction", 0),
    "no-boot": ("BootNotification", 0),
}


@pytest.mark.parametrize("quirk", COUNTS)
async def test_a_call_comes_too_often_or_never(central, run_session, quirk):
    action, count = COUNTS[quirk]

    await run_session(quirk)

    assert len(central.of(action)) == count


async def test_a_repeated_call_keeps_its_message_id(central, run_session):
    await run_session("same-id-again")

    starts = [json.loads(text) for text in central.frames if "StartTransaction" in text]
    assert starts[0] == starts[1]


@pytest.mark.parametrize(
    ("quirk", "part"),
    [
        ("leading-comma", '"sampledValue":[,{'),
        ("missing-value", '"transactionId":,'),
    ],
)
async def test_a_frame_is_broken(central, make_charger, quirk, part):
    charger = await make_charger(quirks=[quirk], is_strict=False)
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")

    await central.until(lambda c: any(part in text for text in c.frames))


async def test_frames_come_with_newlines(central, run_session):
    await run_session("pretty-frames")

    assert all("\n" in text for text in central.frames)


async def test_the_handshake_is_odd(central, make_charger):
    await make_charger(quirks=["double-slash", "no-subprotocol"])

    assert central.handshakes[0]["path"] == "//CP1"
    assert central.subprotocols == [None]


async def test_statuses_come_before_the_boot(central, make_charger):
    await make_charger(quirks=["status-before-boot"])

    assert [action for action, _ in central.calls[:3]] == [
        "StatusNotification",
        "StatusNotification",
        "BootNotification",
    ]


async def test_answers_are_wrong(central, make_charger):
    await make_charger(quirks=["unlock-accepted", "refuses-stop"], is_strict=False)

    assert await central.call("UnlockConnector", {"connectorId": 1}) == {"status": "Accepted"}
    assert await central.call("RemoteStopTransaction", {"transactionId": 7001}) == {"status": "Rejected"}


async def test_answers_come_late_or_never(central, make_charger, clock):
    await make_charger(quirks=["slow"], clock=clock)
    late = await central.ask("ClearCache", {})
    while clock.sleepers < 2:
        await asyncio.sleep(0)
    await clock.advance(4)
    is_early = late.done()

    await clock.advance(1)

    assert not is_early
    assert (await late)[2] == {"status": "Accepted"}


async def test_a_silent_charger_still_talks(central, make_charger, clock):
    charger = await make_charger(quirks=["silent"], clock=clock)
    unanswered = await central.ask("ClearCache", {})

    await charger.plug_in(1)
    await charger.until_status(1, "Preparing")

    assert not unanswered.done()


async def test_a_firmware_status_comes_ten_times(central, make_charger):
    await make_charger(quirks=["firmware-flood"])

    await central.ask("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})

    await central.until(lambda seen: len(seen.of("FirmwareStatusNotification")) == 10)


def test_every_quirk_is_seen_here():
    elsewhere = {
        "double-slash",
        "firmware-flood",
        "leading-comma",
        "missing-value",
        "no-samples",
        "no-subprotocol",
        "object-values",
        "pretty-frames",
        "refuses-stop",
        "silent",
        "slow",
        "status-before-boot",
        "unlock-accepted",
    }

    assert {*FIELDS, *SAMPLES, *COUNTS, *elsewhere} == set(QUIRKS)
