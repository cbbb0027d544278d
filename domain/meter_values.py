"""Meter values: kept as sent, and drawn out into what a session has used so far.

This is the hot path of the sidecar, hence plain statements: one SELECT, one INSERT, one UPDATE for a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from domain import meter_samples
from domain.charger_clock import ChargerTime
from domain.charging_flags import Flag, merged
from domain.fast_sql import Prepared
from domain.meter_samples import Reading
from domain.models.charging import ChargingSession, MeterValue, SessionStatus

# How long after its stop a session still takes meter values under its id; later the id is a stale one (quirk F9).
AFTERMATH = timedelta(minutes=10)
# What stop and last sample may differ by: meters round (quirk F14).
STOP_TOLERANCE_WH = 50
# No vehicle takes more in one session: a larger step is a lifetime register against a start of 0, or a broken one.
MOST_ENERGY_WH = 2_000_000

Row = dict[str, Any]

_SESSION: Table = ChargingSession.__table__  # type: ignore[assignment]
_VALUE: Table = MeterValue.__table__  # type: ignore[assignment]
_STATE = (
    _SESSION.c.id, _SESSION.c.status, _SESSION.c.started_at, _SESSION.c.stopped_at, _SESSION.c.stop_received_at,
    _SESSION.c.meter_start_wh, _SESSION.c.energy_wh, _SESSION.c.last_meter_wh, _SESSION.c.last_meter_at,
    _SESSION.c.power_w, _SESSION.c.soc_percent, _SESSION.c.flags, _SESSION.c.meter_stop_wh,
    _SESSION.c.reported_transaction_id,
)  # fmt: skip
_BY_TRANSACTION = Prepared(
    select(*_STATE).where(
        _SESSION.c.charger_id == bindparam("charger"), _SESSION.c.transaction_id == bindparam("transaction")
    )
)
_ACTIVE = Prepared(
    select(*_STATE)
    .where(
        _SESSION.c.charger_id == bindparam("charger"),
        _SESSION.c.connector_number == bindparam("connector"),
        _SESSION.c.status == SessionStatus.ACTIVE,
        _SESSION.c.started_at <= bindparam("begun_by"),
    )
    .order_by(_SESSION.c.started_at.desc())
    .limit(1)
)
_OF_ANOTHER = Prepared(
    select(_SESSION.c.id).where(
        _SESSION.c.transaction_id == bindparam("transaction"), _SESSION.c.charger_id != bindparam("charger")
    )
)
_SAME_MOMENT = Prepared(
    select(_VALUE.c.connector_number, _VALUE.c.samples).where(
        _VALUE.c.charger_id == bindparam("charger"), _VALUE.c.at == bindparam("moment")
    )
)
_INSERT = Prepared(insert(_VALUE), *(column.name for column in _VALUE.columns if column.name != "id"))
_LIVE = ("meter_start_wh", "energy_wh", "last_meter_wh", "last_meter_at", "power_w", "soc_percent")
_OF_ROW = update(_SESSION).where(_SESSION.c.id == bindparam("row"))
# A stop that was committed meanwhile has the last word.
_ADVANCE = Prepared(_OF_ROW.where(_SESSION.c.stopped_at.is_(None)).values({name: bindparam(name) for name in _LIVE}))
_FLAG = Prepared(_OF_ROW.values(flags=bindparam("flags")))
_REPORTED_ID = Prepared(_OF_ROW.values(reported_transaction_id=bindparam("transaction")))
_FLAGS = Prepared(select(_SESSION.c.flags).where(_SESSION.c.id == bindparam("row")))


@dataclass(frozen=True, slots=True)
class Sampled:
    """One MeterValue: when, and its sampledValue list as sent."""

    time: ChargerTime
    samples: Sequence[Mapping[str, Any]]


def store(
    db: Session,
    charger_id: int,
    connector_number: int,
    transaction_id: int | None,
    values: Sequence[Sampled],
    now: datetime,
) -> None:
    """Those meter values are kept, each once, and the session that they belong to has advanced, if it is still open.

    Args:
        transaction_id: as the charger says; 0, negative and None say nothing (quirk F11).
    """
    values = [value for value in values if value.samples]
    if not values:
        return
    connection = db.connection()
    newest = max(value.time.at for value in values)
    charging = _session_of(connection, charger_id, connector_number, transaction_id, newest)
    readings = [meter_samples.read(value.samples) for value in values]
    row_id = None if charging is None else charging["id"]
    is_open = charging is not None and charging["stopped_at"] is None
    known_until = charging["last_meter_at"] if charging is not None and is_open else None
    rows = [
        _row(charger_id, connector_number, row_id, value, reading, now)
        for value, reading in zip(values, readings, strict=True)
        if _is_new(connection, charger_id, connector_number, value, known_until)
    ]
    if rows:
        _INSERT.run_each(connection, rows)
    if not rows or charging is None:
        return
    if is_open:
        _advance(connection, charging, values, readings)
    elif any(contradicts_stop(reading, charging["meter_stop_wh"]) for reading in readings):
        _add_flags(connection, charging, [Flag.METER_STOP_DIFFERS])


def attach(db: Session, charging: ChargingSession, values: Sequence[Sampled], now: datetime) -> list[Reading]:
    """Those values, which came with the stop, belong to that session, each once. Returns their figures."""
    connection = db.connection()
    readings = [meter_samples.read(value.samples) for value in values]
    rows = [
        _row(charging.charger_id, charging.connector_number, charging.id, value, reading, now)
        for value, reading in zip(values, readings, strict=True)
        if value.samples and not _is_stored(connection, charging.charger_id, charging.connector_number, value)
    ]
    if rows:
        _INSERT.run_each(connection, rows)
    return readings


def contradicts_stop(reading: Reading, meter_stop_wh: int | None) -> bool:
    """Whether a sample of the transaction's end and the meter value of its stop disagree (quirk F14)."""
    if reading.end_wh is None or meter_stop_wh is None:
        return False
    return abs(reading.end_wh - meter_stop_wh) > STOP_TOLERANCE_WH


