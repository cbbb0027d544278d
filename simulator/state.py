"""What a charger keeps over a restart: registers, configuration, lists, profiles, undelivered messages.

One JSON file a charger. A transaction that was running when the power went is stopped with the values of that
moment, reason PowerLoss, as a real charger does.
"""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from simulator import charging
from simulator.connector import Reservation, Transaction
from simulator.outbox import Entry
from simulator.profiles import Installed

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger


def path_of(folder: Path, device_id: str) -> Path:
    return folder / f"{quote(device_id, safe='')}.json"


def save(charger: "SimulatedCharger", path: Path) -> None:
    """The file holds this moment; a crash while writing leaves the old one."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(orjson.dumps(_kept(charger)))
    fresh.replace(path)


def load(charger: "SimulatedCharger", path: Path) -> None:
    """The charger is as it was kept; without a readable file it stays new."""
    if not path.exists():
        return
    try:
        kept = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        charger.note(f"{path} cannot be read: starting anew")
        return
    _take_up(charger, kept)


def _kept(charger: "SimulatedCharger") -> dict[str, Any]:
    waiting = charger.outbox.waiting
    running = [c.transaction for c in charger.connectors.values() if c.transaction]
    transactions = {t.key: asdict(t) for t in [*running, *(entry.transaction for entry in waiting)]}
    return {
        "at": charger.clock.now(),
        "password": {"given": charger.spec.password, "now": charger.password},
        "firmware": {"given": charger.spec.firmware, "now": charger.firmware},
        "configuration": charger.configuration.changed,
        "tokens": asdict(charger.tokens),
        "profiles": [asdict(profile) for profile in charger.profiles.installed],
        "certificates": charger.certificates,
        "transactions": transactions,
        "places": [
            {
                "register_wh": place.register_wh,
                "is_operative": place.is_operative,
                "reservation": asdict(place.reservation) if place.reservation else None,
                "running": place.transaction.key if place.transaction else None,
            }
            for place in charger.places
        ],
        "outbox": [
            {"action": e.action, "payload": e.payload, "transaction": e.transaction.key, "refusals": e.refusals}
            for e in waiting
        ],
    }


def _take_up(charger: "SimulatedCharger", kept: dict[str, Any]) -> None:
    # What was changed over the line holds until the charger's description says something new.
    if kept["password"]["given"] == charger.spec.password:
        charger.password = kept["password"]["now"]
    if kept["firmware"]["given"] == charger.spec.firmware:
        charger.firmware = kept["firmware"]["now"]
    charger.configuration.changed = kept["configuration"]
    for name, value in kept["tokens"].items():
        setattr(charger.tokens, name, value)
    charger.profiles.installed = [_dated(Installed, profile, "installed_at") for profile in kept["profiles"]]
    charger.certificates = [(kind, pem) for kind, pem in kept["certificates"]]
    transactions = {key: _dated(Transaction, fields, "started_at") for key, fields in kept["transactions"].items()}
    for place, fields in zip(charger.places, kept["places"], strict=False):
        place.register_wh, place.is_operative = fields["register_wh"], fields["is_operative"]
        reservation = fields["reservation"]
        place.reservation = _dated(Reservation, reservation, "expires_at") if reservation else None
        place.transaction = transactions.get(fields["running"])
    for fields in kept["outbox"]:
        _queue_again(charger, fields, transactions[fields["transaction"]])
    for connector in charger.connectors.values():
        charging.end(charger, connector, "PowerLoss", at=datetime.fromisoformat(kept["at"]))


def _queue_again(charger: "SimulatedCharger", fields: dict[str, Any], transaction: Transaction) -> None:
    entry = Entry(fields["action"], fields["payload"], transaction, refusals=fields["refusals"])
    if entry.action == "StartTransaction":
        entry.done = charging.when_started(charger, transaction)
    charger.outbox.put(entry)


def _dated(kind: Any, fields: dict[str, Any], name: str) -> Any:
    return kind(**{**fields, name: datetime.fromisoformat(fields[name])})
