"""Core profile: start and stop from afar, availability, configuration, reset, unlock."""

from functools import partial
from typing import TYPE_CHECKING

from simulator import boot, charging, tokens
from simulator.commands.smart_charging import is_usable
from simulator.connector import Authorisation, Connector
from simulator.wire import CallRefused, Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


def remote_start_transaction(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    """Source: OCPP 1.6, section 5.11."""
    id_tag, connector_id = payload["idTag"], payload.get("connectorId")
    profile = payload.get("chargingProfile")
    if profile and not (profile["chargingProfilePurpose"] == "TxProfile" and is_usable(charger, profile)):
        return REJECTED
    if not charger.is_accepted or connector_id == 0:
        return REJECTED
    wanted = charger.connectors.values() if connector_id is None else [charger.connectors.get(connector_id)]
    usable = [c for c in wanted if c and c.is_operative and charging.may_use(charger, c, id_tag)]
    if not usable:
        return REJECTED
    connector = max(usable, key=lambda c: c.vehicle is not None)
    return Reply(ACCEPTED, lambda: charger.spawn(_start_from_afar(charger, connector, payload)))


async def _start_from_afar(charger: "SimulatedCharger", connector: Connector, payload: Payload) -> None:
    id_tag, parent = payload["idTag"], None
    charger.note(f"started from afar for {id_tag}", connector)
    if charger.configuration.is_on("AuthorizeRemoteTxRequests"):
        verdict = await tokens.authorise(charger, id_tag)
        parent = verdict.parent_id_tag
        if not verdict.is_accepted:
            charger.note(f"{id_tag} is {verdict.status}", connector)
            return
    if charging.may_use(charger, connector, id_tag, parent):
        profile = payload.get("chargingProfile")
        authorisation = Authorisation(id_tag, charger.connection_timeout_s(), parent, profile)
        charging.authorise(charger, connector, authorisation)
        charger.people.remote_start(connector)


def remote_stop_transaction(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    wanted = payload["transactionId"]
    for connector in charger.connectors.values():
        if connector.transaction and connector.transaction.id == wanted:
            return Reply(ACCEPTED, partial(charging.end, charger, connector, "Remote"))
    return REJECTED


def reset(charger: "SimulatedCharger", payload: Payload) -> Reply:
    reason = {"Soft": "SoftReset", "Hard": "HardReset"}[payload["type"]]
    return Reply(ACCEPTED, lambda: charger.spawn(boot.reboot(charger, reason)))


def change_availability(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    """Source: OCPP 1.6, section 5.2: a connector with a transaction changes when that ends."""
    is_operative = {"Operative": True, "Inoperative": False}[payload["type"]]
    connector_id = payload["connectorId"]
    if connector_id != 0 and connector_id not in charger.connectors:
        return REJECTED
    places = charger.places if connector_id == 0 else [charger.connectors[connector_id]]
    busy = [place for place in places if place.transaction]
    for place in places:
        place.scheduled_operative = is_operative if place in busy else None
        place.is_operative = place.is_operative if place in busy else is_operative
    answer = {"status": "Scheduled"} if busy else ACCEPTED
    return Reply(answer, lambda: [charging.refresh(charger, place) for place in places])


def unlock_connector(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    connector = charger.connectors.get(payload["connectorId"])
    if connector is None or connector.is_tethered:
        return {"status": "NotSupported"}
    unlocked = charger.spec.behaviour.unlock
    if unlocked != "Unlocked":
        return {"status": unlocked}
    return Reply({"status": unlocked}, lambda: charging.end(charger, connector, "UnlockCommand"))


def change_configuration(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    key, value = payload["key"], payload["value"]
    status = charger.configuration.change(key, value)
    charger.note(f"configuration {key} {status}")
    if key == "AuthorizationKey" and status == "Accepted":
        return Reply({"status": status}, lambda: charger.spawn(charger.change_password(value)))
    return {"status": status}


def get_configuration(charger: "SimulatedCharger", payload: Payload) -> Payload:
    return charger.configuration.listed(payload.get("key", []))


def clear_cache(charger: "SimulatedCharger", _payload: Payload) -> Payload:
    if not charger.configuration.is_on("AuthorizationCacheEnabled"):
        return REJECTED
    charger.tokens.cached.clear()
    return ACCEPTED


def data_transfer(charger: "SimulatedCharger", payload: Payload) -> Payload:
    """Our own vendor's `Echo` comes back; nothing else is known."""
    if payload["vendorId"] != charger.spec.vendor:
        return {"status": "UnknownVendorId"}
    if payload.get("messageId") != "Echo":
        return {"status": "UnknownMessageId"}
    data = payload.get("data", "")
    if not isinstance(data, str):
        raise CallRefused("TypeConstraintViolation", "data is a text in 1.6")
    return {"status": "Accepted", "data": data}