def _session_of(
    connection: Connection, charger_id: int, connector_number: int, transaction_id: int | None, newest: datetime
) -> Row | None:
    if transaction_id is None or transaction_id <= 0:
        return _active(connection, charger_id, connector_number, newest)
    keys = {"charger": charger_id, "transaction": str(transaction_id)}
    charging = _BY_TRANSACTION.first(connection, keys)
    if charging is not None and (charging["stopped_at"] is None or newest <= charging["stopped_at"] + AFTERMATH):
        return charging
    if charging is None and _OF_ANOTHER.first(connection, keys) is not None:
        return None  # another charger's id proves nothing about this one's session
    active = _active(connection, charger_id, connector_number, newest)
    if active is None:
        return charging  # late by months perhaps; it belongs to its session and changes nothing
    if active["reported_transaction_id"] != str(transaction_id):
        _REPORTED_ID.run(connection, {"row": active["id"], "transaction": str(transaction_id)})
        _add_flags(connection, active, [Flag.FOREIGN_TRANSACTION_ID])
    return active


def _active(connection: Connection, charger_id: int, connector_number: int, at: datetime) -> Row | None:
    if connector_number <= 0:
        return None  # connector 0 carries totals of the whole charger
    keys = {"charger": charger_id, "connector": connector_number, "begun_by": at + timedelta(seconds=60)}
    return _ACTIVE.first(connection, keys)


def _is_new(
    connection: Connection, charger_id: int, connector_number: int, value: Sampled, known_until: datetime | None
) -> bool:
    # Only what is newer than all before cannot be a repetition.
    if known_until is not None and value.time.at > known_until:
        return True
    return not _is_stored(connection, charger_id, connector_number, value)


def _is_stored(connection: Connection, charger_id: int, connector_number: int, value: Sampled) -> bool:
    same = _SAME_MOMENT.all(connection, {"charger": charger_id, "moment": value.time.at})
    return any(row["connector_number"] == connector_number and row["samples"] == value.samples for row in same)


def _row(
    charger_id: int, connector_number: int, charging_id: int | None, value: Sampled, reading: Reading, now: datetime
) -> dict[str, Any]:
    return {
        "charger_id": charger_id,
        "connector_number": connector_number,
        "charging_session_id": charging_id,
        "at": value.time.at,
        "received_at": now,
        "at_charger": value.time.text,
        "energy_wh": reading.energy_wh,
        "power_w": reading.power_w,
        "soc_percent": reading.soc_percent,
        "samples": value.samples,
    }


def _advance(connection: Connection, charging: Row, values: Sequence[Sampled], readings: Sequence[Reading]) -> None:
    state: dict[str, Any] = {name: charging[name] for name in _LIVE}
    flags: list[Flag] = []
    since = state["last_meter_at"] or charging["started_at"] - timedelta(seconds=60)
    in_order = sorted(zip(values, readings, strict=True), key=lambda pair: pair[0].time.at)
    for value, reading in in_order:
        flags += reading.flags
        if value.time.at < since:
            continue  # an older value does not overwrite a newer one (quirk E8)
        state["last_meter_at"] = value.time.at
        if reading.power_w is not None:
            state["power_w"] = reading.power_w
        if reading.soc_percent is not None:
            state["soc_percent"] = reading.soc_percent
        if reading.energy_wh is not None:
            flags += _count(state, reading.energy_wh)
    _ADVANCE.run(connection, {"row": charging["id"], **state})
    if flags:
        _add_flags(connection, charging, flags)


def _count(state: dict[str, Any], register_wh: int) -> list[Flag]:
    if state["meter_start_wh"] is None:  # the start could not be read: what is measured first counts as it
        state["meter_start_wh"] = register_wh
    used = register_wh - state["meter_start_wh"]
    if used > MOST_ENERGY_WH:
        return [Flag.METER_IMPLAUSIBLE]
    before = state["meter_start_wh"] if state["last_meter_wh"] is None else state["last_meter_wh"]
    state["last_meter_wh"] = register_wh
    state["energy_wh"] = max(state["energy_wh"], used)
    return [Flag.METER_DIP] if register_wh < before else []


def _add_flags(connection: Connection, charging: Row, flags: Sequence[Flag]) -> None:
    if set(flags) <= set(charging["flags"]):
        return
    row = _FLAGS.first(connection, {"row": charging["id"]})
    present: list[str] = row["flags"] if row is not None else []
    wanted = merged(present, *flags)
    if wanted != present:
        _FLAG.run(connection, {"row": charging["id"], "flags": wanted})
