"""Chargers' sockets: who may open one, which sidecar holds which, and what every attempt came to.

The newest authenticated socket of a charger wins. Each gets an epoch, and whatever is done for a socket is done
only as long as its epoch is the charger's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from domain import charger_events, charger_keys, commands, doorbell, key_offers
from domain.clock import utcnow
from domain.fast_sql import Prepared
from domain.models.chargers import Charger, ChargerEvent, Handshake, HandshakeOutcome, SidecarNode

BEAT_EVERY_S = 5
LEASE = timedelta(seconds=20)  # a sidecar that was silent for so long is dead
# A shorter break is none worth a line: some chargers redial every two minutes (quirk A13).
NOTABLE_BREAK = timedelta(seconds=60)
TAKEOVERS_WITHIN = timedelta(minutes=10)
MOST_TAKEOVERS = 3
LONGEST_DEVICE_ID = 255

_CHARGER: Table = Charger.__table__  # type: ignore[assignment]
_HANDSHAKE: Table = Handshake.__table__  # type: ignore[assignment]
_NODE: Table = SidecarNode.__table__  # type: ignore[assignment]

_FIND = Prepared(
    select(
        _CHARGER.c.id,
        _CHARGER.c.operator_id,
        _CHARGER.c.station_id,
        _CHARGER.c.security_profile,
        _CHARGER.c.password_salt,
        _CHARGER.c.password_hash,
        _CHARGER.c.accepts_no_subprotocol,
        _CHARGER.c.clock_zone,
        _CHARGER.c.answers_pings,
        _CHARGER.c.node,
        _CHARGER.c.epoch,
        _CHARGER.c.booted_at,
        _CHARGER.c.disconnected_at,
        key_offers.is_open(_CHARGER.c.id).label("has_offers"),
    ).where(_CHARGER.c.device_id == bindparam("device_id"), _CHARGER.c.retired_at.is_(None))
)
_HOLD = Prepared(
    update(_CHARGER)
    .where(_CHARGER.c.id == bindparam("row"), _CHARGER.c.epoch == bindparam("old_epoch"))
    .values(
        node=bindparam("new_node"),
        epoch=bindparam("new_epoch"),
        ocpp_version=bindparam("version"),
        security_profile=bindparam("profile"),
        connected_at=bindparam("moment"),
        last_seen_at=bindparam("moment"),
    )
)
_FREE = Prepared(
    update(_CHARGER)
    .where(
        _CHARGER.c.id == bindparam("row"),
        _CHARGER.c.epoch == bindparam("of_epoch"),
        _CHARGER.c.node == bindparam("of_node"),
    )
    .values(node=None, disconnected_at=bindparam("moment"))
)
_SEEN = Prepared(update(_CHARGER).where(_CHARGER.c.id == bindparam("row")).values(last_seen_at=bindparam("moment")))
_COLUMNS = tuple(column.name for column in _HANDSHAKE.columns if column.name != "id")
_RECORD = Prepared(insert(_HANDSHAKE).returning(_HANDSHAKE.c.id), *_COLUMNS)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A wish to open a socket."""

    path: str
    device_id: str | None  # None: the address names no charger
    user: bytes | None  # of Basic authentication; None: no credentials
    password: bytes | None
    subprotocols: tuple[str, ...]
    version: str | None  # what was chosen of the subprotocols; None: nothing of ours was offered
    is_tls: bool
    remote_address: str | None
    user_agent: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Admission:
    """A charger that may open a socket, and what its messages need to be understood."""

    charger_id: int
    operator_id: int
    station_id: int
    device_id: str
    version: str
    subprotocol: str | None
    clock_zone: str
    answers_pings: bool
    epoch: int
    took_over_from: str | None  # the node that held the charger's earlier socket
    awaited: frozenset[str]  # messages that would show the effect of a command


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wish that was not granted."""

    outcome: HandshakeOutcome


def connect(db: Session, attempt: Attempt, node: str) -> Admission | Refusal:
    """The charger is held by that node under a new epoch and the handshake recorded; or it is refused, unrecorded.

    Credentials are checked first, and in the same time for chargers that do not exist, so that the answer
    tells a stranger nothing.
    """
    found = _FIND.first(db.connection(), {"device_id": attempt.device_id or ""})
    offered = _offered(db, attempt, found)
    refused = _refused(attempt, found, is_offered=offered is not None)
    if refused is not None or found is None:
        return Refusal(refused or HandshakeOutcome.UNKNOWN_CHARGER)
    version = attempt.version or "1.6"
    if not _hold(db, attempt, found, node, version):
        return connect(db, attempt, node)  # another sidecar took the charger in this very moment
    epoch = found["epoch"] + 1
    record(db, attempt, HandshakeOutcome.ACCEPTED, charger_id=found["id"])
    commands.forget_sockets(db, found["id"], before_epoch=epoch, now=attempt.at)
    if found["has_offers"] and found["security_profile"] > 0:
        key_offers.used(db, found["id"], offered, attempt.at)
    _tell(db, found, node, epoch, attempt)
    return Admission(
        charger_id=found["id"],
        operator_id=found["operator_id"],
        station_id=found["station_id"],
        device_id=attempt.device_id or "",
        version=version,
        subprotocol=f"ocpp{version}" if attempt.subprotocols else None,
        clock_zone=found["clock_zone"] or "UTC",
        answers_pings=found["answers_pings"],
        epoch=epoch,
        took_over_from=found["node"],
        awaited=commands.awaited(db, found["id"]),
    )


def _offered(db: Session, attempt: Attempt, found: dict[str, Any] | None) -> int | None:
    if found is None or not found["has_offers"]:
        return None
    return key_offers.opened_by(db, found["id"], attempt.password or b"", attempt.at)


def _refused(attempt: Attempt, found: dict[str, Any] | None, *, is_offered: bool) -> HandshakeOutcome | None:
    salt, key_hash = (found["password_salt"], found["password_hash"]) if found else (None, None)
    is_right = charger_keys.matches(salt, key_hash, attempt.password or b"")
    if attempt.device_id is None:
        return HandshakeOutcome.BAD_IDENTITY
    if found is None:
        return HandshakeOutcome.UNKNOWN_CHARGER
    profile: int = found["security_profile"]
    if profile > 0:
        if attempt.user is None:
            return HandshakeOutcome.NO_PASSWORD
        if attempt.user != attempt.device_id.encode():
            return HandshakeOutcome.WRONG_USER
        if not is_right and not is_offered:
            return HandshakeOutcome.WRONG_PASSWORD
    # Profile 3 is proven by a client certificate, which nobody can show here yet.
    if profile == 3 or (profile == 2 and not attempt.is_tls):
        return HandshakeOutcome.WRONG_PROFILE
    if attempt.version is not None:
        return None
    if attempt.subprotocols:
        return HandshakeOutcome.UNKNOWN_VERSION
    return None if found["accepts_no_subprotocol"] else HandshakeOutcome.NO_SUBPROTOCOL


def _hold(db: Session, attempt: Attempt, found: dict[str, Any], node: str, version: str) -> bool:
    profile = found["security_profile"]
    hold = {
        "row": found["id"],
        "old_epoch": found["epoch"],
        "new_node": node,
        "new_epoch": found["epoch"] + 1,
        "version": version,
        # Who has shown that it can do TLS is held to it.
        "profile": 2 if profile == 1 and attempt.is_tls else profile,
        "moment": attempt.at,
    }
    return _HOLD.run(db.connection(), hold) == 1


def _tell(db: Session, found: dict[str, Any], node: str, epoch: int, attempt: Attempt) -> None:
    charger_id, now, gone_at = found["id"], attempt.at, found["disconnected_at"]
    if found["node"] is not None:
        charger_events.record(db, charger_id, "takeover", "A newer socket took over", at=now, now=now)
        _warn_of_twins(db, charger_id, now)
        if found["node"] != node:
            doorbell.announce_takeover(db, charger_id, epoch)
    elif gone_at is None:
        charger_events.record(db, charger_id, "connected", "First connected", at=now, now=now)
    elif now - gone_at > NOTABLE_BREAK:
        charger_events.record(db, charger_id, "disconnected", "Went offline", at=gone_at, now=now)
        charger_events.record(db, charger_id, "connected", "Back online", at=now, now=now)


def _warn_of_twins(db: Session, charger_id: int, now: datetime) -> None:
    recent = select(func.count()).where(
        ChargerEvent.charger_id == charger_id,
        ChargerEvent.at > now - TAKEOVERS_WITHIN,
        ChargerEvent.kind == "takeover",
    )
    warning = f"More than {MOST_TAKEOVERS} takeovers in 10 minutes: do two devices use this identity?"
    if (db.scalar(recent) or 0) > MOST_TAKEOVERS and not charger_events.was_recorded_since(
        db, charger_id, "flag", warning, now=now, within_s=int(TAKEOVERS_WITHIN.total_seconds())
    ):
        charger_events.record(db, charger_id, "flag", warning, at=now, now=now)


def record(
    db: Session,
    attempt: Attempt,
    outcome: HandshakeOutcome,
    *,
    charger_id: int | None = None,
) -> int:
    """The connection doctor knows of that attempt. Returns the row's id, for `repeat`."""
    row = {
        "at": attempt.at,
        "path": attempt.path,
        "device_id": attempt.device_id,
        "charger_id": charger_id,
        "remote_address": attempt.remote_address,
        "subprotocols": list(attempt.subprotocols),
        "user_agent": attempt.user_agent,
        "is_tls": attempt.is_tls,
        "outcome": outcome,
        "repeats": 1,
    }
    recorded = _RECORD.first(db.connection(), row)
    return int(recorded["id"]) if recorded else 0


