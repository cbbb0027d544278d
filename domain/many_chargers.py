"""Chargers by the thousand: added and taken away in few statements, under the rules of `chargers`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, delete, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain import charger_keys, chargers, qr_codes
from domain.models.batches import BatchRow
from domain.models.chargers import Charger, Handshake, QrBinding, QrCode
from domain.models.operators import AuditEvent
from domain.models.stations import Station
from domain.references import leaning

# What a charger has before it is used: these rows are no history.
BELONGINGS = ("qr_code", "qr_binding", "handshake", "batch_row")
_REASONS = (
    ("charging_session", "It has charging sessions."),
    ("payment", "A driver paid at it."),
    ("connector", "It has connected."),
    ("message", "It has connected."),
    ("charger_event", "It has connected."),
    ("command", "It was sent commands."),
)
_CHARGER: Table = Charger.__table__  # type: ignore[assignment]
_QR_CODE: Table = QrCode.__table__  # type: ignore[assignment]


class Device(NamedTuple):
    """A device to be: its account may be empty."""

    device_id: str
    device_account: str | None


def add(db: Session, station: Station, devices: Sequence[Device], *, by: str, now: datetime) -> dict[str, int]:
    """Each device is a charger of the station with a key that nobody knows yet and a QR code of its own.

    The devices are checked already. Returns the chargers' ids by device id; a device that somebody else added in
    this very moment is left out.
    """
    if not devices:
        return {}
    labels = chargers.free_labels(db, station)
    rows = [_row(station, device, label, by, now) for device, label in zip(devices, labels, strict=False)]
    into = (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert(Charger)
    added = into.on_conflict_do_nothing(index_elements=["device_id"]).returning(Charger.device_id, Charger.id)
    made: dict[str, int] = dict(db.execute(added, rows).all())
    if db.get_bind().dialect.name == "postgresql":
        # Otherwise it checks each foreign key by reading all of the operator's chargers: its figures say there are few.
        db.execute(text("ANALYZE charger"))
    _give_codes(db, station.operator_id, list(made.values()), by, now)
    _record(db, station.operator_id, [("created", key, {"device_id": name}) for name, key in made.items()], by, now)
    return made


def _give_codes(db: Session, operator_id: int, charger_ids: Sequence[int], by: str, now: datetime) -> None:
    """Each charger gets a QR code of its own."""
    if not charger_ids:
        return
    fresh = qr_codes.unused(db, len(charger_ids))
    common = {"operator_id": operator_id, "created_at": now, "bound_at": now}
    codes = [common | {"code": code, "charger_id": each} for code, each in zip(fresh, charger_ids, strict=True)]
    db.execute(insert(QrCode), codes)
    bound = select(QrCode.operator_id, QrCode.id, QrCode.charger_id, QrCode.bound_at, literal(by))
    bound = bound.where(QrCode.charger_id.in_(charger_ids))
    columns = ["operator_id", "qr_code_id", "charger_id", "bound_at", "bound_by"]
    db.execute(insert(QrBinding).from_select(columns, bound))


def in_use(db: Session, charger_ids: Iterable[int]) -> dict[int, str]:
    """Why those of the chargers cannot be taken away as if they had never been; others are left out."""
    ids = list(charger_ids)
    found = leaning(db, _CHARGER, ids, besides=BELONGINGS)
    reasons = {charger_id: _reason(tables) for charger_id, tables in found.items()}
    connected = select(Charger.id).where(Charger.id.in_(ids), Charger.connected_at.is_not(None))
    return dict.fromkeys(db.scalars(connected), "It has connected.") | reasons


def remove(db: Session, charger_ids: Sequence[int], *, with_codes: bool, by: str, now: datetime) -> dict[int, str]:
    """Chargers that nobody has used are gone; returns the others with the reason why they stay.

    Args:
        with_codes: the QR codes made together with them go too; others become free.
    """
    found = select(Charger).where(Charger.id.in_(charger_ids)).order_by(Charger.id).with_for_update()
    rows = list(db.scalars(found.execution_options(populate_existing=True)))
    stay = in_use(db, [charger.id for charger in rows])
    leaving = [charger for charger in rows if charger.id not in stay]
    ids = [charger.id for charger in leaving]
    _free_codes(db, leaving, with_codes)
    db.execute(update(Handshake).where(Handshake.charger_id.in_(ids)).values(charger_id=None))
    db.execute(update(BatchRow).where(BatchRow.charger_id.in_(ids)).values(charger_id=None))
    db.execute(delete(Charger).where(Charger.id.in_(ids)))
    if leaving:
        told = [("deleted", charger.id, {"device_id": charger.device_id}) for charger in leaving]
        _record(db, leaving[0].operator_id, told, by, now)
    return stay


def _row(station: Station, device: Device, label: str, by: str, now: datetime) -> dict[str, Any]:
    salt, key_hash = charger_keys.seal(charger_keys.generate())
    return {
        "operator_id": station.operator_id,
        "station_id": station.id,
        "device_id": device.device_id,
        "device_account": device.device_account,
        "label": label,
        "password_salt": salt,
        "password_hash": key_hash,
        "created_at": now,
        "created_by": by,
    }


def _reason(tables: set[str]) -> str:
    return next((sentence for name, sentence in _REASONS if name in tables), "It is used elsewhere.")


def _free_codes(db: Session, leaving: Sequence[Charger], with_codes: bool) -> None:
    made = {charger.id: charger.created_at for charger in leaving}
    db.execute(delete(QrBinding).where(QrBinding.charger_id.in_(made)))
    codes = list(db.scalars(select(QrCode).where(QrCode.charger_id.in_(made))))
    own = [code.id for code in codes if with_codes and code.created_at == made[code.charger_id or 0]]
    kept = leaning(db, _QR_CODE, own)
    gone = [code_id for code_id in own if code_id not in kept]
    free = update(QrCode).where(QrCode.charger_id.in_(made), QrCode.id.not_in(gone))
    db.execute(free.values(charger_id=None, connector_number=None, bound_at=None))
    db.execute(delete(QrCode).where(QrCode.id.in_(gone)))


def _record(
    db: Session, operator_id: int, acts: Iterable[tuple[str, int, dict[str, Any]]], by: str, now: datetime
) -> None:
    """As `audit.record`, many at once."""
    rows = [
        {
            "at": now,
            "operator_id": operator_id,
            "actor": by,
            "verb": verb,
            "object_type": "charger",
            "object_id": str(charger_id),
            "detail": detail,
        }
        for verb, charger_id, detail in acts
    ]
    if rows:
        db.execute(insert(AuditEvent), rows)
