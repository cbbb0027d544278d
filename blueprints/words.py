"""The words of states as people read them, each with its tone and icon. Never colour alone."""

from typing import NamedTuple


class Look(NamedTuple):
    """Tone is a token of app.css: ok, busy, warn, bad, off."""

    tone: str
    icon: str


UNKNOWN = Look("off", "circle-dashed")

_OK = Look("ok", "circle-check")
_WAITING = Look("warn", "clock")
_FAILED = Look("bad", "circle-x")
_DONE_OFF = Look("off", "circle-check")

LOOKS = {
    # connectors and chargers
    "Available": _OK,
    "Open": _OK,
    "Online": _OK,
    "Preparing": Look("warn", "plug"),
    "Charging": Look("busy", "bolt"),
    "Paused by car": Look("busy", "player-pause"),
    "Paused by charger": Look("busy", "player-pause"),
    "Finishing": Look("warn", "hourglass"),
    "Reserved": Look("busy", "calendar"),
    "Unavailable": Look("off", "circle-x"),
    "Faulted": Look("bad", "alert-triangle"),
    "Offline": Look("off", "wifi-off"),
    "Late": Look("off", "clock"),
    "Never connected": Look("off", "plug"),
    "Retired": Look("off", "lock"),
    "Closed": Look("off", "lock"),
    "Unknown": UNKNOWN,
    # firmware
    "No upgrade required": _DONE_OFF,
    "Not known yet": UNKNOWN,
    "Upgradeable": Look("warn", "cloud-upload"),
    "Upgrading": Look("busy", "cloud-upload"),
    "Upgrade Failed": _FAILED,
    "Published": _OK,
    "Withdrawn": Look("off", "circle-x"),
    "Needs agreement": Look("warn", "users"),
    "Paused": Look("off", "player-pause"),
    "Stopped": Look("bad", "square"),
    "Done": _DONE_OFF,
    "Installed": _OK,
    # imports
    "Checked": Look("warn", "eye"),
    "Importing": Look("busy", "upload"),
    "Imported": _OK,
    "Partly imported": Look("warn", "upload"),
    "Undoing": Look("busy", "arrow-back-up"),
    "Undone": Look("off", "arrow-back-up"),
    "Partly undone": Look("off", "arrow-back-up"),
    # commands
    "Queued": Look("off", "clock"),
    "Sent": Look("busy", "send"),
    "Accepted": _OK,
    "Rejected": _FAILED,
    "Timed out": Look("warn", "hourglass"),
    "Expired": Look("off", "hourglass"),
    "Effect seen": _OK,
    # maximum power
    "Agreed": _OK,
    "Waiting": Look("off", "clock"),
    "Waiting for the charger": Look("warn", "hourglass"),
    "Differs": Look("warn", "alert-triangle"),
    "Not supported": Look("off", "circle-x"),
    "Not controllable": Look("bad", "alert-triangle"),
    "No limit": UNKNOWN,
    # rounds of commands
    "Left out": Look("off", "circle-x"),
    "Not asked": Look("off", "circle-dashed"),
    # diagnostics, reservations, configuration, local lists
    "Asked": Look("off", "clock"),
    "Uploading": Look("busy", "upload"),
    "Uploaded": Look("warn", "upload"),
    "Upload failed": _FAILED,
    "Received": _OK,
    "Nothing to upload": Look("off", "circle-dashed"),
    "No file": _WAITING,
    "Active reservation": Look("busy", "calendar"),
    "Used": _DONE_OFF,
    "Cancelled": Look("off", "circle-x"),
    "Reboot required": Look("warn", "refresh"),
    "Read-only": Look("off", "lock"),
    "In step": _OK,
    "Behind": _WAITING,
    # orders, refunds, settlements
    "Paid": _OK,
    "Unpaid": _WAITING,
    "Failed": _FAILED,
    "Free": Look("off", "circle-dashed"),
    "Associated": _OK,
    "Pending": Look("warn", "hourglass"),
    "refunding": Look("warn", "hourglass"),
    "refund pending": Look("warn", "hourglass"),
    "refunded": Look("off", "arrow-back-up"),
    "refund failed": _FAILED,
    "Applied": _WAITING,
    "Approved": Look("busy", "shield-check"),
    "Settled": _OK,
    # station applications
    "New": Look("busy", "mail"),
    "Question asked": Look("warn", "message-circle"),
    "Answered": Look("busy", "message-circle"),
    # charging sessions, tokens, the rest
    "Active": _OK,
    "Running": Look("busy", "bolt"),
    "Completed": _DONE_OFF,
    "Refused": _FAILED,
    "Blocked": Look("bad", "lock"),
    "Invalid": _FAILED,
    "Preferred": Look("busy", "star"),
    "Test money": Look("warn", "coin"),
    "Needs attention": Look("bad", "alert-triangle"),
}

CONNECTOR_WORDS = {"SuspendedEV": "Paused by car", "SuspendedEVSE": "Paused by charger"}


def look(word: str) -> Look:
    return LOOKS.get(word, UNKNOWN)


def connector_word(status: str) -> str:
    """An OCPP 1.6 ChargePointStatus as people read it."""
    return CONNECTOR_WORDS.get(status, status)