def repeat(db: Session, handshake_id: int, times: int) -> None:
    """The same refusal came again so many times."""
    db.execute(update(Handshake).where(Handshake.id == handshake_id).values(repeats=Handshake.repeats + times))


def seen(db: Session, charger_id: int, now: datetime) -> None:
    """The charger was heard of at that moment."""
    _SEEN.run(db.connection(), {"row": charger_id, "moment": now})


def disconnect(db: Session, charger_id: int, epoch: int, node: str, now: datetime) -> bool:
    """The charger is offline, unless a newer socket holds it; what was under way on its socket has failed."""
    keys = {"row": charger_id, "of_epoch": epoch, "of_node": node, "moment": now}
    freed = _FREE.run(db.connection(), keys)
    commands.forget_sockets(db, charger_id, before_epoch=epoch + 1, now=now)
    return freed > 0


def held_by(db: Session, node: str) -> set[tuple[int, int]]:
    """(charger id, epoch) of every charger whose present socket is that sidecar's."""
    rows = db.execute(select(Charger.id, Charger.epoch).where(Charger.node == node))
    return {(charger_id, epoch) for charger_id, epoch in rows}


def database_now(db: Session) -> datetime:
    """The present moment by the one clock that all sidecars share; on SQLite they share the machine's."""
    if db.get_bind().dialect.name != "postgresql":
        return utcnow()
    now: datetime = db.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def begin(db: Session, node: str, now: datetime) -> None:
    """That sidecar runs, and holds nothing: whatever it held before it died is offline."""
    known = db.get(SidecarNode, node)
    if known is None:
        db.add(SidecarNode(name=node, started_at=now, seen_at=now))
    else:
        known.started_at = known.seen_at = now
    db.flush()
    release(db, node, now)


