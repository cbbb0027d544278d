"""Reservations: a plug kept free for one card. The charger decides; the row tells what it decided."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import literal_column, select, update
from sqlalchemy.orm import Session

from domain import audit, commands, payments, turns
from domain.call_fields import stamp
from domain.errors import Conflict, Refused
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.reservations import Reservation, ReservationStatus

S = ReservationStatus
OPEN = (S.ASKED, S.ACTIVE)
LONGEST = timedelta(hours=24)
LONGEST_TAG = 20

_WHY = {
    "Faulted": "The charger says that this plug is out of order.",
    "Occupied": "The charger says that this plug is in use or reserved already.",
    "Rejected": "The charger does not take reservations.",
    "Unavailable": "The charger says that this plug is out of service.",
}


def make(
    db: Session, charger: Charger, connector_number: int, id_tag: str, until: datetime, *, by: str, now: datetime
) -> Reservation:
    """The charger is asked to keep that plug free for that card; 0 stands for any plug.

    Raises:
        ChargerOffline: it cannot be asked now.
        Refused: there is no such plug, no such time, or no card.
        Conflict: the plug is in use, paid for, or reserved.
    """
    id_tag = id_tag.strip()
    if not 1 <= len(id_tag) <= LONGEST_TAG or not id_tag.isprintable():
        raise _wrong("card", f"A card has 1 to {LONGEST_TAG} characters.")
    if not now < until <= now + LONGEST:
        raise _wrong("until", "Choose a time in the next 24 hours.")
    if connector_number and connector_number not in _numbers(db, charger.id):
        raise _wrong("connector", "Choose one of the charger's plugs.")
    turns.at_charger(db, charger.id)
    if open_at(db, charger.id, connector_number) is not None:
        raise Conflict("This plug is reserved already. Cancel that reservation first.")
    if connector_number and _is_in_use(db, charger.id, connector_number):
        raise Conflict("Somebody is charging at this plug, or has paid for it. It can be reserved afterwards.")
    made = Reservation(
        operator_id=charger.operator_id,
        charger_id=charger.id,
        connector_number=connector_number,
        id_tag=id_tag,
        expires_at=until,
        status=S.ASKED,
        made_at=now,
        made_by=by,
    )
    db.add(made)
    db.flush()
    payload = {
        "connectorId": connector_number,
        "expiryDate": stamp(until),
        "idTag": id_tag,
        "reservationId": made.id,
    }
    made.command_id = commands.queue(db, charger, "ReserveNow", payload, by=by, now=now).id
    audit.record(
        db, "asked", "reservation", made.id, operator_id=charger.operator_id, by=by, now=now, connector=connector_number
    )
    return made


def _wrong(name: str, sentence: str) -> Refused:
    return Refused(sentence, [(name, sentence)])


def _numbers(db: Session, charger_id: int) -> set[int]:
    return set(db.scalars(select(Connector.number).where(Connector.charger_id == charger_id)))


def _is_in_use(db: Session, charger_id: int, number: int) -> bool:
    running = select(ChargingSession.id).where(
        ChargingSession.charger_id == charger_id,
        ChargingSession.connector_number == number,
        ChargingSession.status == SessionStatus.ACTIVE,
    )
    return db.scalar(running.limit(1)) is not None or payments.is_paid_for(db, charger_id, number)


def open_at(db: Session, charger_id: int, connector_number: int) -> Reservation | None:
    """The open reservation of that plug."""
    found = select(Reservation).where(
        Reservation.charger_id == charger_id,
        Reservation.connector_number == connector_number,
        Reservation.status.in_(OPEN),
    )
    return db.scalar(found.limit(1))


def reserved_plugs(db: Session, charger_id: int) -> frozenset[int]:
    """The plugs that the charger has agreed to keep free."""
    active = select(Reservation.connector_number).where(
        Reservation.charger_id == charger_id, Reservation.status == S.ACTIVE
    )
    return frozenset(db.scalars(active))


def take_answer(db: Session, command: Command, now: datetime) -> None:
    """The reservation knows what the charger decided."""
    found = db.scalar(select(Reservation).where(Reservation.command_id == command.id).with_for_update())
    if found is None or found.status is not S.ASKED:
        return
    if command.status is CommandStatus.ACCEPTED:
        found.status = S.ACTIVE
    else:
        status = str((command.response or {}).get("status"))
        _end(found, S.REFUSED, now, _WHY.get(status, command.error or "The charger did not answer."))
    db.flush()


def cancel(db: Session, found: Reservation, charger: Charger, *, by: str, now: datetime) -> Command:
    """The charger is asked to give the plug free.

    Raises:
        ChargerOffline: it cannot be asked now.
        Conflict: the reservation is over, or its cancelling is under way.
    """
    if found.status not in OPEN:
        raise Conflict("This reservation is over already.")
    if found.cancel_command_id is not None and not db.get_one(Command, found.cancel_command_id).is_settled:
        raise Conflict("The charger was asked already. Wait for its answer.")
    command = commands.queue(db, charger, "CancelReservation", {"reservationId": found.id}, by=by, now=now)
    found.cancel_command_id, found.trouble = command.id, None
    audit.record(db, "cancelled", "reservation", found.id, operator_id=found.operator_id, by=by, now=now)
    return command


def take_cancelling(db: Session, command: Command, now: datetime) -> None:
    """The plug is free, also if the charger knew nothing of the reservation; else it tells why it is not."""
    found = db.scalar(select(Reservation).where(Reservation.cancel_command_id == command.id).with_for_update())
    if found is None or found.status not in OPEN:
        return
    if command.status is CommandStatus.ACCEPTED:
        _end(found, S.CANCELLED, now, None)
    elif (command.response or {}).get("status") == "Rejected":
        _end(found, S.CANCELLED, now, "The charger knew nothing of it.")
    else:
        found.trouble = command.error or "The charger did not answer. The reservation stands."
    db.flush()


def use(db: Session, charger_id: int, reservation_id: int | None, charging: ChargingSession, now: datetime) -> None:
    """The reservation that the session began on is used: by its number, else by plug and card. 0 is none (quirk C9)."""
    if charging.status is not SessionStatus.ACTIVE:
        return
    own = select(Reservation).where(Reservation.charger_id == charger_id, Reservation.status.in_(OPEN))
    if reservation_id:
        own = own.where(Reservation.id == reservation_id)
    else:
        own = own.where(
            Reservation.connector_number == charging.connector_number, Reservation.id_tag == charging.id_tag
        )
    found = db.scalar(own.limit(1).with_for_update())
    if found is not None:
        found.charging_session_id = charging.id
        _end(found, S.USED, now, None)
        db.flush()


def _end(found: Reservation, status: ReservationStatus, now: datetime, sentence: str | None) -> None:
    found.status, found.ended_at, found.trouble = status, now, sentence


def overdue(db: Session, now: datetime) -> list[int]:
    """Ids of open reservations whose time has come."""
    # Written out, not bound: SQLite only then sees that the index of what is open serves.
    words: list[Any] = [literal_column(f"'{status.value}'") for status in OPEN]
    open_ones = select(Reservation.id).where(Reservation.status.in_(words), Reservation.expires_at <= now)
    return list(db.scalars(open_ones))


def expire(db: Session, now: datetime) -> None:
    """Reservations whose time has come are over."""
    db.execute(
        update(Reservation)
        .where(Reservation.status.in_(OPEN), Reservation.expires_at <= now)
        .values(status=S.EXPIRED, ended_at=now),
        execution_options={"synchronize_session": False},
    )


def all_of(db: Session, operator_id: int, charger_id: int | None, *, is_open: bool, limit: int) -> list[Reservation]:
    """The operator's reservations, the latest first; of one charger, or only open ones."""
    found = select(Reservation).where(Reservation.operator_id == operator_id)
    if charger_id is not None:
        found = found.where(Reservation.charger_id == charger_id)
    if is_open:
        found = found.where(Reservation.status.in_(OPEN))
    ordered = found.order_by(Reservation.id.desc()).limit(limit)
    return list(db.scalars(ordered.execution_options(populate_existing=True)))
