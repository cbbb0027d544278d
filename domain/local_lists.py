"""Chargers' local lists kept in step with the operator's cards.

What a charger holds is what it has accepted (`local_list_entry`). A sync sends the difference in parts of the size that
the charger takes; a charger whose version is another than ours, or that refuses a difference, gets the whole list.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain import commands, configuration, turns
from domain.call_fields import stamp
from domain.errors import Conflict, DomainError
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.local_lists import LocalList, LocalListEntry
from domain.models.tokens import Token, TokenStatus

SEND, ASK_VERSION = "SendLocalList", "GetLocalListVersion"
USUAL_LENGTH = 50  # cards of one update, while the charger has not said
LONGEST_TAG = 20
FULL, DIFFERENTIAL = "Full", "Differential"
NO_LIST = -1
TRY_AGAIN = timedelta(minutes=15)
ANSWER_WITHIN_S = 60

_WHY = {
    "NotSupported": "The charger keeps no local list, or it is switched off (LocalAuthListEnabled).",
    "Failed": "The charger could not take the list.",
    "VersionMismatch": "The charger holds another version and does not take ours.",
}


@dataclass(frozen=True)
class Difference:
    """What the charger lacks, has in another form, or should no longer have."""

    wanted: dict[str, dict[str, Any]]  # idTag -> IdTagInfo, all that it should hold
    missing: list[str]
    changed: list[str]
    extra: list[str]
    left_out: int  # cards that do not fit: too many, or too long a number

    @property
    def count(self) -> int:
        return len(self.missing) + len(self.changed) + len(self.extra)


def look(db: Session, charger: Charger) -> LocalList:
    """The charger's list to read; an empty one that is not kept if there is none yet."""
    found = db.get(LocalList, charger.id, populate_existing=True)
    return found or LocalList(
        charger_id=charger.id, operator_id=charger.operator_id, version_here=0, keeps_in_step=False, is_full=False
    )


def of_charger(db: Session, charger: Charger) -> LocalList:
    """The charger's list to change, by one at a time; made empty when first asked for."""
    turns.at_charger(db, charger.id)
    found = look(db, charger)
    db.add(found)
    db.flush()
    return found


def difference(db: Session, charger: Charger) -> Difference:
    """What a sync would have to send."""
    infos, left_out = _wanted(db, charger.operator_id, _room(db, charger))
    held = {each.id_tag: each.info for each in _entries(db, charger.id)}
    return Difference(
        infos,
        [tag for tag in infos if tag not in held],
        [tag for tag in infos if tag in held and held[tag] != infos[tag]],
        [tag for tag in held if tag not in infos],
        left_out,
    )


def _room(db: Session, charger: Charger) -> int | None:
    return configuration.whole(db, charger.id, "LocalAuthListMaxLength")


def _wanted(db: Session, operator_id: int, most: int | None) -> tuple[dict[str, dict[str, Any]], int]:
    # Blocked cards too: offline, the list is all that says no.
    tokens = list(db.scalars(select(Token).where(Token.operator_id == operator_id).order_by(Token.id)))
    infos = {token.uid: _info(token) for token in tokens if len(token.uid) <= LONGEST_TAG}
    kept = dict(list(infos.items())[: most or len(infos)])
    return kept, len(tokens) - len(kept)


def _info(token: Token) -> dict[str, Any]:
    info: dict[str, Any] = {"status": token.status.value}
    if token.status is TokenStatus.ACCEPTED and token.expires_at is not None:
        info["expiryDate"] = stamp(token.expires_at)
    if token.parent_uid is not None and len(token.parent_uid) <= LONGEST_TAG:
        info["parentIdTag"] = token.parent_uid
    return info


def _entries(db: Session, charger_id: int) -> Sequence[LocalListEntry]:
    found = select(LocalListEntry).where(LocalListEntry.charger_id == charger_id).order_by(LocalListEntry.id)
    return db.scalars(found.execution_options(populate_existing=True)).all()


def is_going_on(db: Session, found: LocalList) -> bool:
    """Whether an update is on its way."""
    if found.command_id is None:
        return False
    command = db.get_one(Command, found.command_id, populate_existing=True)
    return not command.is_settled or bool(command.is_unread)


def held(db: Session, charger_id: int) -> Sequence[LocalListEntry]:
    """Every card that the charger has accepted."""
    return sorted(_entries(db, charger_id), key=lambda each: each.id_tag)


def sync(db: Session, charger: Charger, *, by: str, now: datetime, is_full: bool = False) -> Command | None:
    """The first update is on its way; None if the charger has every card already.

    Args:
        is_full: the charger forgets its list and gets all of it.

    Raises:
        ChargerOffline: it cannot be asked now.
        Conflict: a sync is going on.
    """
    found = of_charger(db, charger)
    if is_going_on(db, found):
        raise Conflict(f"The list of {charger.label} is being sent already.")
    is_strange = found.version_there is not None and found.version_there not in (found.version_here, NO_LIST)
    is_full = is_full or is_strange or found.version_here == 0
    if not is_full and difference(db, charger).count == 0:
        _finish(db, found, charger, now)
        return None
    found.is_full, found.trouble = is_full, None
    return _send(db, charger, found, by, now, is_first=is_full)