def beat(db: Session, node: str, now: datetime) -> None:
    """That sidecar's lease runs on."""
    db.connection().execute(update(_NODE).where(_NODE.c.name == node).values(seen_at=now))


def renew_holds(db: Session, node: str, epochs: Iterable[tuple[int, int]], now: datetime) -> int:
    """Chargers that others took for offline while this sidecar could not renew its lease are online again.

    Args:
        epochs: (charger id, epoch) of the sockets that are open here.
    """
    beat(db, node, now)
    renewed = 0
    for charger_id, epoch in epochs:
        again = update(Charger).where(Charger.id == charger_id, Charger.epoch == epoch, Charger.node.is_(None))
        renewed += db.connection().execute(again.values(node=node, disconnected_at=None)).rowcount
    return renewed


def release(db: Session, node: str, now: datetime) -> int:
    """No charger is held by that node; what it had under way has failed. Returns how many it held."""
    lost = db.execute(select(Charger.id, Charger.epoch).where(Charger.node == node)).all()
    for charger_id, epoch in lost:
        disconnect(db, charger_id, epoch, node, now)
    return len(lost)


def release_dead(db: Session, now: datetime) -> int:
    """The chargers of sidecars that are silent for longer than the lease are offline. Returns how many."""
    alive = select(SidecarNode.name).where(SidecarNode.seen_at > now - LEASE)
    holders = select(Charger.node).where(Charger.node.is_not(None), Charger.node.not_in(alive)).distinct()
    return sum(release(db, node, now) for node in db.scalars(holders).all() if node)


def forget_handshakes(db: Session, before: datetime, limit: int = 5000) -> int:
    """Up to that many of the oldest attempts are gone if they are older than that; returns how many."""
    oldest = db.execute(select(Handshake.id, Handshake.at).order_by(Handshake.id).limit(limit)).all()
    old = [handshake_id for handshake_id, at in oldest if at < before]
    if old:
        db.execute(delete(Handshake).where(Handshake.id.in_(old)).execution_options(synchronize_session=False))
    return len(old)
