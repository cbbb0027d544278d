"""Our sidecar against an independent charge point, against our simulator, and against every defect it can play."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from simulator.charger import SimulatedCharger
from simulator.quirks import QUIRKS
from simulator.spec import charger_spec
from simulator.strict import SchemaCheck
from tests.interop.calls import CALLS
from tests.interop.rpc_client import RpcClient
from tests.interop.world import KEY, World
from tests.processes import Sidecar

CARD = "CARD1"
# Waits that a test need not have.
FAST = {"reconnect_min_s": 0.05, "reconnect_max_s": 0.2, "reboot_s": 0.05, "step_s": 0.01, "tick_s": 0.05}
CONFIGURATION = {"MeterValueSampleInterval": "1", "TransactionMessageRetryInterval": "0"}


@pytest.fixture
def world(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[World]:
    sidecar = Sidecar(database_url, tmp_path / "instance")
    sidecar.start()
    try:
        sidecar.wait_ready()
        yield World(engine, sidecar, tmp_path / "instance")
    finally:
        sidecar.stop()


def simulated(world: World, device_id: str, **fields: Any) -> SimulatedCharger:
    described = {"device_id": device_id, "password": KEY, "timing": FAST, "configuration": CONFIGURATION, **fields}
    return SimulatedCharger(charger_spec(described, world.sidecar.url), **fields.pop("extras", {}))


async def test_an_independent_strict_charge_point_has_no_complaint(world, charge_point_js):
    world.add_chargers({"INTEROP1": CARD})
    client = RpcClient(charge_point_js)

    await client.play(world.sidecar.url, "INTEROP1", KEY, CARD)
    outcomes = {}
    for action, payload in CALLS.items():
        outcomes[action] = await world.outcome(world.queue("INTEROP1", action, payload))
    report = await client.finish()

    [charged] = world.charging_sessions()["INTEROP1"]
    assert report["complaints"] == []
    assert set(report["answered"]) >= set(CALLS)
    assert outcomes == dict.fromkeys(CALLS, "accepted")
    assert (charged.transaction_id, charged.energy_wh) == (str(report["transactionId"]), 1500)


async def test_the_simulator_is_started_stopped_and_rebooted_from_afar(world):
    world.add_chargers({"SIM1": CARD})
    complaints: list[str] = []
    spec = charger_spec(
        {"device_id": "SIM1", "password": KEY, "timing": FAST, "behaviour": {"auto_plug": True, "plug_after_s": 0}},
        world.sidecar.url,
    )
    charger = SimulatedCharger(spec, watch=SchemaCheck(complaints.append))
    await charger.connect()
    await charger.until_status(1, "Available")

    started = await world.outcome(world.queue("SIM1", "RemoteStartTransaction", {"idTag": CARD, "connectorId": 1}))
    await charger.until_status(1, "Charging")
    stop = {"transactionId": charger.transaction_id(1)}
    stopped = await world.outcome(world.queue("SIM1", "RemoteStopTransaction", stop))
    await charger.until_status(1, "Finishing")
    reset = await world.outcome(world.queue("SIM1", "Reset", {"type": "Hard"}))
    await charger.until(lambda c: sum("boot Accepted" in text for _, text in c.happenings) == 2)
    await charger.stop()

    [charged] = world.charging_sessions()["SIM1"]
    assert complaints == []
    assert (started, stopped, reset) == ("accepted", "accepted", "accepted")
    assert (charged.status, charged.stop_reason) == ("completed", "Remote")


# How many sessions there are afterwards, and how the first one stands, where that is not one completed.
OTHERWISE = {"never-starts": (0, None), "missing-stop": (1, "active")}


async def test_no_defect_costs_a_session(world):
    cards = {quirk: f"CARD{number}" for number, quirk in enumerate(QUIRKS)}
    world.add_chargers({f"Q-{quirk}": card for quirk, card in cards.items()}, accepts_no_subprotocol=True)

    troubles = await asyncio.gather(*(trouble_with(world, quirk, card) for quirk, card in cards.items()))

    sessions = world.charging_sessions()
    kept = {quirk: sessions.get(f"Q-{quirk}", []) for quirk in QUIRKS}
    ends = {quirk: (len(rows), rows[0].status if rows else None) for quirk, rows in kept.items()}
    assert {quirk: lines for quirk, lines in zip(QUIRKS, troubles, strict=True) if lines} == {}
    assert ends == {quirk: OTHERWISE.get(quirk, (1, "completed")) for quirk in QUIRKS}


async def trouble_with(world: World, quirk: str, card: str) -> list[str]:
    """What went wrong in a session of a charger with that defect: lost sockets, refused CALLs, no progress."""
    charger = simulated(world, f"Q-{quirk}", quirks=[quirk])
    try:
        await charge_once(charger, card)
    except TimeoutError:
        return [text for _, text in charger.happenings] + [entry.action for entry in charger.outbox.entries]
    finally:
        await charger.stop()
    lines = [text for _, text in charger.happenings]
    refused = [line for line in lines if "Violation" in line or "NotImplemented" in line or "Error:" in line]
    lost = [line for line in lines[:-1] if "disconnected" in line or "cannot connect" in line]
    return lost + refused


async def charge_once(charger: SimulatedCharger, card: str) -> None:
    await charger.connect(timeout_s=30)
    await charger.plug_in(1)
    verdict = await charger.present_card(1, card)
    if verdict.is_accepted:
        await charger.until_status(1, "Charging", timeout_s=30)
        await charger.present_card(1, card)
    await charger.until(lambda c: not c.outbox.entries, timeout_s=30)