def _send(db: Session, charger: Charger, found: LocalList, by: str, now: datetime, *, is_first: bool) -> Command:
    told = configuration.whole(db, charger.id, "SendLocalListMaxLength")
    length = max(1, told or USUAL_LENGTH)
    open_ones = difference(db, charger)
    entries: list[dict[str, Any]]
    if is_first:
        entries = [{"idTag": tag, "idTagInfo": info} for tag, info in list(open_ones.wanted.items())[:length]]
    else:
        new = [{"idTag": tag, "idTagInfo": open_ones.wanted[tag]} for tag in (*open_ones.missing, *open_ones.changed)]
        # An entry without idTagInfo removes its card. What is to go goes first: it makes room.
        gone: list[dict[str, Any]] = [{"idTag": tag} for tag in open_ones.extra]
        entries = [*gone, *new][:length]
    payload = {
        "listVersion": max(found.version_here, found.version_there or 0) + 1,
        "localAuthorizationList": entries,
        "updateType": FULL if is_first else DIFFERENTIAL,
    }
    if not entries:
        del payload["localAuthorizationList"]
    command = commands.queue(db, charger, SEND, payload, by=by, now=now, timeout_s=ANSWER_WITHIN_S)
    found.command_id, found.next_try_at = command.id, now + TRY_AGAIN
    db.flush()
    return command


def take_update(db: Session, command: Command, now: datetime) -> None:
    """What came of a SendLocalList, whoever sent it, is known; the next part is on its way, or the whole list."""
    charger = db.get_one(Charger, command.charger_id)
    found = of_charger(db, charger)
    sent = json.loads(command.payload)
    status = (command.response or {}).get("status")
    if status == "Accepted":
        _apply(db, charger, found, sent)
    if found.command_id != command.id:
        return
    found.command_id = None
    if status == "Accepted":
        if difference(db, charger).count:
            _go_on(db, charger, found, command.asked_by, now, is_first=False)
        else:
            _finish(db, found, charger, now)
    elif status in ("VersionMismatch", "Failed") and not found.is_full:
        found.is_full = True
        _go_on(db, charger, found, command.asked_by, now, is_first=True)
    else:
        found.trouble = _WHY.get(str(status), command.error or "The charger did not take the list.")
    db.flush()


def _go_on(db: Session, charger: Charger, found: LocalList, by: str, now: datetime, *, is_first: bool) -> None:
    try:
        _send(db, charger, found, by, now, is_first=is_first)
    except DomainError as refusal:
        found.trouble = str(refusal)


def _apply(db: Session, charger: Charger, found: LocalList, sent: dict[str, Any]) -> None:
    if sent["updateType"] == FULL:
        db.execute(delete(LocalListEntry).where(LocalListEntry.charger_id == charger.id))
    held = {each.id_tag: each for each in _entries(db, charger.id)}
    for entry in sent.get("localAuthorizationList", []):
        tag, info = entry["idTag"], entry.get("idTagInfo")
        if info is None:
            if tag in held:
                db.delete(held.pop(tag))
        elif tag in held:
            held[tag].info = info
        else:
            held[tag] = LocalListEntry(operator_id=charger.operator_id, charger_id=charger.id, id_tag=tag, info=info)
            db.add(held[tag])
    found.version_here = found.version_there = sent["listVersion"]
    db.flush()


def _finish(db: Session, found: LocalList, charger: Charger, now: datetime) -> None:
    found.synced_at, found.trouble, found.is_full, found.next_try_at = now, None, False, None
    found.seen_digest = _digest(_wanted(db, charger.operator_id, _room(db, charger))[0])
    db.flush()


def _digest(infos: dict[str, dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(infos, sort_keys=True).encode()).hexdigest()


def take_version(db: Session, command: Command, now: datetime) -> None:
    """What the charger said about its version is kept; a list that keeps in step is sent anew if it is another."""
    if command.status is not CommandStatus.ACCEPTED:
        return
    version = (command.response or {}).get("listVersion")
    if not isinstance(version, int):
        return
    charger = db.get_one(Charger, command.charger_id)
    found = of_charger(db, charger)
    found.version_there, found.version_at = version, now
    if version == NO_LIST:
        found.trouble = _WHY["NotSupported"]
    elif version != found.version_here:
        found.seen_digest = None
    db.flush()


def keep_in_step(db: Session, charger: Charger, wish: bool) -> None:
    """Changes of cards are sent to that charger by themselves, or no longer."""
    found = of_charger(db, charger)
    found.keeps_in_step, found.next_try_at = wish, None
    db.flush()


def due(db: Session, now: datetime) -> list[int]:
    """Chargers that keep in step, are online, and lack something."""
    kept = (
        select(LocalList, Charger)
        .join(Charger, Charger.id == LocalList.charger_id)
        .where(
            LocalList.keeps_in_step,
            Charger.node.is_not(None),
            (LocalList.next_try_at.is_(None)) | (LocalList.next_try_at <= now),
        )
    )
    # Chargers of one operator that hold as many cards want the same: ten thousand cards are looked through once.
    digests: dict[tuple[int, int | None], str] = {}
    lacking = []
    for found, charger in db.execute(kept).all():
        if is_going_on(db, found):
            continue
        key = (charger.operator_id, _room(db, charger))
        if key not in digests:
            digests[key] = _digest(_wanted(db, *key)[0])
        if found.seen_digest != digests[key]:
            lacking.append(charger.id)
    return lacking


def catch_up(db: Session, charger_id: int, now: datetime) -> None:
    """That charger's list is on its way; if it cannot be now, it is tried again later."""
    charger = db.get_one(Charger, charger_id)
    found = of_charger(db, charger)
    try:
        sync(db, charger, by="system", now=now)
    except DomainError as refusal:
        found.trouble, found.next_try_at = str(refusal), now + TRY_AGAIN
    db.flush()
