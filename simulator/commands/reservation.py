"""Reservation profile."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from simulator import charging
from simulator.connector import Connector, Reservation
from simulator.wire import Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

# What a reservation is refused with, by the connector's status; the rest is Occupied.
REFUSALS = {"Faulted": "Faulted", "Unavailable": "Unavailable"}


def reserve_now(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    """Source: OCPP 1.6, section 5.13. The same reservation id replaces; connector 0 keeps any one connector free."""
    place = _place(charger, payload["connectorId"])
    expires_at = datetime.fromisoformat(payload["expiryDate"])
    if place is None or expires_at <= charger.clock.now():
        return {"status": "Rejected"}
    reservation = Reservation(payload["reservationId"], payload["idTag"], expires_at, payload.get("parentIdTag"))
    refusal = _refusal(charger, place, reservation.id)
    if refusal:
        return {"status": refusal}
    for other in charger.places:
        if other.reservation and other.reservation.id == reservation.id:
            other.reservation = None
    place.reservation = reservation
    return Reply({"status": "Accepted"}, partial(_refresh_all, charger))


def cancel_reservation(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    for place in charger.places:
        if place.reservation and place.reservation.id == payload["reservationId"]:
            place.reservation = None
            return Reply({"status": "Accepted"}, partial(_refresh_all, charger))
    return {"status": "Rejected"}


def _place(charger: "SimulatedCharger", connector_id: int) -> Connector | None:
    return charger.cabinet if connector_id == 0 else charger.connectors.get(connector_id)


def _refusal(charger: "SimulatedCharger", place: Connector, reservation_id: int) -> str | None:
    if place.reservation:
        return None if place.reservation.id == reservation_id else "Occupied"
    candidates = charger.connectors.values() if place is charger.cabinet else [place]
    statuses = [candidate.status for candidate in candidates]
    if "Available" in statuses:
        return None
    return REFUSALS.get(statuses[0], "Occupied")


def _refresh_all(charger: "SimulatedCharger") -> None:
    for place in charger.places:
        charging.refresh(charger, place)
