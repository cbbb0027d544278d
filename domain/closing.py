"""How a charging session ends: its figures, and the ends that no charger reported."""

import json
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, bindparam, select, update
from sqlalchemy.orm import Session, aliased

from domain import charger_events, meter_samples, tariff_book
from domain.charging_flags import Flag, merged
from domain.errors import Conflict, Refused
from domain.meter_values import MOST_ENERGY_WH
from domain.models.chargers import Charger, ChargerEvent, Connector
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.tariffs import Reading, usage_from_meter

# How long the books wait for a stop after the plug was reported free, or after a newer start: chargers report
# Available before their stop (quirks G1, G10) and replay a queue in pieces.
GRACE = timedelta(minutes=10)

# Reports without a usable time are told apart by when they came: the same ones within this time are one.
REPEAT_WITHIN = timedelta(minutes=10)
SATURATED = 2**31 - 1  # a 32-bit meter value at its limit (quirk F13)

REMOTE_STOP = "remote_stop"
NEXT_START = "next_start"
AVAILABLE = "available"
BY_HAND = "closed_by_hand"


def sane_register(meter_wh: int) -> tuple[int | None, tuple[Flag, ...]]:
    """The meter value of a start or stop, or None and why it cannot be one."""
    if meter_wh == SATURATED:
        return None, (Flag.METER_SATURATED,)
    if abs(meter_wh) > meter_samples.MOST_REGISTER_WH:
        return None, (Flag.METER_IMPLAUSIBLE,)
    return meter_wh, ()


def complete(
    db: Session, charging: ChargingSession, *, stopped_at: datetime, meter_stop_wh: int | None, flags: tuple[str, ...]
) -> None:
    """The session has ended then, with that register; its energy is settled and never negative.

    A refused session stays refused: what it delivered is shown, not billed.
    """
    if stopped_at < charging.started_at:
        flags = (*flags, Flag.STOP_BEFORE_START)
    charging.stopped_at = max(stopped_at, charging.started_at)
    charging.meter_stop_wh = meter_stop_wh
    charging.flags = merged(charging.flags, *flags)
    charging.energy_wh, odd = _energy(db, charging)
    charging.power_w = None
    if charging.status is SessionStatus.REFUSED:
        odd += (Flag.ENERGY_THOUGH_REFUSED,) if charging.energy_wh > 0 else ()
    else:
        charging.status = SessionStatus.COMPLETED
    charging.flags = merged(charging.flags, *odd)
    db.flush()


def _energy(db: Session, charging: ChargingSession) -> tuple[int, tuple[str, ...]]:
    start, stop = charging.meter_start_wh, charging.meter_stop_wh
    if start is None or stop is None:
        return charging.energy_wh, ()
    is_steady = Flag.METER_DIP not in charging.flags and stop >= (charging.last_meter_wh or start)
    if stop >= start and is_steady:
        used = stop - start
        return (used, ()) if used <= MOST_ENERGY_WH else (used, (Flag.METER_IMPLAUSIBLE,))
    usage = usage_from_meter(
        charging.started_at, charging.stopped_at or charging.started_at, start, stop, readings(db, charging)
    )
    below = (Flag.METER_STOP_BELOW_START,) if stop < start else ()
    return max(0, round(usage.energy_wh)), (*below, *sorted(usage.flags - {"interpolated"}))


def readings(db: Session, charging: ChargingSession) -> list[Reading]:
    """The energy registers seen during the session."""
    found = db.execute(
        select(MeterValue.at, MeterValue.energy_wh).where(
            MeterValue.charging_session_id == charging.id, MeterValue.energy_wh.is_not(None)
        )
    )
    return [Reading(at, energy_wh) for at, energy_wh in found if energy_wh is not None]


def end_sample(db: Session, charging: ChargingSession, context: str) -> meter_samples.Reading | None:
    """The stored meter value that shows the register at the begin or the end of the transaction, if there is one."""
    is_begin = context == meter_samples.BEGIN
    outermost = (MeterValue.at, MeterValue.id) if is_begin else (MeterValue.at.desc(), MeterValue.id.desc())
    stored = (
        select(MeterValue.samples)
        .where(MeterValue.charging_session_id == charging.id, MeterValue.energy_wh.is_not(None))
        .order_by(*outermost)
        .limit(5)
    )
    readings = map(meter_samples.read, db.scalars(stored))
    return next((one for one in readings if (one.begin_wh if is_begin else one.end_wh) is not None), None)


