"""The audit log in plain words: acts, kinds of objects, and what changed."""

from datetime import datetime
from typing import Any

from blueprints import role_words
from blueprints.formats import when

KINDS = {
    "api_key": "API key",
    "charger": "Charger",
    "operator": "Operator",
    "orders": "Order",
    "payment_account": "Payment account",
    "user_account": "Person",
    "qr_code": "QR code",
    "station": "Charging station",
    "tariff": "Price list",
}
ACTORS = {"worker": "Voltdesk itself", "stranger": "Somebody not signed in", "driver": "A driver"}
# Acts that can be chosen in the filter; others are shown as they are.
VERBS = (
    "browser signed out",
    "changed",
    "created",
    "credentials replaced",
    "deactivated",
    "invitation accepted",
    "invitation withdrawn",
    "invited again",
    "password changed",
    "password link sent",
    "password renewed",
    "published",
    "reactivated",
    "recovery code used",
    "refund requested",
    "revoked",
    "role changed",
    "sign-in failed",
    "signed in",
    "signed out",
    "tariff assigned",
    "two-factor reset",
    "two-factor switched off",
    "two-factor switched on",
)
_DETAILS = {"from_at": "from", "tariff_id": "price list number", "hold_minor": "hold", "old": "before", "new": "now"}
_ROLES = {role.value: name for role, name in role_words.NAMES.items()}


def kind(object_type: str) -> str:
    """
    >>> kind("orders"), kind("fault_report")
    ('Order', 'Fault report')
    """
    return KINDS.get(object_type) or object_type.replace("_", " ").capitalize()


def actor(name: str) -> str:
    return ACTORS.get(name, name)


def act(verb: str) -> str:
    """
    >>> act("tariff assigned")
    'Tariff assigned'
    """
    return verb[:1].upper() + verb[1:].replace("_", " ")


def detail(values: dict[str, Any], zone: str) -> str:
    """What is known besides, as one line.

    >>> detail({"fields": ["hold_minor", "name"], "count": 3, "is_test": True}, "UTC")
    'fields: hold, name; count: 3; is test: yes'
    """
    return "; ".join(f"{_name(key)}: {_value(value, zone)}" for key, value in values.items() if value is not None)


def _name(key: str) -> str:
    return _DETAILS.get(key) or key.removesuffix("_at").replace("_", " ")


def _value(value: Any, zone: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_name(each) if isinstance(each, str) else _value(each, zone) for each in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{_name(key)} {_value(each, zone)}" for key, each in value.items())
    if isinstance(value, str):
        return _text(value, zone)
    return "none" if value is None else str(value)


def _text(value: str, zone: str) -> str:
    if value in _ROLES:
        return _ROLES[value]
    if len(value) >= len("2026-11-20T11:04") and value[4:5] == "-" and value[10:11] == "T":
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        if moment.tzinfo is not None:
            return str(when(moment, zone).striptags())
    return value
