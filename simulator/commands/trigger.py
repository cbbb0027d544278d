"""Remote Trigger profile and its extension: a message out of turn."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from simulator import boot, charging, messages
from simulator.commands import security
from simulator.wire import Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

Trigger = Callable[["SimulatedCharger", list[int]], None]


def trigger_message(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    """Source: OCPP 1.6, section 5.17. Without a connector, connector messages are sent for all."""
    return _reply(charger, payload, TRIGGERS)


def extended_trigger_message(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    if payload["requestedMessage"] == "SignChargePointCertificate":
        security.load_certificates()
    return _reply(charger, payload, EXTENDED_TRIGGERS)


def _reply(charger: "SimulatedCharger", payload: Payload, triggers: dict[str, Trigger]) -> Payload | Reply:
    trigger = triggers.get(payload["requestedMessage"])
    if trigger is None:
        return {"status": "NotImplemented"}
    connector_id = payload.get("connectorId")
    known = range(len(charger.places))
    if connector_id is not None and connector_id not in known:
        return {"status": "Rejected"}
    wanted = list(known) if connector_id is None else [connector_id]
    return Reply({"status": "Accepted"}, partial(trigger, charger, wanted))


def _boot(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    async def boot_once() -> None:
        await boot.boot(charger)

    charger.spawn(boot_once())


def _heartbeat(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    charger.post("Heartbeat", {}, is_early=True)


def _meter_values(charger: "SimulatedCharger", wanted: list[int]) -> None:
    for connector_id in wanted:
        if connector_id in charger.connectors:
            charging.sample(charger, charger.connectors[connector_id], "Trigger")


def _status(charger: "SimulatedCharger", wanted: list[int]) -> None:
    for connector_id in wanted:
        status = messages.status_notification(charger.places[connector_id], charger.clock.now())
        charger.post("StatusNotification", status, is_early=True)


def _diagnostics_status(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    charger.post("DiagnosticsStatusNotification", {"status": charger.maintenance.diagnostics_status}, is_early=True)


def _firmware_status(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    charger.post("FirmwareStatusNotification", {"status": charger.maintenance.firmware_status}, is_early=True)


def _signed_firmware_status(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    charger.post("SignedFirmwareStatusNotification", charger.maintenance.signed_firmware_report, is_early=True)


def _log_status(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    charger.post("LogStatusNotification", charger.maintenance.log_report, is_early=True)


def _sign_certificate(charger: "SimulatedCharger", _wanted: list[int]) -> None:
    security.ask_for_certificate(charger)


_ALWAYS: dict[str, Trigger] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "MeterValues": _meter_values,
    "StatusNotification": _status,
}
TRIGGERS: dict[str, Trigger] = {
    **_ALWAYS,
    "DiagnosticsStatusNotification": _diagnostics_status,
    "FirmwareStatusNotification": _firmware_status,
}
EXTENDED_TRIGGERS: dict[str, Trigger] = {
    **_ALWAYS,
    "FirmwareStatusNotification": _signed_firmware_status,
    "LogStatusNotification": _log_status,
    "SignChargePointCertificate": _sign_certificate,
}
