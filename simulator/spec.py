"""What a simulated charger is made of: identity, connectors, behaviour, timing. Read from JSON or made in code."""

import dataclasses
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.power import Outlet
from simulator.quirks import QUIRKS

# 32 A on one phase.
SINGLE_PHASE_KW = 7.4


class BadSpec(Exception):
    """A charger's description cannot be used; the message says which field."""


@dataclass(frozen=True)
class ConnectorSpec:
    max_kw: float = 22.0
    kind: str = "AC"
    # Lifetime register at the start; None picks one by the device id.
    meter_wh: int | None = None
    is_tethered: bool = False

    @property
    def outlet(self) -> Outlet:
        phases = 1 if self.kind == "DC" or self.max_kw <= SINGLE_PHASE_KW else 3
        return Outlet(self.kind, self.max_kw * 1000, phases)


@dataclass(frozen=True)
class Behaviour:
    """What people and fate do at this charger. Mean times are of exponential waits; 0 switches a thing off."""

    # A car is at these connectors from the start.
    plugged: tuple[int, ...] = ()
    # A car comes as soon as somebody starts a connector from afar, and leaves after the session.
    auto_plug: bool = False
    plug_after_s: float = 2.0
    unplug_after_s: float = 20.0
    # People with cards come by themselves.
    cards: tuple[str, ...] = ()
    arrival_mean_s: float = 0.0
    stay_mean_s: float = 1800.0
    # Trouble.
    fault_mean_s: float = 0.0
    fault_s: float = 60.0
    offline_mean_s: float = 0.0
    offline_s: float = 45.0
    # Outcomes of maintenance: "ok", or the failing OCPP status to report. Of an upgrade also "lies" (says Installed
    # and boots the old firmware), "quiet" (boots the new one without saying Installed), "silent" (says nothing more).
    firmware: str = "ok"
    # Firmware is fetched in ranges of this size; 0: in one piece.
    firmware_piece_bytes: int = 0
    upload: str = "ok"
    unlock: str = "Unlocked"


@dataclass(frozen=True)
class Timing:
    call_timeout_s: float = 30.0
    reconnect_min_s: float = 1.0
    reconnect_max_s: float = 60.0
    reboot_s: float = 5.0
    # Between two statuses of a firmware upgrade or upload, so that people can watch.
    step_s: float = 3.0
    tick_s: float = 1.0


@dataclass(frozen=True)
class ChargerSpec:
    url: str
    device_id: str
    password: str | None = None
    # The password's hexadecimal digits stand for the raw bytes to send (white paper, "AuthorizationKey").
    password_is_hex: bool = False
    vendor: str = "Voltdesk"
    model: str = "Simulated AC22"
    serial: str = ""
    firmware: str = "1.0.0"
    connectors: tuple[ConnectorSpec, ...] = (ConnectorSpec(),)
    behaviour: Behaviour = field(default_factory=Behaviour)
    timing: Timing = field(default_factory=Timing)
    # Configuration keys that differ from the factory's.
    configuration: Mapping[str, str] = field(default_factory=dict)
    quirks: tuple[str, ...] = ()
    # Physics run this many times faster than the clock.
    speed: float = 1.0
    # BootNotification, StatusNotification again on every reconnect, as many real chargers do.
    boots_on_reconnect: bool = False

    def __post_init__(self) -> None:
        if not self.serial:
            object.__setattr__(self, "serial", f"SIM{zlib.crc32(self.device_id.encode()):010d}")


def charger_spec(described: Mapping[str, Any], url: str) -> ChargerSpec:
    """The description of one charger as in a `--chargers` file. Raises: BadSpec."""
    fields = {"url": url, **described}
    if not fields.get("device_id"):
        raise BadSpec("a charger needs a device_id")
    connectors = tuple(_made(ConnectorSpec, entry) for entry in fields.get("connectors") or [{}])
    for connector in connectors:
        if connector.kind not in ("AC", "DC"):
            raise BadSpec(f"{fields['device_id']}: a connector's kind is AC or DC, not {connector.kind!r}")
    if strange := sorted(set(fields.get("quirks", ())) - set(QUIRKS)):
        raise BadSpec(f"no quirk {', '.join(strange)}; known are {', '.join(QUIRKS)}")
    behaviour = _made(Behaviour, {name: _frozen(value) for name, value in fields.get("behaviour", {}).items()})
    return _made(
        ChargerSpec,
        {
            **fields,
            "connectors": connectors,
            "behaviour": behaviour,
            "timing": _made(Timing, fields.get("timing", {})),
            "quirks": tuple(fields.get("quirks", ())),
            "configuration": {name: str(value) for name, value in fields.get("configuration", {}).items()},
        },
    )


def _made(kind: Any, fields: Mapping[str, Any]) -> Any:
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(set(fields) - known):
        raise BadSpec(f"unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return kind(**fields)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
