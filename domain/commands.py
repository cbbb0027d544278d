"""Commands: CALLs of ours to chargers, from the wish to the effect.

The table is outbox and audit record in one. Views, the API and sweeps `queue`; the sidecar that holds the
charger's socket claims, sends and settles; what the charger does afterwards is recorded as the effect.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from domain import call_schemas, command_effects, doorbell, key_offers
from domain.errors import Conflict, Refused
from domain.fast_sql import Prepared
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.payments import Payment

LONGEST_TIMEOUT_S = 300
LONGEST_WAIT_S = 7 * 24 * 3600
MOST_WAITING = 100  # per charger
LONGEST_EFFECT = timedelta(hours=24)  # firmware may take a night
MOST_CLAIMED = 500
# A charger that is online gets what is meant for it also if the commands before take their time (quirk B11).
TURN_PATIENCE = timedelta(seconds=60)

# The charger may have heard a command that ended like this, or not.
LOST = "The connection was lost before the charger answered."

# Statuses of CALLRESULTs that refuse; every other one grants.
REFUSING = frozenset(
    ("Rejected", "Failed", "NotSupported", "NotImplemented", "UnlockFailed", "Faulted", "Occupied", "Unavailable")
    + ("UnknownMessageId", "UnknownVendorId", "VersionMismatch", "Unknown", "NotFound")
    + ("InvalidCertificate", "RevokedCertificate")
)

# What comes of these changes more than the command's own row: domain/answers.py takes it in.
TAKEN_IN = frozenset(
    ("GetConfiguration", "ChangeConfiguration", "GetDiagnostics", "GetLog", "GetLocalListVersion", "SendLocalList")
    + ("ReserveNow", "CancelReservation")
)

_COMMAND: Table = Command.__table__  # type: ignore[assignment]
_CHARGER: Table = Charger.__table__  # type: ignore[assignment]
_EARLIER = _COMMAND.alias("earlier")


def _is_waiting(table: FromClause) -> ColumnElement[bool]:
    # Written out, not bound: SQLite only then sees that the index of what waits serves, however long the history is.
    words: list[Any] = [literal_column(f"'{status.value}'") for status in (CommandStatus.QUEUED, CommandStatus.SENT)]
    return table.c.status.in_(words)


_WAITING = (
    select(
        _COMMAND.c.id,
        _COMMAND.c.charger_id,
        _CHARGER.c.epoch,
        _COMMAND.c.action,
        _COMMAND.c.payload,
        _COMMAND.c.timeout_s,
        _COMMAND.c.awaits,
    )
    .join_from(_COMMAND, _CHARGER, _CHARGER.c.id == _COMMAND.c.charger_id)
    .where(
        _is_waiting(_COMMAND),
        _COMMAND.c.status == CommandStatus.QUEUED,
        _CHARGER.c.node == bindparam("node"),
        or_(_COMMAND.c.for_epoch.is_(None), _COMMAND.c.for_epoch == _CHARGER.c.epoch),
        # Only the oldest of each charger: long queues of silent chargers hide nobody else's.
        ~exists().where(
            _EARLIER.c.charger_id == _COMMAND.c.charger_id,
            _EARLIER.c.id < _COMMAND.c.id,
            _is_waiting(_EARLIER),
            _EARLIER.c.status == CommandStatus.QUEUED,
        ),
    )
    .order_by(_COMMAND.c.id)
    .limit(MOST_CLAIMED)
)
_CLAIM = (
    update(_COMMAND)
    .where(_COMMAND.c.id == bindparam("row"), _COMMAND.c.status == CommandStatus.QUEUED)
    .values(
        status=CommandStatus.SENT,
        message_id=bindparam("message"),
        sent_node=bindparam("new_node"),
        sent_epoch=bindparam("new_epoch"),
        sent_at=bindparam("moment"),
    )
)
_EXPIRE = (
    update(_COMMAND)
    .where(
        _is_waiting(_COMMAND),
        _COMMAND.c.status == CommandStatus.QUEUED,
        or_(
            _COMMAND.c.expires_at <= bindparam("long_ago"),
            and_(
                _COMMAND.c.expires_at <= bindparam("moment"),
                exists().where(_CHARGER.c.id == _COMMAND.c.charger_id, _CHARGER.c.node.is_(None)),
            ),
        ),
    )
    .values(
        status=CommandStatus.EXPIRED,
        settled_at=bindparam("moment"),
        awaits=None,
        error="The charger could not be asked in time.",
    )
)
_WITHDRAW = (
    update(_COMMAND)
    .where(_COMMAND.c.id == bindparam("row"), _COMMAND.c.status == CommandStatus.QUEUED)
    .values(status=CommandStatus.EXPIRED, settled_at=bindparam("moment"), awaits=None, error="It was withdrawn.")
)
_LOSE_SENT = Prepared(
    update(_COMMAND)
    .where(
        _COMMAND.c.charger_id == bindparam("charger"),
        _COMMAND.c.status == CommandStatus.SENT,
        _COMMAND.c.sent_epoch < bindparam("before"),
    )
    .values(
        status=CommandStatus.FAILED,
        settled_at=bindparam("moment"),
        error=LOST,
    )
)
_LOSE_QUEUED = Prepared(
    update(_COMMAND)
    .where(
        _COMMAND.c.charger_id == bindparam("charger"),
        _COMMAND.c.status == CommandStatus.QUEUED,
        _COMMAND.c.for_epoch < bindparam("before"),
    )
    .values(
        status=CommandStatus.EXPIRED,
        settled_at=bindparam("moment"),
        awaits=None,
        error="The charger went offline before it could be asked.",
    )
)
_SETTLE_HOPEFUL = (
    update(_COMMAND)
    .where(_COMMAND.c.id == bindparam("row"), _COMMAND.c.status == CommandStatus.SENT)
    .values(
        status=bindparam("new_status"),
        response=bindparam("answer"),
        error=bindparam("sentence"),
        settled_at=bindparam("moment"),
    )
)
_SETTLE = _SETTLE_HOPEFUL.values(awaits=None)
_SHOWING = (CommandStatus.SENT, CommandStatus.ACCEPTED, CommandStatus.TIMEOUT, CommandStatus.FAILED)
_AWAITED = Prepared(
    select(_COMMAND.c.awaits).where(
        _COMMAND.c.charger_id == bindparam("charger"),
        _COMMAND.c.awaits.is_not(None),
        or_(*(_COMMAND.c.status == status for status in _SHOWING)),
    )
)
_AWAITING = (
    select(Command)
    .where(
        Command.charger_id == bindparam("charger"),
        Command.awaits == bindparam("message"),
        Command.status.in_(_SHOWING),
    )
    .order_by(Command.id)
)


class ChargerOffline(Conflict):
    """The charger has no socket open, and the command was not meant to wait for one."""

    def __init__(self, charger: Charger) -> None:
        super().__init__(f"{charger.label} is offline. Try again when it is back, or let the command wait for it.")


def queue(
    db: Session,
    charger: Charger,
    action: str,
    payload: dict[str, Any],
    *,
    by: str,
    now: datetime,
    timeout_s: int = 30,
    wait_until_online_s: int | None = None,
    payment: Payment | None = None,
) -> Command:
    """That CALL waits to be sent; ring the doorbell after the commit, and it goes out at once.

    Args:
        payload: camelCase, as it goes on the wire: same names, same order.
        by: an e-mail, "api key NAME", "driver" or "system".
        timeout_s: how long the charger may take to answer.
        wait_until_online_s: how long it may wait for an offline charger. None: it is for the present socket only.

    Raises:
        ChargerOffline: no socket, and it may not wait.
        Refused: the payload breaks the schema, or a number is out of range.
    """
    call_schemas.check_call(charger.ocpp_version or "1.6", action, payload)
    if not 1 <= timeout_s <= LONGEST_TIMEOUT_S:
        raise _out_of_range("timeout_s", f"Use 1 to {LONGEST_TIMEOUT_S} seconds.")
    if wait_until_online_s is not None and not 1 <= wait_until_online_s <= LONGEST_WAIT_S:
        raise _out_of_range("wait_until_online_s", f"Use 1 to {LONGEST_WAIT_S} seconds.")
    if wait_until_online_s is None and not charger.is_connected:
        raise ChargerOffline(charger)
    if is_crowded(db, charger.id):
        raise Refused(f"{charger.label} already has {MOST_WAITING} commands waiting.")
    command = Command(
        charger_id=charger.id,
        action=action,
        payload=_compact(payload),
        status=CommandStatus.QUEUED,
        timeout_s=timeout_s,
        queued_at=now,
        expires_at=now + timedelta(seconds=wait_until_online_s or timeout_s),
        for_epoch=charger.epoch if wait_until_online_s is None else None,
        awaits=command_effects.awaited(action, payload),
        is_unread=True if action in TAKEN_IN else None,
        asked_by=by,
        payment_id=payment.id if payment else None,
    )
    db.add(command)
    db.flush()
    if action == "ChangeConfiguration" and payload.get("key") == key_offers.PASSWORD_KEY:
        key_offers.offer(db, charger.id, command, str(payload["value"]), now)
    doorbell.announce(db)
    return command


def _out_of_range(name: str, sentence: str) -> Refused:
    return Refused(f"{name}: {sentence}", [(name, sentence)])


def is_crowded(db: Session, charger_id: int) -> bool:
    """Whether so many commands wait for that charger that no other may join them."""
    waiting = select(func.count()).where(
        Command.charger_id == charger_id, Command.status.in_((CommandStatus.QUEUED, CommandStatus.SENT))
    )
    return (db.scalar(waiting) or 0) >= MOST_WAITING


def _compact(payload: dict[str, Any]) -> str:
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refused("A text of the payload holds half a character.") from error
    return text


@dataclass(frozen=True, slots=True)
class Claimed:
    """A command that is to be sent now, on that socket and no other."""

    id: int
    charger_id: int
    epoch: int
    action: str
    payload: str
    message_id: str
    timeout_s: int
    awaits: str | None


def claim(db: Session, node: str, free: Mapping[int, int], now: datetime) -> list[Claimed]:
    """The next command of each free charger is ours to send; nobody else sends it.

    Args:
        free: charger id -> epoch of those sockets of this node that may be sent a CALL now.
    """
    expire(db, now)
    waiting = db.connection().execute(_WAITING, {"node": node}).mappings().all()
    claimed: dict[int, Claimed] = {}
    for row in waiting:
        charger_id, epoch = row["charger_id"], row["epoch"]
        if charger_id in claimed or free.get(charger_id) != epoch:
            continue
        message_id = str(uuid.uuid4())
        sent = {"row": row["id"], "message": message_id, "new_node": node, "new_epoch": epoch, "moment": now}
        # Conditional: on PostgreSQL another sidecar may have been faster.
        if db.connection().execute(_CLAIM, sent).rowcount:
            claimed[charger_id] = Claimed(
                row["id"], charger_id, epoch, row["action"], row["payload"], message_id, row["timeout_s"], row["awaits"]
            )
    return list(claimed.values())


def expire(db: Session, now: datetime) -> None:
    """What waited for too long is never sent: at its time if the charger is offline, else after some patience more."""
    db.connection().execute(_EXPIRE, {"moment": now, "long_ago": now - TURN_PATIENCE})


def withdraw(db: Session, command: Command, now: datetime) -> bool:
    """True if the command will never be sent; False if it has been already."""
    is_withdrawn = db.connection().execute(_WITHDRAW, {"row": command.id, "moment": now}).rowcount == 1
    db.refresh(command)
    return is_withdrawn


def forget_sockets(db: Session, charger_id: int, *, before_epoch: int, now: datetime) -> None:
    """What was under way on the charger's earlier sockets has failed; what was meant for them only is never sent."""
    keys = {"charger": charger_id, "before": before_epoch, "moment": now}
    _LOSE_SENT.run(db.connection(), keys)
    _LOSE_QUEUED.run(db.connection(), keys)


