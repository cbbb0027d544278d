"""What a charger sends when it does what it was asked for: the effect behind an accepted command."""

import json
from typing import Any

# The message whose arrival shows the effect. TriggerMessage names its own.
_AWAITED = {
    "Reset": "BootNotification",
    "RemoteStartTransaction": "StartTransaction",
    "RemoteStopTransaction": "StopTransaction",
    "ChangeAvailability": "StatusNotification",
    "UnlockConnector": "StatusNotification",
    "ReserveNow": "StatusNotification",
    "UpdateFirmware": "FirmwareStatusNotification",
    "SignedUpdateFirmware": "SignedFirmwareStatusNotification",
    "GetDiagnostics": "DiagnosticsStatusNotification",
    "GetLog": "LogStatusNotification",
}
_TRIGGERS = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})
# ExtendedTriggerMessage's words for messages of another name.
_TRIGGERED = {
    "SignChargePointCertificate": "SignCertificate",
    "FirmwareStatusNotification": "SignedFirmwareStatusNotification",
}

_UNDER_WAY = frozenset(
    {
        "Downloading",
        "Downloaded",
        "Installing",
        "Uploading",
        "DownloadScheduled",
        "DownloadPaused",
        "InstallRebooting",
        "InstallScheduled",
        "SignatureVerified",
    }
)


def awaited(action: str, payload: dict[str, Any]) -> str | None:
    """The message that will show the effect of that command, if any does."""
    if action not in _TRIGGERS:
        return _AWAITED.get(action)
    asked: str = payload["requestedMessage"]
    return _TRIGGERED.get(asked, asked) if action == "ExtendedTriggerMessage" else asked


def seen(action: str, sent: str, message: dict[str, Any]) -> str | None:
    """What was seen, in a few words, if that message shows the effect of that command.

    Args:
        action: the command's.
        sent: the command's payload, JSON.
        message: the payload of the awaited message that came.
    """
    asked = json.loads(sent)
    look = _SEEN.get(action)
    return look(asked, message) if look else "message received"


def is_going_on(action: str, message: dict[str, Any]) -> bool:
    """Whether more is to come after that message: a download that began will end, well or not."""
    return _SEEN.get(action) is _progress and message.get("status") in _UNDER_WAY


def _booted(_asked: dict[str, Any], _message: dict[str, Any]) -> str | None:
    return "booted"


def _started(asked: dict[str, Any], message: dict[str, Any]) -> str | None:
    tag = str(message.get("idTag", "")).upper()
    # Some chargers append their serial number to the tag (quirk C7).
    if not tag.startswith(str(asked["idTag"]).upper()):
        return None
    return f"charging on connector {message.get('connectorId')}"


def _stopped(asked: dict[str, Any], message: dict[str, Any]) -> str | None:
    return "charging stopped" if message.get("transactionId") == asked["transactionId"] else None


def _availability(asked: dict[str, Any], message: dict[str, Any]) -> str | None:
    status = message.get("status")
    if asked["connectorId"] not in (0, message.get("connectorId")):
        return None
    if (status == "Unavailable") != (asked["type"] == "Inoperative"):
        return None
    return f"connector {message.get('connectorId')} is {status}"


def _status_of_connector(asked: dict[str, Any], message: dict[str, Any]) -> str | None:
    if message.get("connectorId") != asked["connectorId"]:
        return None
    return f"connector {message.get('connectorId')} is {message.get('status')}"


def _reserved(asked: dict[str, Any], message: dict[str, Any]) -> str | None:
    return _status_of_connector(asked, message) if message.get("status") == "Reserved" else None


def _progress(_asked: dict[str, Any], message: dict[str, Any]) -> str | None:
    status = message.get("status")
    return None if status == "Idle" else str(status)


_SEEN = {
    "Reset": _booted,
    "RemoteStartTransaction": _started,
    "RemoteStopTransaction": _stopped,
    "ChangeAvailability": _availability,
    "UnlockConnector": _status_of_connector,
    "ReserveNow": _reserved,
    "UpdateFirmware": _progress,
    "SignedUpdateFirmware": _progress,
    "GetDiagnostics": _progress,
    "GetLog": _progress,
}
