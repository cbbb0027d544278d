"""What chargers are set to: read from them, changed through commands, and shown until it is true.

What a charger says is kept with its moment; what it should be is kept beside it as long as the two differ. Chargers
accept changes and then answer something else (quirk D15): an accepted change is read back.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain import audit, charger_keys, commands, key_offers, turns
from domain.command_secrets import MASK, is_secret, masked_answer
from domain.configuration_keys import KNOWN, is_same, trouble
from domain.errors import Conflict, Refused
from domain.key_offers import PASSWORD_KEY
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.configuration import ConfigurationReading, ConfigurationValue

log = logging.getLogger(__name__)

READ, CHANGE = "GetConfiguration", "ChangeConfiguration"
USUAL_MOST_KEYS = 20  # of one question, while the charger has not said
MOST_CHANGES = 50
MOST_AT_ONCE = 500  # of one sweep
ANSWER_WITHIN_S = 60
_BY_ITSELF = "system"
# What came to nothing may be asked for again.
_AGAIN = ("Rejected", "Unanswered")


def values(db: Session, charger_id: int) -> dict[str, ConfigurationValue]:
    """Everything known of that charger's keys, by name; keys that it says it has not are left out."""
    known = select(ConfigurationValue).where(
        ConfigurationValue.charger_id == charger_id, ConfigurationValue.is_unknown.is_(False)
    )
    found = db.scalars(known.execution_options(populate_existing=True))
    return {each.name: each for each in sorted(found, key=lambda each: each.name.lower())}


def value(db: Session, charger_id: int, name: str) -> str | None:
    """What that charger said about one key; None if it never did."""
    found = select(ConfigurationValue.value).where(
        ConfigurationValue.charger_id == charger_id, ConfigurationValue.name == name
    )
    return db.scalar(found)


