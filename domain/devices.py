"""A device's life after it was added: moved, retired, brought back, deleted while nobody has used it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import audit, chargers, commands, many_chargers, qr_codes
from domain.errors import Conflict, Refused
from domain.models.chargers import Charger, QrCode
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.payments import Payment, PaymentStatus
from domain.models.stations import Station

# A driver is paying, or has paid and will plug in.
_HELD = (
    PaymentStatus.CREATED,
    PaymentStatus.ACTION_REQUIRED,
    PaymentStatus.AUTH_PENDING,
    PaymentStatus.AUTH_UNKNOWN,
    PaymentStatus.AUTHORISED,
)


def move(db: Session, devices: Sequence[Charger], station: Station, *, by: str, now: datetime) -> int:
    """The devices belong to the station; returns how many did not before.

    Sessions that run keep station, price and payment; the next one gets those of the new station.
    """
    moving = [charger for charger in devices if charger.station_id != station.id]
    for charger in moving:
        chargers.change(db, charger, {"station_id": station.id}, by=by, now=now)
    return len(moving)


def retire(db: Session, charger: Charger, *, by: str, now: datetime) -> None:
    """The device is out of use: its socket closes, it cannot connect, its QR codes are free for another one.

    Raises:
        Conflict: somebody is charging at it, or is about to.
    """
    db.refresh(charger, with_for_update=True)
    if charger.is_retired:
        return
    if is_busy(db, [charger.id]):
        raise Conflict(f"Somebody is charging at {charger.label}. Stop the session first, then retire it.")
    for code in qr_codes.all_of_charger(db, charger):
        qr_codes.unbind(db, code, by=by, now=now)
    charger.retired_at = now
    if charger.is_connected:
        # The sidecar that holds the socket finds at its next beat that this is no longer its charger.
        charger.node, charger.disconnected_at, charger.epoch = None, now, charger.epoch + 1
        commands.forget_sockets(db, charger.id, before_epoch=charger.epoch, now=now)
    db.flush()
    _record(db, "retired", charger, by, now)


def bring_back(db: Session, charger: Charger, *, by: str, now: datetime) -> None:
    """The device may connect again, with the password that it had."""
    if charger.is_retired:
        charger.retired_at = None
        db.flush()
        _record(db, "brought back", charger, by, now)


def delete(db: Session, charger: Charger, typed: str, *, by: str, now: datetime) -> None:
    """The device is gone, as if it had never been added; its QR codes are free.

    Raises:
        Refused: the person typed another device id.
        Conflict: it has a history, which must stay.
    """
    if typed.strip() != charger.device_id:
        raise Refused("Type the device id exactly as it is shown.", [("device_id", "This is not its device id.")])
    stays = many_chargers.remove(db, [charger.id], with_codes=False, by=by, now=now)
    for reason in stays.values():
        raise Conflict(f"{charger.label} cannot be deleted: {reason[0].lower()}{reason[1:]} Retire it instead.")


def is_busy(db: Session, charger_ids: Sequence[int]) -> bool:
    """Whether a session runs at one of them, or a driver's money is held for one."""
    running = select(ChargingSession.id).where(
        ChargingSession.charger_id.in_(charger_ids), ChargingSession.status == SessionStatus.ACTIVE
    )
    held = select(Payment.id).where(Payment.charger_id.in_(charger_ids), Payment.status.in_(_HELD))
    return db.scalar(running.limit(1)) is not None or db.scalar(held.limit(1)) is not None


def running(db: Session, charger_ids: Sequence[int]) -> int:
    """How many sessions run at them."""
    active = select(func.count()).where(
        ChargingSession.charger_id.in_(charger_ids), ChargingSession.status == SessionStatus.ACTIVE
    )
    return db.scalar(active) or 0


def codes(db: Session, charger_ids: Sequence[int]) -> int:
    """How many QR codes lead to them."""
    return db.scalar(select(func.count()).where(QrCode.charger_id.in_(charger_ids))) or 0


def _record(db: Session, verb: str, charger: Charger, by: str, now: datetime) -> None:
    audit.record(
        db, verb, "charger", charger.id, operator_id=charger.operator_id, by=by, now=now, device_id=charger.device_id
    )
