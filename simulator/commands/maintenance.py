"""Firmware Management profile: upgrades and diagnostics."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import orjson

from simulator.configuration import KEYS
from simulator.maintenance import Upgrade
from simulator.wire import Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger


def update_firmware(charger: "SimulatedCharger", payload: Payload) -> Reply:
    order = Upgrade(
        location=payload["location"],
        retrieve_at=datetime.fromisoformat(payload["retrieveDate"]),
        retries=payload.get("retries", 0),
        retry_interval_s=payload.get("retryInterval", 0),
    )
    return Reply({}, lambda: charger.maintenance.upgrade(order))


def get_diagnostics(charger: "SimulatedCharger", payload: Payload) -> Reply:
    file_name = file_name_of(charger, "diagnostics")
    body = diagnostics(charger, payload.get("startTime"), payload.get("stopTime"))
    upload = partial(
        charger.maintenance.upload_diagnostics,
        payload["location"],
        file_name,
        body,
        attempts=payload.get("retries", 0) + 1,
        wait_s=payload.get("retryInterval", 0),
    )
    return Reply({"fileName": file_name}, lambda: charger.spawn(upload()))


def file_name_of(charger: "SimulatedCharger", kind: str) -> str:
    return f"{kind}-{charger.spec.device_id}-{charger.clock.now():%Y%m%dT%H%M%S}.txt"


def diagnostics(charger: "SimulatedCharger", since: str | None, until: str | None) -> bytes:
    """What the charger knows of itself and what happened in the window, as text."""
    about = {
        "device_id": charger.spec.device_id,
        "vendor": charger.spec.vendor,
        "model": charger.spec.model,
        "firmware": charger.firmware,
        "connectors": {str(c.id): {"status": c.status, "meter_wh": c.meter_wh} for c in charger.connectors.values()},
        "configuration": {name: charger.configuration.text(name) for name in KEYS if name != "AuthorizationKey"},
    }
    lines = between(charger.happenings, since, until)
    return orjson.dumps(about, option=orjson.OPT_INDENT_2) + ("\n\n" + "\n".join(lines) + "\n").encode()


def between(happenings: Iterable[tuple[datetime, str]], since: str | None, until: str | None) -> list[str]:
    first = datetime.fromisoformat(since) if since else None
    last = datetime.fromisoformat(until) if until else None
    return [text for at, text in happenings if (first is None or at >= first) and (last is None or at <= last)]