def whole(db: Session, charger_id: int, name: str) -> int | None:
    """The same as a number; None for what is none."""
    text = (value(db, charger_id, name) or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def features(db: Session, charger_id: int) -> frozenset[str] | None:
    """The feature profiles that the charger reported, lower case; None if it never did."""
    text = value(db, charger_id, "SupportedFeatureProfiles")
    return frozenset(word.strip().lower() for word in text.split(",")) if text else None


def reading_of(db: Session, charger_id: int) -> ConfigurationReading | None:
    """How far reading that charger is."""
    return db.get(ConfigurationReading, charger_id, populate_existing=True)


def needs_reboot(found: ConfigurationValue, charger: Charger) -> bool:
    """Whether a change waits for the charger's next boot."""
    asked = found.reboot_wanted_at
    return asked is not None and (charger.booted_at is None or charger.booted_at <= asked)


# --- Reading --------------------------------------------------------------------------------------------------


def read(db: Session, charger: Charger, *, by: str, now: datetime) -> Command:
    """The charger is asked for all its keys; the answers come in by and by.

    Raises:
        ChargerOffline: it cannot be asked now.
        Conflict: it is being read.
    """
    turns.at_charger(db, charger.id)
    reading = reading_of(db, charger.id)
    if reading is not None and is_going_on(db, reading):
        raise Conflict(f"{charger.label} is being read already.")
    command = commands.queue(db, charger, READ, {}, by=by, now=now, timeout_s=ANSWER_WITHIN_S)
    if reading is None:
        reading = ConfigurationReading(charger_id=charger.id, operator_id=charger.operator_id)
        db.add(reading)
    reading.command_id, reading.left, reading.asked_at, reading.trouble = command.id, [], now, None
    db.flush()
    return command


def is_going_on(db: Session, reading: ConfigurationReading) -> bool:
    """Whether an answer is still awaited, or was not taken in yet."""
    if reading.command_id is None:
        return False
    command = db.get_one(Command, reading.command_id, populate_existing=True)
    return not command.is_settled or bool(command.is_unread)


def take_reading(db: Session, command: Command, now: datetime) -> None:
    """The answer to a GetConfiguration, whoever asked, is in the table; a reading under way goes on."""
    charger = db.get_one(Charger, command.charger_id)
    names = json.loads(command.payload).get("key", [])
    answered = command.response if command.status is CommandStatus.ACCEPTED else None
    if answered is not None:
        command.response = masked_answer(answered)
        _keep(db, charger, answered, command.settled_at or now)
    reading = reading_of(db, charger.id)
    if reading is not None and reading.command_id == command.id:
        _go_on(db, charger, reading, command, names, now)


def _keep(db: Session, charger: Charger, answer: Mapping[str, object], at: datetime) -> None:
    entries = answer.get("configurationKey")
    unknown = answer.get("unknownKey")
    known = _rows(db, charger.id)
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or not entry["key"]:
            continue
        found = _row(db, charger, known, entry["key"])
        told = entry.get("value")
        found.value = None if told is None or is_secret(found.name) else str(told)
        found.is_readonly, found.is_unknown, found.read_at = bool(entry.get("readonly")), False, at
        if found.wished is not None and is_same(found.name, found.wished, found.value):
            found.wished = found.reboot_wanted_at = None
    for name in unknown if isinstance(unknown, list) else []:
        if isinstance(name, str) and name:
            found = _row(db, charger, known, name)
            found.is_unknown, found.read_at, found.value = not is_secret(name), at, None
    db.flush()


def _rows(db: Session, charger_id: int) -> dict[str, ConfigurationValue]:
    found = select(ConfigurationValue).where(ConfigurationValue.charger_id == charger_id)
    return {each.name: each for each in db.scalars(found.execution_options(populate_existing=True))}


def _row(db: Session, charger: Charger, known: dict[str, ConfigurationValue], name: str) -> ConfigurationValue:
    if name not in known:
        known[name] = ConfigurationValue(
            operator_id=charger.operator_id, charger_id=charger.id, name=name, is_readonly=False, is_unknown=False
        )
        db.add(known[name])
    return known[name]


def _go_on(
    db: Session, charger: Charger, reading: ConfigurationReading, command: Command, names: list[str], now: datetime
) -> None:
    """Ask for what is still missing; a question that was refused is asked again in smaller parts."""
    reading.command_id = None
    most = whole(db, charger.id, "GetConfigurationMaxKeys") or USUAL_MOST_KEYS
    size = max(1, min(most, len(names) or most))
    if command.status is CommandStatus.ACCEPTED:
        left = reading.left if names else _missing(db, charger.id, command, most)
    elif command.status in (CommandStatus.TIMEOUT, CommandStatus.EXPIRED) or len(names) == 1:
        _end(reading, _trouble_of(command), now)
        return
    elif names:
        size, left = max(1, len(names) // 2), [*names, *reading.left]
    else:
        left = list(KNOWN)  # it does not tell all at once
    asking, reading.left = list(left[:size]), list(left[size:])
    if not asking:
        _end(reading, None, now)
        return
    try:
        asked = commands.queue(
            db, charger, READ, {"key": asking}, by=command.asked_by, now=now, timeout_s=ANSWER_WITHIN_S
        )
    except (Conflict, Refused) as refusal:
        _end(reading, str(refusal), now)
    else:
        reading.command_id = asked.id


def _end(reading: ConfigurationReading, sentence: str | None, now: datetime) -> None:
    reading.trouble, reading.left = sentence, []
    reading.read_at = reading.read_at if sentence else now


def _missing(db: Session, charger_id: int, command: Command, most: int) -> list[str]:
    """Keys that the whole answer should have had: a charger may tell no more at once than its limit."""
    entries = (command.response or {}).get("configurationKey") or []
    told = {entry.get("key") for entry in entries if isinstance(entry, dict)}
    before = {name for name, each in values(db, charger_id).items() if each.read_at and not is_secret(name)}
    must = {name for name, key in KNOWN.items() if key.is_required or len(told) >= most}
    return sorted((must | before) - told - {PASSWORD_KEY})


def _trouble_of(command: Command) -> str:
    if command.status is CommandStatus.TIMEOUT:
        return "The charger did not answer. What is shown is what it said before."
    if command.status is CommandStatus.EXPIRED:
        return "The charger went offline before it could be asked."
    return f"The charger refused to tell: {command.error or command.status}."


# --- Changing -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One line of the difference before it is sent."""

    name: str
    old: str | None
    new: str

    @property
    def is_secret(self) -> bool:
        return is_secret(self.name)


def differences(known: Mapping[str, ConfigurationValue], wanted: Mapping[str, str]) -> list[Change]:
    """What would change, in the order of the names.

    Raises:
        Refused: a value cannot be meant, a key is read-only, or nothing would change; tells every key.
    """
    changes, errors = [], []
    for name in sorted(wanted, key=str.lower):
        found, new = known.get(name), wanted[name]
        if is_secret(name) and new == "":
            continue  # left empty: stays as it is
        if found is not None and found.wished is None and not is_secret(name) and found.value == new:
            continue
        if found is not None and found.wished is not None and found.wished == new and found.outcome not in _AGAIN:
            continue
        sentence = _why_not(found, name, new)
        if sentence:
            errors.append((name, sentence))
        changes.append(Change(name, found.value if found else None, new))
    if errors:
        raise Refused("Some values need another look.", errors)
    if not changes:
        raise Refused("Nothing is changed yet. Write another value into a field first.")
    if len(changes) > MOST_CHANGES:
        raise Refused(f"At most {MOST_CHANGES} changes at once.")
    return changes


def _why_not(found: ConfigurationValue | None, name: str, new: str) -> str | None:
    if not name or len(name) > 50 or not name.isprintable():
        return "A key has 1 to 50 printable characters."
    if found is not None and found.is_readonly:
        return "The charger says that this key is read-only."
    if name == PASSWORD_KEY:
        try:
            charger_keys.check_typed(new, PASSWORD_KEY)
        except charger_keys.WeakKey as weak:
            return str(weak)
        if not 16 <= len(new) <= 40:
            return "OCPP allows 16 to 40 characters here."
    return trouble(name, new)


def change(db: Session, charger: Charger, changes: Sequence[Change], *, by: str, now: datetime) -> list[Command]:
    """Each change waits to be sent as a command of its own; what is wished is kept until the charger confirms it.

    Raises:
        ChargerOffline: the charger cannot be asked now; nothing is changed.
    """
    turns.at_charger(db, charger.id)
    known = _rows(db, charger.id)
    asked = []
    for each in changes:
        command = commands.queue(db, charger, CHANGE, {"key": each.name, "value": each.new}, by=by, now=now)
        found = _row(db, charger, known, each.name)
        _wish(found, command, each.new, by, now)
        shown = {"old": MASK, "new": MASK} if each.is_secret else {"old": each.old, "new": each.new}
        audit.record(
            db, "configuration asked", "charger", charger.id,
            operator_id=charger.operator_id, by=by, now=now, key=each.name, **shown,
        )  # fmt: skip
        asked.append(command)
    db.flush()
    return asked


def _wish(found: ConfigurationValue, command: Command, new: str, by: str, now: datetime) -> None:
    found.wished = "" if is_secret(found.name) else new
    found.wished_at, found.wished_by, found.command_id = now, by, command.id
    found.outcome = found.reboot_wanted_at = None
    found.is_unknown = False


def take_change(db: Session, command: Command, now: datetime) -> None:
    """What came of a ChangeConfiguration, whoever asked, is in the table; an accepted one is read back."""
    asked = json.loads(command.payload)
    name, new = asked["key"], asked["value"]
    charger = db.get_one(Charger, command.charger_id)
    if name == PASSWORD_KEY:
        key_offers.answered(db, charger, command, new, now)
    found = _row(db, charger, _rows(db, charger.id), name)
    if found.command_id is not None and found.command_id > command.id:
        _forget_secret(command, name)
        return  # a later change counts
    if found.command_id != command.id:
        _wish(found, command, new, command.asked_by, now)
    status = str((command.response or {}).get("status", "Unanswered"))
    found.outcome = status if command.response is not None else "Unanswered"
    if found.outcome == "NotSupported":
        found.wished = None
        found.is_unknown = found.value is None
    elif found.outcome == "RebootRequired":
        found.reboot_wanted_at = command.settled_at or now
    if found.outcome in ("Accepted", "RebootRequired"):
        if is_secret(name):
            found.wished = None
        elif found.outcome == "Accepted":
            _read_back(db, charger, [name], now)
    _forget_secret(command, name)
    db.flush()


def _forget_secret(command: Command, name: str) -> None:
    if is_secret(name):
        command.payload = json.dumps({"key": name, "value": MASK}, ensure_ascii=False, separators=(",", ":"))


def _read_back(db: Session, charger: Charger, names: Iterable[str], now: datetime) -> None:
    if not charger.is_connected:
        return
    try:
        commands.queue(db, charger, READ, {"key": list(names)}, by=_BY_ITSELF, now=now)
    except Refused:  # it has too much to do already; what it answered, and other chargers, do not wait for that
        log.info("%s is not asked for what it made of its changes: too many commands wait", charger.label)


def give_up(db: Session, charger: Charger, name: str) -> None:
    """What the charger says is right after all."""
    found = _rows(db, charger.id).get(name)
    if found is not None:
        found.wished = found.outcome = found.reboot_wanted_at = None
        db.flush()


def rebooted(db: Session) -> list[int]:
    """Ids of chargers with changes that waited for a boot which has happened since."""
    return list(db.scalars(_rebooted().with_only_columns(Charger.id).distinct().limit(MOST_AT_ONCE)))


def _rebooted() -> Select[ConfigurationValue]:
    return (
        select(ConfigurationValue)
        .join(Charger, Charger.id == ConfigurationValue.charger_id)
        .where(
            ConfigurationValue.reboot_wanted_at.is_not(None),
            Charger.booted_at > ConfigurationValue.reboot_wanted_at,
            Charger.node.is_not(None),
        )
    )


def after_boot(db: Session, charger_id: int, now: datetime) -> None:
    """That charger's changes that waited for a boot which has happened since are read back."""
    turns.at_charger(db, charger_id)
    names = []
    for found in db.scalars(_rebooted().where(Charger.id == charger_id).order_by(ConfigurationValue.id)):
        found.reboot_wanted_at = None
        if not is_secret(found.name):
            names.append(found.name)
    if names:
        _read_back(db, db.get_one(Charger, charger_id), names, now)
    db.flush()