def anchor(db: Session, charging: ChargingSession) -> None:
    """A session that was reported live by a clock that is behind stands at our time, its meter values too.

    A replayed session arrives at once, a live one takes as long as it took; that tells a slow clock from time offline.
    """
    if charging.stopped_at is None or charging.stop_received_at is None or Flag.ARRIVED_LATE not in charging.flags:
        return
    behind = charging.start_received_at - charging.started_at
    also_behind = charging.stop_received_at - charging.stopped_at
    lasted = charging.stopped_at - charging.started_at
    is_live = abs(behind - also_behind) <= timedelta(seconds=60) and lasted > timedelta(minutes=2)
    if not is_live or behind <= timedelta(seconds=60):
        return
    charging.started_at += behind
    charging.stopped_at += behind
    kept = [flag for flag in charging.flags if flag != Flag.ARRIVED_LATE]
    charging.flags = merged(kept, Flag.CLOCK_BEHIND)
    if charging.payment_id is None:
        tariff = tariff_book.in_force(db, charging.station_id, charging.started_at)
        charging.tariff_id = tariff.id if tariff else None
    _move_values(db, charging, behind)
    db.flush()


def _move_values(db: Session, charging: ChargingSession, by: timedelta) -> None:
    found = select(MeterValue.id, MeterValue.at).where(MeterValue.charging_session_id == charging.id)
    moved = [{"row": row_id, "moved_to": at + by} for row_id, at in db.execute(found)]
    if moved:
        table = MeterValue.__table__
        statement = update(table).where(table.c.id == bindparam("row")).values(at=bindparam("moved_to"))  # type: ignore[arg-type]
        db.connection().execute(statement, moved)


def known_cause(db: Session, charging: ChargingSession) -> str | None:
    """What we know about why it ended, whatever the charger says (quirk F15)."""
    if charging.stop_cause is not None or charging.transaction_id is None:
        return charging.stop_cause
    stops = select(Command.payload).where(
        Command.charger_id == charging.charger_id,
        Command.action == "RemoteStopTransaction",
        Command.status.in_((CommandStatus.SENT, CommandStatus.ACCEPTED)),
        Command.queued_at >= charging.start_received_at,
    )
    asked = (json.loads(payload).get("transactionId") for payload in db.scalars(stops))
    return REMOTE_STOP if charging.transaction_id in map(str, asked) else None


def close_superseded(db: Session, charging: ChargingSession, next_start: datetime) -> None:
    """The session is over, because the next one has started on its plug; the last meter value counts (quirk F17)."""
    ended = min(charging.last_meter_at or next_start, next_start)
    _close(db, charging, ended, NEXT_START)


def close_abandoned(db: Session, now: datetime) -> int:
    """As `close_if_abandoned` for all that there are; returns how many were closed."""
    return sum(close_if_abandoned(db, charging_session_id, now) for charging_session_id in abandoned(db, now))


def abandoned(db: Session, now: datetime) -> list[int]:
    """Ids of sessions whose stop never came.

    These are those whose plug has been free, or taken by a newer session, for longer than the grace; the charger must
    be online, for an offline one still has its stop in the queue (quirk A15).
    """
    on_free_plugs = [
        charging.id for charging, plug in db.execute(_on_free_plugs()) if _is_free(db, charging, plug, now)
    ]
    behind_newer_ones = [charging.id for charging, _ in db.execute(_behind_newer_ones(now))]
    return sorted({*on_free_plugs, *behind_newer_ones})


def close_if_abandoned(db: Session, charging_session_id: int, now: datetime) -> bool:
    """True if that session's stop never came and it is closed with the last meter value; may run again and again."""
    one = ChargingSession.id == charging_session_id
    for charging, plug in db.execute(_on_free_plugs().where(one).with_for_update(of=ChargingSession)).all():
        if _is_free(db, charging, plug, now):
            _close(db, charging, plug.status_at or now, AVAILABLE)
            return True
    for charging, started_at in db.execute(
        _behind_newer_ones(now).where(one).with_for_update(of=ChargingSession)
    ).all():
        close_superseded(db, charging, started_at)
        return True
    return False


def _on_free_plugs() -> Select[ChargingSession, Connector]:
    return (
        select(ChargingSession, Connector)
        .join(Charger, Charger.id == ChargingSession.charger_id)
        .join(Connector, _is_plug_of(ChargingSession))
        .where(
            ChargingSession.status == SessionStatus.ACTIVE,
            Charger.node.is_not(None),
            Connector.status == "Available",
            Connector.status_at >= ChargingSession.started_at,
        )
        .execution_options(populate_existing=True)
    )


