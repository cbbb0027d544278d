"""Chargers: adding them, changing them, finding one's own."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import audit, charger_keys, key_offers, qr_codes, stations, turns
from domain.errors import Conflict, NotFound, Refused
from domain.models.chargers import Charger
from domain.models.stations import Station

# Source: OCPP 2.0.1 part 2, identifierString, 48 characters; without the colon, which Basic auth splits at, and
# with the space, which some devices have.
_DEVICE_ID = re.compile(r"(?! )[A-Za-z0-9*\-_=+|@. ]{1,48}(?<! )")
# A page of this name stands where the charger's would; a test keeps the list true.
RESERVED = frozenset({"live", "export.csv", "export.xlsx"})
_ONLY_DOTS = re.compile(r"\.+")  # such a path is walked up, not looked up
LONGEST_ACCOUNT, LONGEST_LABEL = 100, 40
PROFILES = (1, 2)  # Basic auth over ws, over wss
_AT_ONCE = 5000


# Whose it is, nobody is told.
FOREIGN = "This device id cannot be added here. If the charger is yours, ask support to look into it."


class DeviceIdTaken(Conflict):
    """A charger with this identity is registered already, here or elsewhere."""

    def __init__(self, owner_id: int, operator_id: int) -> None:
        message = "A charger with this device id is registered already." if owner_id == operator_id else FOREIGN
        super().__init__(message, [("device_id", message)])


def add(
    db: Session,
    station: Station,
    device_id: str,
    *,
    device_account: str | None = None,
    label: str | None = None,
    password: str | None = None,
    security_profile: int = 1,
    by: str,
    now: datetime,
) -> tuple[Charger, str]:
    """A new charger at the station with a QR code of its own, and its password, which nobody can read again.

    Args:
        label: what people read on the device; the station's initials and a number if not given.
        password: made here (160 random bits) if not given.
        security_profile: OCPP's: 1 Basic auth over ws, 2 over wss.

    Raises:
        Refused: naming the fields that are wrong.
        DeviceIdTaken: somebody has a charger with that identity.
    """
    given = {"device_account": device_account, "label": label, "security_profile": security_profile}
    trouble = identity_trouble(device_id)
    errors = [("device_id", trouble)] if trouble else []
    errors += _errors(given)
    if errors:
        raise Refused(errors[0][1], errors)
    if password is not None:
        charger_keys.check_typed(password, device_id)
    for known in registered(db, [device_id]).values():
        raise DeviceIdTaken(known.operator_id, station.operator_id)
    charger = Charger(
        operator_id=station.operator_id,
        station_id=station.id,
        device_id=device_id,
        device_account=device_account,
        label=label or next_label(db, station),
        security_profile=security_profile,
        created_at=now,
        created_by=by,
    )
    key = password or charger_keys.generate()
    charger.password_salt, charger.password_hash = charger_keys.seal(key)
    db.add(charger)
    db.flush()
    _record(db, "created", charger, by, now, device_id=device_id)
    (code,) = qr_codes.make(db, charger.operator_id, 1, now=now)
    qr_codes.bind(db, code, charger, by=by, now=now)
    return charger, key


class Registered(NamedTuple):
    """Who has a device id already."""

    operator_id: int
    charger_id: int
    label: str
    station_id: int


def registered(db: Session, device_ids: Iterable[str]) -> dict[str, Registered]:
    """Chargers that have one of those identities, whoever owns them, by the identity in lower case.

    Two identities that differ in case only would be mistaken for each other by people.
    """
    wanted, found = sorted({device_id.lower() for device_id in device_ids}), {}
    key = func.lower(Charger.device_id)
    columns = select(key, Charger.operator_id, Charger.id, Charger.label, Charger.station_id)
    for start in range(0, len(wanted), _AT_ONCE):
        for name, *known in db.execute(columns.where(key.in_(wanted[start : start + _AT_ONCE]))):
            found[name] = Registered(*known)
    return found


def change(db: Session, charger: Charger, changes: Mapping[str, Any], *, by: str, now: datetime) -> None:
    """The charger has the new `label`, `device_account`, `station_id`, `security_profile`, `clock_zone`,
    `accepts_no_subprotocol`.

    Raises:
        Refused: naming the fields that are wrong.
    """
    errors = _errors(changes)
    if changes.get("security_profile", charger.security_profile) < charger.security_profile:
        errors.append(("security_profile", "A security profile can be raised here, not lowered."))
    if changes.get("clock_zone") is not None and changes["clock_zone"] not in stations.time_zones():
        errors.append(("clock_zone", "Name a time zone such as Europe/Helsinki."))
    if "label" in changes and not (changes["label"] or "").strip():
        errors.append(("label", "This is needed."))
    if "station_id" in changes and not _has_station(db, charger.operator_id, changes["station_id"]):
        errors.append(("station_id", "There is no such charging station."))
    if errors:
        raise Refused(errors[0][1], errors)
    for name, value in changes.items():
        setattr(charger, name, value)
    db.flush()
    db.expire(charger, ["station"])
    _record(db, "changed", charger, by, now, fields=sorted(changes))


def renew_password(db: Session, charger: Charger, password: str | None = None, *, by: str, now: datetime) -> str:
    """The charger's new password; the old one opens nothing from the next handshake on."""
    if password is not None:
        charger_keys.check_typed(password, charger.device_id)
    key = password or charger_keys.generate()
    turns.at_charger(db, charger.id)
    key_offers.replace(db, [charger.id], now)
    charger.password_salt, charger.password_hash = charger_keys.seal(key)
    db.flush()
    _record(db, "password renewed", charger, by, now)
    return key


