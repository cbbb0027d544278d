"""Switching on and off: the BootNotification, a reboot, hanging up."""

from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection

from simulator import charging, messages
from simulator.wire import CallRefused, Unanswered

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger


async def boot(charger: "SimulatedCharger") -> float:
    """One BootNotification was answered; returns after how many seconds to try again if it was not accepted."""
    retry_s = charger.spec.timing.reconnect_max_s
    try:
        answer = await charger.call(
            "BootNotification", messages.boot_notification(charger.spec, charger.firmware), is_early=True
        )
    except (CallRefused, Unanswered):
        return retry_s
    interval_s = answer.get("interval", 0)
    charger.note(f"boot {answer['status']}, interval {interval_s} s")
    if answer["status"] == "Accepted":
        if interval_s > 0:
            charger.configuration.changed["HeartbeatInterval"] = str(interval_s)
        charger.accept()
    return float(interval_s or retry_s)


async def reboot(charger: "SimulatedCharger", reason: str) -> None:
    """Transactions are ended with `reason`, the connection is gone, and the charger boots after its pause.

    A soft reset first delivers the stops; a hard one leaves them for after the boot.
    """
    for connector in charger.connectors.values():
        charging.end(charger, connector, reason)
        connector.authorisation = None
    if reason != "HardReset":
        await charger.delivered(within_s=charger.spec.timing.call_timeout_s)
    charger.note("reboots")
    charger.is_accepted = False
    charger.pause_s = charger.spec.timing.reboot_s
    await hang_up(charger.socket, is_abrupt=reason == "HardReset")


async def hang_up(socket: ClientConnection | None, *, is_abrupt: bool) -> None:
    if socket is None:
        return
    if is_abrupt:
        socket.transport.abort()
    else:
        await socket.close()
