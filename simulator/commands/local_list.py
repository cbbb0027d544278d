"""Local Auth List Management profile."""

from typing import TYPE_CHECKING

from simulator.wire import Payload

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

LIST_IS_OFF = -1


def get_local_list_version(charger: "SimulatedCharger", _payload: Payload) -> Payload:
    is_on = charger.configuration.is_on("LocalAuthListEnabled")
    return {"listVersion": charger.tokens.list_version if is_on else LIST_IS_OFF}


def send_local_list(charger: "SimulatedCharger", payload: Payload) -> Payload:
    """Source: OCPP 1.6, section 5.15. A differential entry without idTagInfo removes its token."""
    if not charger.configuration.is_on("LocalAuthListEnabled"):
        return {"status": "NotSupported"}
    version, entries = payload["listVersion"], payload.get("localAuthorizationList", [])
    is_full = {"Full": True, "Differential": False}[payload["updateType"]]
    if not is_full and version <= charger.tokens.list_version:
        return {"status": "VersionMismatch"}
    listed = {} if is_full else dict(charger.tokens.listed)
    for entry in entries:
        if "idTagInfo" in entry:
            listed[entry["idTag"]] = entry["idTagInfo"]
        else:
            listed.pop(entry["idTag"], None)
    is_too_long = len(entries) > charger.configuration.number("SendLocalListMaxLength")
    if is_too_long or len(listed) > charger.configuration.number("LocalAuthListMaxLength"):
        return {"status": "Failed"}
    charger.tokens.listed, charger.tokens.list_version = listed, version
    charger.note(f"local list version {version}, {len(listed)} tokens")
    return {"status": "Accepted"}
