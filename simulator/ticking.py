"""What time does to a charger, a step at a time: energy flows, things fall due."""

from typing import TYPE_CHECKING

from simulator import charging
from simulator.connector import Connector
from simulator.wire import Payload

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger


def tick(charger: "SimulatedCharger", seconds: float) -> None:
    """`seconds` have passed."""
    if not charger.is_powered:
        return
    for connector in charger.connectors.values():
        charging.flow(charger, connector, seconds * charger.spec.speed)
        _sample_if_due(charger, connector)
        _expire(charger, connector)
        charging.refresh(charger, connector)
    _expire(charger, charger.cabinet)
    _sample_by_the_clock(charger, seconds)
    _heartbeat_if_due(charger)


def _sample_if_due(charger: "SimulatedCharger", connector: Connector) -> None:
    interval_s = charger.configuration.number("MeterValueSampleInterval")
    is_due = charger.clock.elapsed_s() - connector.last_sample_s >= interval_s
    if connector.transaction and interval_s and is_due:
        charging.sample(charger, connector, "Sample.Periodic")


def _sample_by_the_clock(charger: "SimulatedCharger", seconds: float) -> None:
    interval_s = charger.configuration.number("ClockAlignedDataInterval")
    if interval_s and charger.clock.now().timestamp() % interval_s < seconds:
        for connector in charger.connectors.values():
            charging.sample(charger, connector, "Sample.Clock", "MeterValuesAlignedData")


def _expire(charger: "SimulatedCharger", connector: Connector) -> None:
    if connector.authorisation and charger.clock.elapsed_s() >= connector.authorisation.expires_s:
        connector.authorisation = None
        charger.note("nobody plugged in, the authorisation is over", connector)
    if connector.reservation and charger.clock.now() >= connector.reservation.expires_at:
        connector.reservation = None
        charger.note("the reservation is over", connector)


def _heartbeat_if_due(charger: "SimulatedCharger") -> None:
    interval_s = charger.configuration.number("HeartbeatInterval")
    is_due = charger.clock.elapsed_s() - charger.last_heartbeat_s >= interval_s
    if interval_s and is_due and charger.is_online and charger.is_accepted and not charger.is_heartbeat_waiting:
        charger.is_heartbeat_waiting = True

        def beat(_outcome: Payload | Exception) -> None:
            charger.is_heartbeat_waiting = False
            charger.last_heartbeat_s = charger.clock.elapsed_s()

        charger.post("Heartbeat", {}, beat)