def get(db: Session, operator_id: int, device_id: str) -> Charger:
    """The operator's charger.

    Raises:
        NotFound: there is none, or it is another operator's.
    """
    charger = db.scalar(select(Charger).where(Charger.operator_id == operator_id, Charger.device_id == device_id))
    if charger is None:
        raise NotFound("There is no such charger.")
    return charger


def next_label(db: Session, station: Station) -> str:
    """The station's initials and the next free number: "HG-03". Never the device id, which strangers must not read."""
    return next(free_labels(db, station))


def free_labels(db: Session, station: Station) -> Iterator[str]:
    """Labels that no charger of the station has, in the order in which they are given."""
    words = re.findall(r"[^\W\d_]+", station.name)
    initials = "".join(word[0] for word in words[:3]).upper() or "C"
    taken = set(db.scalars(select(Charger.label).where(Charger.station_id == station.id)))
    names = (f"{initials}-{number:02d}" for number in itertools.count(len(taken) + 1))
    return (name for name in names if name not in taken)


def identity_trouble(device_id: str) -> str | None:
    """What is wrong with that text as an OCPP identity."""
    if device_id in RESERVED:
        return f"“{device_id}” is a word of our addresses and cannot be a device id. Choose another one."
    if _DEVICE_ID.fullmatch(device_id) and not _ONLY_DOTS.fullmatch(device_id):
        return None
    return "Use 1 to 48 letters, digits, spaces and * - _ = + | @ . as the charger sends them."


def account_trouble(device_account: str) -> str | None:
    """What is wrong with that text as a device account."""
    return next((sentence for _, sentence in _errors({"device_account": device_account})), None)


def _errors(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    errors = []
    for name, longest in (("device_account", LONGEST_ACCOUNT), ("label", LONGEST_LABEL)):
        text = given.get(name) or ""
        if len(text) > longest or not text.isprintable():
            errors.append((name, f"Use up to {longest} characters on one line."))
    if given.get("security_profile", 1) not in PROFILES:
        errors.append(("security_profile", "Use 1 (password over ws) or 2 (password over wss)."))
    return errors


def _has_station(db: Session, operator_id: int, station_id: int) -> bool:
    found = select(Station.id).where(Station.operator_id == operator_id, Station.id == station_id)
    return db.scalar(found) is not None


def _record(db: Session, verb: str, charger: Charger, by: str, now: datetime, **detail: object) -> None:
    audit.record(db, verb, "charger", charger.id, operator_id=charger.operator_id, by=by, now=now, **detail)
