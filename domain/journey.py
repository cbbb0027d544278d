"""A driver's way from paying to the bill: where they stand, and the two buttons on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import commands, orders, payments, station_hours
from domain.catalogues import spoken
from domain.errors import Conflict, NotFound
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.orders import Order
from domain.models.payments import Payment, PaymentStatus, Refund

P = PaymentStatus

START = "RemoteStartTransaction"
STOP = "RemoteStopTransaction"
ANSWER_WITHIN_S = 30
# How long an accepted stop is believed before the button comes back.
STOP_TAKES = timedelta(seconds=60)


class Phase(StrEnum):
    """Where a driver stands."""

    PAYING = "paying"
    CHECKING = "checking"
    DECLINED = "declined"
    ABANDONED = "abandoned"
    READY = "ready"
    STARTING = "starting"
    CHARGING = "charging"
    STOPPING = "stopping"
    BILLING = "billing"
    BILL = "bill"
    RELEASING = "releasing"
    RELEASED = "released"
    EXPIRED = "expired"


_PHASE_OF_PAYMENT = {
    P.CREATED: Phase.PAYING,
    P.ACTION_REQUIRED: Phase.PAYING,
    P.AUTH_PENDING: Phase.CHECKING,
    P.AUTH_UNKNOWN: Phase.CHECKING,
    P.DECLINED: Phase.DECLINED,
    P.ABANDONED: Phase.ABANDONED,
    P.AUTHORISED: Phase.READY,
    P.RELEASE_PENDING: Phase.RELEASING,
    P.RELEASE_UNKNOWN: Phase.RELEASING,
    P.RELEASED: Phase.RELEASED,
    P.EXPIRED: Phase.EXPIRED,
}

BRIEF = frozenset({Phase.CHECKING, Phase.STARTING, Phase.STOPPING, Phase.BILLING, Phase.RELEASING})
# Nothing changes any more by itself.
SETTLED = frozenset({Phase.DECLINED, Phase.ABANDONED, Phase.RELEASED, Phase.EXPIRED})


@dataclass(frozen=True)
class Story:
    """One driver's way so far. `trouble` says what came of the last press of a button: rejected, no_answer."""

    phase: Phase
    charger: Charger
    connector_number: int
    payment: Payment | None = None
    charging: ChargingSession | None = None
    order: Order | None = None
    refund: Refund | None = None
    trouble: str | None = None

    @property
    def is_brief(self) -> bool:
        """Whether this lasts a few seconds only."""
        is_capturing = self.phase is Phase.BILL and self.order is not None and self.order.status == "open"
        return is_capturing or self.phase in BRIEF

    @property
    def is_moving(self) -> bool:
        """Whether the page has to look again by itself."""
        if self.phase is Phase.BILL:
            return self.order is not None and self.order.status in ("open", "refunding")
        return self.phase not in SETTLED


def tell(db: Session, token: str, now: datetime) -> Story:
    """The story behind a secret address, of a payment or of an order that nobody pays by card.

    Raises: NotFound.
    """
    payment = payments.by_token(db, token)
    if payment is None:
        return _of_order(db, token)
    charger = db.get_one(Charger, payment.charger_id)
    charging = db.scalar(select(ChargingSession).where(ChargingSession.payment_id == payment.id))
    order = db.scalar(select(Order).where(Order.payment_id == payment.id))
    refund = orders.last_refund(db, payment.id)
    phase, trouble = _phase(db, payment, charging, order, now)
    return Story(phase, charger, payment.connector_number, payment, charging, order, refund, trouble)


def _of_order(db: Session, token: str) -> Story:
    order = orders.by_token(db, token)
    if order is None:
        raise NotFound(spoken("This link does not lead anywhere. Scan the code on the charger to begin."))
    charging = order.charging
    return Story(Phase.BILL, charging.charger, charging.connector_number, charging=charging, order=order)