def _is_plug_of(charging: type[ChargingSession]) -> ColumnElement[bool]:
    return (Connector.charger_id == charging.charger_id) & (Connector.number == charging.connector_number)


def _is_free(db: Session, charging: ChargingSession, plug: Connector, now: datetime) -> bool:
    newest = (
        select(ChargerEvent.received_at)
        .where(
            ChargerEvent.charger_id == plug.charger_id,
            ChargerEvent.connector_number == plug.number,
            ChargerEvent.kind == "status",
        )
        .order_by(ChargerEvent.at.desc(), ChargerEvent.id.desc())
        .limit(1)
    )
    told_at = max(filter(None, (db.scalar(newest), charging.start_received_at)))
    still_delivers = bool(charging.power_w) and (charging.last_meter_at or told_at) > (plug.status_at or told_at)
    return told_at <= now - GRACE and not still_delivers


def _behind_newer_ones(now: datetime) -> Select[ChargingSession, datetime]:
    newer = aliased(ChargingSession)
    return (
        select(ChargingSession, newer.started_at)
        .join(
            newer,
            (newer.charger_id == ChargingSession.charger_id)
            & (newer.connector_number == ChargingSession.connector_number)
            & (newer.started_at > ChargingSession.started_at),
        )
        .where(
            ChargingSession.status == SessionStatus.ACTIVE,
            ChargingSession.start_received_at <= now - GRACE,
            newer.start_received_at <= now - GRACE,
            newer.transaction_id.is_not(None),
        )
        .order_by(newer.started_at)
        .execution_options(populate_existing=True)
    )


def close_by_hand(
    db: Session, charging: ChargingSession, meter_wh: int, reason: str, *, by: str, now: datetime
) -> None:
    """The session is closed in the books with that register, whatever the charger does.

    Raises:
        Conflict: it has ended already.
        Refused: the register is below the start, beyond what a vehicle takes, or no reason is given.
    """
    db.refresh(charging, with_for_update=True)
    if charging.status is not SessionStatus.ACTIVE:
        raise Conflict("This session has ended already.")
    _check_register(charging, meter_wh)
    if not reason.strip():
        raise Refused("Say why you close it.", [("reason", "Say why you close it.")])
    charging.stop_cause = BY_HAND
    complete(
        db, charging, stopped_at=charging.last_meter_at or now, meter_stop_wh=meter_wh, flags=(Flag.CLOSED_BY_HAND,)
    )
    charger_events.record(
        db, charging.charger_id, "flag", f"Session {charging.id} closed in the books",
        at=now, now=now, connector_number=charging.connector_number,
        detail={"by": by, "reason": reason.strip(), "meter_wh": meter_wh, "session": charging.id},
    )  # fmt: skip


def close_with_what_is_known(db: Session, charging: ChargingSession, cause: str, now: datetime) -> None:
    """The session is closed with its last meter value, whatever that is; its readings decide what it used."""
    db.refresh(charging, with_for_update=True)
    if charging.status is SessionStatus.ACTIVE:
        _close(db, charging, charging.last_meter_at or now, cause)


def proposed_meter_wh(charging: ChargingSession) -> int:
    """The register to propose to whoever closes the session in the books."""
    known = (charging.last_meter_wh, charging.meter_start_wh)
    return next((register for register in known if register is not None), 0)


def _check_register(charging: ChargingSession, meter_wh: int) -> None:
    start = charging.meter_start_wh if charging.meter_start_wh is not None else meter_wh
    if not 0 <= meter_wh - start <= MOST_ENERGY_WH:
        sentence = f"The meter value must lie between {start} and {start + MOST_ENERGY_WH} Wh."
        raise Refused(sentence, [("meter_wh", sentence)])


def _close(db: Session, charging: ChargingSession, stopped_at: datetime, cause: str) -> None:
    register = charging.last_meter_wh if charging.last_meter_wh is not None else charging.meter_start_wh
    flags = (Flag.STOP_MISSING,) if charging.last_meter_wh is not None else (Flag.STOP_MISSING, Flag.ENERGY_UNKNOWN)
    charging.stop_cause = charging.stop_cause or cause
    complete(db, charging, stopped_at=stopped_at, meter_stop_wh=register, flags=flags)
