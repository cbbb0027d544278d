"""What the templates of commands need besides their rows."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from blueprints import access
from blueprints.commands import forms
from blueprints.commands.forms import ASKS, Ask
from blueprints.database import db
from domain import command_list, configuration
from domain.call_words import CALLS, HINTS, NAME_OF_PROFILE, missing
from domain.command_secrets import masked
from domain.models.chargers import Charger
from domain.models.commands import Command
from domain.rights import Right

STATUS_WORDS = {
    "queued": "Queued",
    "sent": "Sent",
    "accepted": "Accepted",
    "rejected": "Rejected",
    "failed": "Failed",
    "timeout": "Timed out",
    "expired": "Expired",
}
RIGHTS = {
    "Reset": Right.REBOOT,
    "RemoteStartTransaction": Right.CHARGING,
    "RemoteStopTransaction": Right.CHARGING,
    "UnlockConnector": Right.CHARGING,
}

__all__ = ["HINTS", "STATUS_WORDS"]


def words(now: datetime) -> dict[str, Any]:
    """How commands are named, where they lead, and whether they are still watched."""
    return {
        "ask_url": ask_url,
        "status_word": lambda command: STATUS_WORDS[command.status.value],
        "action_name": action_name,
        "shown_payload": lambda command: masked(command.payload),
        "is_watched": lambda command: command_list.is_watched(command, now),
        "awaits_effect": lambda command: command.awaits is not None and command_list.is_watched(command, now),
    }


def action_name(action: str) -> str:
    """A command in words; an action that nobody knows as it is."""
    return CALLS[action].title if action in CALLS else forms.NAMES.get(action, action)


def offered() -> list[Ask]:
    """The commands with a form of their own that the present person may give."""
    return [ask for ask in ASKS.values() if access.may(ask.right)]


def ask_url(ask: Ask, device_id: str) -> str:
    if ask.right is Right.REBOOT:
        return url_for("commands.reboot", device_id=device_id)
    endpoint = "commands.charging" if ask.right is Right.CHARGING else "commands.configure"
    return url_for(endpoint, device_id=device_id, slug=ask.slug)


@dataclass(frozen=True)
class Call:
    """One CALL of the standard in the list of all: `reason` says why this charger will hardly know it."""

    action: str
    title: str
    lead: str
    url: str
    reason: str | None


def every_call(charger: Charger) -> list[tuple[str, list[Call]]]:
    """All CALLs to that charger by profile, for those who may configure it; nothing for others."""
    if not access.may(Right.CONFIGURE):
        return []
    features = configuration.features(db.session(), charger.id)
    groups: dict[str, list[Call]] = {}
    for action, told in CALLS.items():
        url = url_for("commands.configure", device_id=charger.device_id, slug=action)
        call = Call(action, told.title, told.lead, url, missing(action, features))
        groups.setdefault(NAME_OF_PROFILE[told.profile], []).append(call)
    return list(groups.items())


def pretty(text: str) -> str:
    """JSON on lines; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def pretty_payload(command: Command) -> str:
    return pretty(masked(command.payload))