def settle(
    db: Session,
    command_id: int,
    status: CommandStatus,
    now: datetime,
    *,
    response: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """The sent command has ended like that, unless it had ended already."""
    has_refused = status in (CommandStatus.REJECTED, CommandStatus.FAILED)
    db.connection().execute(
        _SETTLE if has_refused else _SETTLE_HOPEFUL,
        {"row": command_id, "new_status": status, "answer": response, "sentence": error, "moment": now},
    )


def verdict(action: str, response: dict[str, Any]) -> CommandStatus:
    """What the payload of that CALLRESULT means: accepted, unless its status refuses."""
    status = response.get("status")
    if action == "GetInstalledCertificateIds" and status == "NotFound":
        return CommandStatus.ACCEPTED  # there is none: an answer, not a refusal
    return CommandStatus.REJECTED if status in REFUSING else CommandStatus.ACCEPTED


def error_verdict(code: str) -> CommandStatus:
    """What a CALLERROR of that code means."""
    return CommandStatus.REJECTED if code in ("NotImplemented", "NotSupported") else CommandStatus.FAILED


def awaited(db: Session, charger_id: int) -> frozenset[str]:
    """The messages of the charger that would show the effect of a command."""
    return frozenset(row["awaits"] for row in _AWAITED.all(db.connection(), {"charger": charger_id}))


def see_effect(db: Session, charger_id: int, action: str, payload: dict[str, Any], now: datetime) -> None:
    """Commands whose effect that message shows have their effect on record.

    Args:
        action: of the charger's CALL.
        payload: of that CALL, repaired.
    """
    for command in db.scalars(_AWAITING, {"charger": charger_id, "message": action}).all():
        if command.sent_at is None or now - command.sent_at > LONGEST_EFFECT:
            command.awaits = None
            continue
        seen = command_effects.seen(command.action, command.payload, payload)
        if seen is not None:
            command.effect_at = command.effect_at or now
            command.effect = seen
            if not command_effects.is_going_on(command.action, payload):
                command.awaits = None
    db.flush()
