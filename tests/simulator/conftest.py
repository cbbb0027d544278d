"""A fake central system, and chargers at it whose messages are all checked against the OCPP schemas."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulator.charger import SimulatedCharger
from simulator.clock import HandClock
from simulator.spec import charger_spec
from simulator.strict import SchemaCheck
from tests.simulator.central import Central

FAST = {"reconnect_min_s": 0.01, "reconnect_max_s": 0.02, "reboot_s": 0.01, "step_s": 0.01}
MakeCharger = Callable[..., Awaitable[SimulatedCharger]]


@pytest.fixture
async def central() -> AsyncIterator[Central]:
    central = Central()
    await central.start()
    yield central
    await central.stop()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2025, 6, 2, 10, 0, tzinfo=UTC))


@pytest.fixture
async def make_charger(central: Central) -> AsyncIterator[MakeCharger]:
    chargers: list[SimulatedCharger] = []
    complaints: list[str] = []

    async def make(
        *,
        clock: Any = None,
        is_strict: bool = True,
        connects: bool = True,
        state_folder: Path | None = None,
        **fields: Any,
    ) -> Any:
        described = {
            "device_id": "CP1",
            "connectors": [{"meter_wh": 1000, "max_kw": 11}],
            **fields,
            "timing": {**FAST, **fields.get("timing", {})},
        }
        watch = {"watch": SchemaCheck(complaints.append)} if is_strict else {}
        charger = SimulatedCharger(
            charger_spec(described, central.url), clock=clock, state_folder=state_folder, **watch
        )
        chargers.append(charger)
        if connects:
            await charger.connect()
        return charger

    yield make
    for charger in chargers:
        await charger.stop()
    assert complaints == []
