"""The payloads that a charge point sends, built from facts."""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from simulator.connector import Connector, Transaction
from simulator.power import VOLTS, dc_volts
from simulator.wire import Payload

if TYPE_CHECKING:
    from simulator.spec import ChargerSpec

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Power.Offered",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "SoC",
    "Temperature",
)
# Inside of the cabinet; a simulated charger has no weather.
CABINET_CELSIUS = 31.0


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot_notification(spec: "ChargerSpec", firmware: str) -> Payload:
    return {
        "chargePointVendor": spec.vendor,
        "chargePointModel": spec.model,
        "chargePointSerialNumber": spec.serial,
        "chargeBoxSerialNumber": spec.serial,
        "firmwareVersion": firmware,
        "meterType": "Simulated meter",
    }


def status_notification(connector: Connector, at: datetime) -> Payload:
    payload: Payload = {
        "connectorId": connector.id,
        "status": connector.status,
        "errorCode": connector.error_code,
        "timestamp": stamp(at),
    }
    if connector.error_info:
        payload["info"] = connector.error_info
    return payload


def start_transaction(transaction: Transaction) -> Payload:
    payload: Payload = {
        "connectorId": transaction.connector_id,
        "idTag": transaction.id_tag,
        "meterStart": transaction.meter_start_wh,
        "timestamp": stamp(transaction.started_at),
    }
    if transaction.reservation_id is not None:
        payload["reservationId"] = transaction.reservation_id
    return payload


def stop_transaction(
    meter_stop_wh: int, at: datetime, reason: str, id_tag: str | None, transaction_data: list[Payload]
) -> Payload:
    """Everything but `transactionId`, which may become known only while the message waits."""
    payload: Payload = {"meterStop": meter_stop_wh, "timestamp": stamp(at), "reason": reason}
    if id_tag:
        payload["idTag"] = id_tag
    if transaction_data:
        payload["transactionData"] = transaction_data
    return payload


def meter_value(connector: Connector, at: datetime, context: str, measurands: list[str]) -> Payload:
    """One MeterValue; measurands that this connector lacks now (SoC without a car or on AC) are left out."""
    values = [value for name in measurands for value in _sampled(connector, name)]
    return {"timestamp": stamp(at), "sampledValue": [{**value, "context": context} for value in values]}


def register_value(meter_wh: int, at: datetime, context: str) -> Payload:
    return {"timestamp": stamp(at), "sampledValue": [{**_register(meter_wh), "context": context}]}


def security_event(kind: str, at: datetime, info: str = "") -> Payload:
    payload: Payload = {"type": kind, "timestamp": stamp(at)}
    return {**payload, "techInfo": info} if info else payload


def _register(meter_wh: int) -> Payload:
    return {
        "value": str(meter_wh),
        "format": "Raw",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "Wh",
    }


def _sampled(connector: Connector, measurand: str) -> list[Payload]:
    outlet, vehicle = connector.outlet, connector.vehicle
    if measurand == "Energy.Active.Import.Register":
        return [_register(connector.meter_wh)]
    if measurand == "Power.Active.Import":
        return [_value(measurand, f"{connector.power_w:.0f}", "W")]
    if measurand == "Power.Offered":
        return [_value(measurand, f"{_offered_w(connector):.0f}", "W")]
    if measurand == "Current.Offered":
        return [_value(measurand, f"{outlet.amps(_offered_w(connector)):.1f}", "A")]
    if measurand == "SoC":
        has_soc = vehicle is not None and outlet.kind == "DC"
        return [_value(measurand, str(math.floor(vehicle.soc * 100)), "Percent", location="EV")] if has_soc else []
    if measurand == "Temperature":
        return [_value(measurand, f"{CABINET_CELSIUS:.1f}", "Celsius", location="Body")]
    return _current(connector) if measurand == "Current.Import" else _voltage(connector)


def _offered_w(connector: Connector) -> float:
    limits = (connector.outlet.max_w, connector.limit_w)
    return min(limit for limit in limits if limit is not None)


def _volts(connector: Connector) -> float:
    if connector.outlet.kind == "DC":
        return dc_volts(connector.vehicle.soc) if connector.vehicle else 0.0
    return VOLTS


def _current(connector: Connector) -> list[Payload]:
    volts, phases = _volts(connector), connector.outlet.phases
    amps = f"{connector.power_w / volts / phases if volts else 0:.1f}"
    if phases == 1:
        return [_value("Current.Import", amps, "A")]
    return [_value("Current.Import", amps, "A", phase=f"L{n}") for n in range(1, phases + 1)]


def _voltage(connector: Connector) -> list[Payload]:
    volts, phases = f"{_volts(connector):.1f}", connector.outlet.phases
    if phases == 1:
        return [_value("Voltage", volts, "V")]
    return [_value("Voltage", volts, "V", phase=f"L{n}-N") for n in range(1, phases + 1)]


def _value(measurand: str, value: str, unit: str, *, location: str = "Outlet", phase: str | None = None) -> Payload:
    sampled = {"value": value, "format": "Raw", "measurand": measurand, "location": location, "unit": unit}
    return {**sampled, "phase": phase} if phase else sampled
