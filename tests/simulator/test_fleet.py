"""The command line: many chargers, files, scripts, and a clean end."""

import asyncio
import json
import signal
import sys

import pytest

from simulator.fleet import main


async def simulate(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )


async def test_hundreds_connect_and_end_cleanly(central, tmp_path):
    process = await simulate("--url", central.url, "--count", 200, "--prefix", "X-", "--password", "p", "--quiet")

    await central.until(lambda c: len(c.of("BootNotification")) == 200, timeout_s=30)
    process.send_signal(signal.SIGTERM)
    await process.communicate()

    assert process.returncode == 0
    assert {shake["path"] for shake in central.handshakes} == {f"/X-{number:04d}" for number in range(1, 201)}


async def test_a_sigterm_ends_the_transactions(central, tmp_path):
    process = await simulate("--url", central.url, "--device-id", "CP1", "--auto-plug")
    await central.until(lambda c: "Available" in c.statuses(1))
    await central.call("RemoteStartTransaction", {"idTag": "PAID", "connectorId": 1})
    await central.until(lambda c: "Charging" in c.statuses(1))

    process.send_signal(signal.SIGTERM)
    printed, _ = await process.communicate()

    assert process.returncode == 0
    assert central.of("StopTransaction")[0]["reason"] == "PowerLoss"
    assert b"CP1 #1 Charging" in printed


async def test_a_script_is_played(central, tmp_path):
    chargers, steps = tmp_path / "chargers.json", tmp_path / "steps.json"
    chargers.write_text(json.dumps([{"device_id": "CP1", "connectors": [{"meter_wh": 5}]}]))
    steps.write_text(
        json.dumps(
            [
                ["until_status", 1, "Available"],
                ["plug_in", 1],
                ["present_card", 1, "TAG1"],
                ["until_status", 1, "Charging"],
                ["unplug", 1],
                ["delivered"],
            ]
        )
    )

    process = await simulate("--url", central.url, "--chargers", chargers, "--script", steps, "--strict")
    await process.communicate()

    assert process.returncode == 0
    assert [(stop["reason"], stop["meterStop"]) for stop in central.of("StopTransaction")] == [("EVDisconnected", 5)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[{}]", "needs a device_id"),
        ('[{"device_id": "A", "colour": 1}]', "unknown field colour"),
        ('[{"device_id": "A", "connectors": [{"kind": "XC"}]}]', "AC or DC, not 'XC'"),
        ('[{"device_id": "A", "quirks": ["charming"]}]', "no quirk charming"),
        ("[", "unexpected"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path, capsys, content, complaint):
    chargers = tmp_path / "chargers.json"
    chargers.write_text(content)

    code = main(["--chargers", str(chargers)])

    assert code == 2
    assert complaint in capsys.readouterr().err


def test_without_chargers_it_says_what_is_missing(capsys):
    code = main([])

    assert code == 2
    assert "--device-id" in capsys.readouterr().err


def test_the_quirks_are_listed(capsys):
    code = main(["--list-quirks"])

    assert code == 0
    assert "duplicate-start" in capsys.readouterr().out
