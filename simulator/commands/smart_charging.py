"""Smart Charging profile: limits come, go, and are reported."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from simulator import charging
from simulator.connector import Connector
from simulator.profiles import PURPOSES, Installed
from simulator.wire import Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


def set_charging_profile(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    new = Installed(payload["connectorId"], payload["csChargingProfiles"], charger.clock.now())
    if not _is_acceptable(charger, new):
        return REJECTED
    charger.profiles.install(new)
    charger.note(f"{new.purpose} at stack level {new.profile['stackLevel']} installed", _place(charger, new))
    return Reply(ACCEPTED, partial(apply_limits, charger))


def clear_charging_profile(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    """Source: OCPP 1.6, section 5.4: an id clears just that one, otherwise all that match the rest."""

    def is_cleared(installed: Installed) -> bool:
        if "id" in payload:
            return installed.profile["chargingProfileId"] == payload["id"]
        wanted = (
            ("connectorId", installed.connector_id),
            ("chargingProfilePurpose", installed.purpose),
            ("stackLevel", installed.profile["stackLevel"]),
        )
        return all(payload.get(name, value) == value for name, value in wanted)

    if not charger.profiles.clear(is_cleared):
        return {"status": "Unknown"}
    return Reply(ACCEPTED, partial(apply_limits, charger))


def get_composite_schedule(charger: "SimulatedCharger", payload: Payload) -> Payload:
    connector_id, now = payload["connectorId"], charger.clock.now()
    if connector_id != 0 and connector_id not in charger.connectors:
        return REJECTED
    place = charger.places[connector_id]
    unit = payload.get("chargingRateUnit", "W")
    schedule = charger.profiles.composite(place, charger.cabinet, now, payload["duration"], unit)
    return {
        "status": "Accepted",
        "connectorId": connector_id,
        "scheduleStart": schedule["startSchedule"],
        "chargingSchedule": schedule,
    }


def apply_limits(charger: "SimulatedCharger") -> None:
    for connector in charger.connectors.values():
        charging.flow(charger, connector, 0)
        charging.refresh(charger, connector)


def is_usable(charger: "SimulatedCharger", profile: Payload) -> bool:
    """Whether the schedule itself can be followed: its level, its number of periods, their order, its times."""
    schedule = profile["chargingSchedule"]
    periods = schedule["chargingSchedulePeriod"]
    starts = [period["startPeriod"] for period in periods]
    for text in (profile.get("validFrom"), profile.get("validTo"), schedule.get("startSchedule")):
        if text is not None:
            datetime.fromisoformat(text)
    is_whole = profile["chargingProfileKind"] != "Recurring" or "recurrencyKind" in profile
    return (
        profile["chargingProfilePurpose"] in PURPOSES
        and 0 <= profile["stackLevel"] <= charger.configuration.number("ChargeProfileMaxStackLevel")
        and 1 <= len(periods) <= charger.configuration.number("ChargingScheduleMaxPeriods")
        and starts == sorted(starts)
        and starts[0] == 0
        and is_whole
    )


def _is_acceptable(charger: "SimulatedCharger", new: Installed) -> bool:
    connector_id = new.connector_id
    if connector_id != 0 and connector_id not in charger.connectors:
        return False
    if not is_usable(charger, new.profile):
        return False
    if len(charger.profiles.installed) >= charger.configuration.number("MaxChargingProfilesInstalled"):
        return False
    if new.purpose == "ChargePointMaxProfile":
        return connector_id == 0
    return new.purpose == "TxDefaultProfile" or _is_of_its_transaction(charger, new)


def _is_of_its_transaction(charger: "SimulatedCharger", new: Installed) -> bool:
    connector = charger.connectors.get(new.connector_id)
    if connector is None or connector.transaction is None:
        return False
    running = connector.transaction.id
    return new.profile.get("transactionId", running) == running


def _place(charger: "SimulatedCharger", installed: Installed) -> Connector | None:
    return charger.connectors.get(installed.connector_id)
