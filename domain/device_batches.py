"""Batch import devices: what a row of devices means, and the passwords of those that were imported."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from domain import audit, batches, charger_keys, chargers, key_offers, many_chargers
from domain.batches import Heading, Judged, Kind
from domain.errors import Conflict
from domain.many_chargers import Device
from domain.models.batches import Batch, BatchRow, Verdict
from domain.models.chargers import Charger
from domain.models.stations import Station

HEADINGS = (
    Heading("device id", ("deviceid", "charge point id", "identity")),
    Heading("device account", ("deviceaccount", "account", "device account number")),
)
HELP = (
    ("How to fill it in", ""),
    ("device id", "The OCPP identity that the charger sends: 1 to 48 letters, digits, spaces and * - _ = + | @ ."),
    ("device account", "The account number that came with the charger, up to 100 characters. May be left empty."),
    ("Rows", "One charger a row, up to 10,000 rows and 2 MiB in a file. Empty rows do not matter."),
    ("Text, not numbers", "Both columns are formatted as text, so that 000123 and 16-digit numbers keep their digits."),
    ("No formulas", "Type or paste values. Rows with formulas or dates are rejected."),
    ("Twice the same", "A device id counts once, in capitals or small letters."),
    ("", " "),
    ("Examples", ""),
    ("HE60D01930041", "device account 4711-0041"),
    ("EVC000123456789", "device account left empty"),
)  # fmt: skip


def judge(db: Session, operator_id: int, rows: Sequence[Judged]) -> list[Judged]:
    """Each row with its verdict; what several things are wrong with is told the first."""
    known = chargers.registered(db, (row.key for row in rows if row.verdict is Verdict.OK))
    seen: dict[str, int] = {}
    judged = []
    for row in rows:
        verdict, reason = (row.verdict, row.reason) if row.reason else _judged(row, known, seen, operator_id)
        judged.append(replace(row, verdict=verdict, reason=reason))
        if verdict is Verdict.OK:
            seen[row.key.lower()] = row.number
    return judged


def _judged(
    row: Judged, known: dict[str, chargers.Registered], seen: dict[str, int], operator_id: int
) -> tuple[Verdict, str | None]:
    device_id, account = row.cells
    trouble = chargers.identity_trouble(device_id) or chargers.account_trouble(account)
    if not device_id:
        return Verdict.MALFORMED, "The device id is missing."
    if trouble:
        return Verdict.MALFORMED, trouble
    if device_id.lower() in seen:
        return Verdict.DUPLICATE, f"Row {seen[device_id.lower()]} has this device id already."
    found = known.get(device_id.lower())
    if found is None:
        return Verdict.OK, None
    if found.operator_id != operator_id:
        return Verdict.REFUSED, chargers.FOREIGN
    return Verdict.EXISTS, f"You have this charger already: {found.label}."


def add(db: Session, batch: Batch, rows: Sequence[BatchRow], by: str, now: datetime) -> None:
    """Chargers that nobody has added meanwhile are there, the others' rows say so."""
    known = chargers.registered(db, (row.key for row in rows))
    free = [row for row in rows if row.key.lower() not in known]
    devices = [Device(row.cells[0], row.cells[1] or None) for row in free]
    station = db.get_one(Station, batch.station_id)
    made = many_chargers.add(db, station, devices, by=by, now=now)
    missed = chargers.registered(db, (row.key for row in free if row.key not in made))
    _mark_added(db, [row.id for row in free if row.key in made])
    batches.mark(db, [_outcome(row, known | missed, batch.operator_id) for row in rows if row.key not in made])


def _mark_added(db: Session, row_ids: Sequence[int]) -> None:
    # One statement for all: on PostgreSQL one for each row takes most of an import's time.
    mine = update(BatchRow).where(BatchRow.id.in_(row_ids), Charger.device_id == BatchRow.key)
    of_operator = mine.where(Charger.operator_id == BatchRow.operator_id)
    added = of_operator.values(verdict=Verdict.ADDED, charger_id=Charger.id, reason=None)
    db.execute(added, execution_options={"synchronize_session": False})


def _outcome(row: BatchRow, known: dict[str, chargers.Registered], operator_id: int) -> dict[str, object]:
    found = known[row.key.lower()]
    is_own = found.operator_id == operator_id
    reason = f"You have this charger already: {found.label}." if is_own else chargers.FOREIGN
    return {
        "id": row.id,
        "verdict": Verdict.EXISTS if is_own else Verdict.REFUSED,
        "charger_id": None,
        "reason": reason,
    }


def remove(db: Session, _batch: Batch, rows: Sequence[BatchRow], by: str, now: datetime) -> None:
    """What the rows added and nobody has used is gone; the other rows say why it stays."""
    ids = [row.charger_id for row in rows if row.charger_id is not None]
    stay = many_chargers.remove(db, ids, with_codes=True, by=by, now=now)
    batches.mark(db, [_left(row, stay) for row in rows])


def _left(row: BatchRow, stay: dict[int, str]) -> dict[str, object]:
    if row.charger_id in stay:
        return {"id": row.id, "verdict": Verdict.ADDED, "charger_id": row.charger_id, "reason": stay[row.charger_id]}
    return {"id": row.id, "verdict": Verdict.REMOVED, "charger_id": None, "reason": None}


KIND = Kind("device", HEADINGS, judge, add, remove)


class Told(NamedTuple):
    """A charger and its new password, which nobody can read again."""

    charger: Charger
    password: str


def tell_keys(db: Session, batch: Batch, *, again: bool, by: str, now: datetime) -> list[Told]:
    """New passwords for the batch's chargers that have not connected yet; earlier ones open nothing any more.

    Nothing but their hashes is ever kept: they are made when somebody takes them away.

    Raises:
        Conflict: somebody took them already and `again` was not said, or no charger waits for one.
    """
    db.refresh(batch, with_for_update=True)
    if batch.keys_told_at is not None and not again:
        raise Conflict(f"{batch.keys_told_to} downloaded these passwords already. They are kept nowhere.")
    found = list(db.scalars(_waiting_for_keys(batch).with_for_update(of=Charger)))
    if not found:
        raise Conflict("Every charger of this file has connected with its password.")
    told = [Told(charger, charger_keys.generate()) for charger in found]
    key_offers.replace(db, [each.charger.id for each in told], now)
    db.execute(update(Charger), [_sealed(each) for each in told])
    batch.keys_told_at, batch.keys_told_to = now, by
    db.flush()
    audit.record(
        db, "passwords taken", "batch", batch.id, operator_id=batch.operator_id, by=by, now=now, chargers=len(told)
    )
    return told


def waiting_for_keys(db: Session, batch: Batch) -> int:
    """How many of the batch's chargers have never connected."""
    return len(db.scalars(_waiting_for_keys(batch).with_only_columns(Charger.id)).all())


def _waiting_for_keys(batch: Batch) -> Select[Charger]:
    rows = select(Charger).join(BatchRow, BatchRow.charger_id == Charger.id)
    mine = rows.where(BatchRow.batch_id == batch.id, BatchRow.verdict == Verdict.ADDED)
    return mine.where(Charger.connected_at.is_(None), Charger.retired_at.is_(None)).order_by(BatchRow.number)


def _sealed(told: Told) -> dict[str, object]:
    salt, key_hash = charger_keys.seal(told.password)
    return {"id": told.charger.id, "password_salt": salt, "password_hash": key_hash}