def _phase(
    db: Session, payment: Payment, charging: ChargingSession | None, order: Order | None, now: datetime
) -> tuple[Phase, str | None]:
    if order is not None:
        return Phase.BILL, None
    if charging is not None and charging.status is SessionStatus.ACTIVE:
        stop_command = last_command(db, payment, STOP)
        return (Phase.STOPPING if _is_stopping(stop_command, now) else Phase.CHARGING), _trouble(stop_command)
    if charging is not None and payment.status is P.AUTHORISED:
        return Phase.BILLING, None
    if payment.status is P.AUTHORISED:
        start_command = last_command(db, payment, START)
        return (Phase.STARTING if _is_starting(start_command) else Phase.READY), _trouble(start_command)
    return _PHASE_OF_PAYMENT.get(payment.status, Phase.BILLING), None


def last_command(db: Session, payment: Payment, action: str) -> Command | None:
    """The newest command of that kind for a payment."""
    newest = select(Command).where(Command.payment_id == payment.id, Command.action == action)
    # Sidecars write past the ORM, so what it remembers of a command may be old.
    return db.scalar(newest.order_by(Command.id.desc()).limit(1).execution_options(populate_existing=True))


def _is_starting(command: Command | None) -> bool:
    return command is not None and (not command.is_settled or command.status is CommandStatus.ACCEPTED)


def _is_stopping(command: Command | None, now: datetime) -> bool:
    if command is None:
        return False
    is_believed = command.status is CommandStatus.ACCEPTED and now - command.queued_at < STOP_TAKES
    return not command.is_settled or is_believed


def _trouble(command: Command | None) -> str | None:
    if command is None or not command.is_settled or command.status is CommandStatus.ACCEPTED:
        return None
    return "rejected" if command.status is CommandStatus.REJECTED else "no_answer"


def start(db: Session, payment_id: int, now: datetime) -> Command | None:
    """The charger is asked to start, once however often the button is pressed; None if it charges already.

    Raises:
        ChargerOffline: the charger cannot be asked now; the hold stays.
        Conflict: there is no hold to charge on, or the station has closed.
    """
    payment = payments.locked(db, payment_id)
    if payments.has_charging(db, payment_id):
        return None
    if payment.status is not P.AUTHORISED:
        raise Conflict(spoken("This payment no longer covers a charge. Scan the code on the charger to begin again."))
    asked = last_command(db, payment, START)
    if asked is not None and _is_starting(asked):
        return asked
    charger = db.get_one(Charger, payment.charger_id)
    station_hours.check_open(charger.station, now)
    payload = {"connectorId": payment.connector_number, "idTag": payment.id_tag}
    command = commands.queue(
        db, charger, START, payload, by="driver", now=now, timeout_s=ANSWER_WITHIN_S, payment=payment
    )
    payment.start_requested_at = now
    return command


def cancel(db: Session, payment_id: int, now: datetime) -> Payment:
    """The driver does not want to charge after all: the hold is on its way back, and no start is asked for any more.

    Raises: Conflict when charging has started, or may start any moment.
    """
    payment = payments.locked(db, payment_id)
    if payments.has_charging(db, payment_id):
        raise Conflict(spoken("Charging has started. Stop it first."))
    asked = last_command(db, payment, START)
    may_start = asked is not None and _is_starting(asked) and not commands.withdraw(db, asked, now)
    if may_start and now < payments.start_deadline(payment):
        raise Conflict(
            spoken("The charger was asked to start. If nothing starts in three minutes, the hold goes back.")
        )
    if payment.status is P.AUTHORISED:
        payments.ask_release(payment, "cancelled", now)
    db.flush()
    return payment


def stop(db: Session, payment_id: int, now: datetime, *, by: str = "driver") -> Command | None:
    """The charger is asked to stop, once however often the button is pressed; None if nothing is running.

    Raises: ChargerOffline.
    """
    payment = payments.locked(db, payment_id)
    charging = db.scalar(select(ChargingSession).where(ChargingSession.payment_id == payment_id))
    if charging is None or charging.status is not SessionStatus.ACTIVE or charging.transaction_id is None:
        return None
    asked = last_command(db, payment, STOP)
    if asked is not None and _is_stopping(asked, now):
        return asked
    payload = {"transactionId": int(charging.transaction_id)}
    charger = db.get_one(Charger, payment.charger_id)
    command = commands.queue(db, charger, STOP, payload, by=by, now=now, timeout_s=ANSWER_WITHIN_S, payment=payment)
    payment.stop_requested_at = now
    return command
