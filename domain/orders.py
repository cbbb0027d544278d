"""Orders: what the money behind a bill means for it, in one place, and what people decide about it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, payments
from domain.charging_flags import merged
from domain.errors import Conflict, Refused
from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment, PaymentStatus, Refund, RefundStatus

P = PaymentStatus

REVIEW = "review"  # a person has to look before money is taken
REVIEWED = "reviewed"
WAIVED = "waived"
SHORTFALL = "shortfall"  # the hold did not cover the bill
NO_HOLD = "no_hold"  # the hold was gone before the bill was known

_HELD = frozenset({P.AUTHORISED, P.CAPTURE_PENDING, P.CAPTURE_UNKNOWN})


def order_status(order: Order, payment: Payment | None, refund: Refund | None) -> OrderStatus:
    """What the order is, from its payment and that payment's last refund."""
    if refund is not None:
        return _REFUND_WORDS[refund.status]
    if order.gross_minor == 0 and REVIEW not in order.flags:
        return OrderStatus.PAID
    if payment is None:
        return OrderStatus.UNPAID
    if payment.status is P.CAPTURED:
        return OrderStatus.PAID
    return OrderStatus.OPEN if payment.status in _HELD else OrderStatus.UNPAID


_REFUND_WORDS = {
    RefundStatus.REQUESTED: OrderStatus.REFUNDING,
    RefundStatus.PENDING: OrderStatus.REFUNDING,
    RefundStatus.UNKNOWN: OrderStatus.REFUNDING,
    RefundStatus.SUCCEEDED: OrderStatus.REFUNDED,
    RefundStatus.FAILED: OrderStatus.REFUND_FAILED,
}


def refresh_status(db: Session, payment_id: int) -> None:
    """The order of that payment, if there is one yet, shows what its money does."""
    db.flush()
    order = db.scalar(select(Order).where(Order.payment_id == payment_id))
    if order is not None:
        order.status = order_status(order, db.get(Payment, payment_id), last_refund(db, payment_id))
        db.flush()


def last_refund(db: Session, payment_id: int) -> Refund | None:
    """The newest refund of a payment."""
    newest = select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.id.desc())
    return db.scalar(newest.limit(1))


def by_token(db: Session, token: str) -> Order | None:
    """The order whose receipt has that secret address."""
    return db.scalar(select(Order).where(Order.token == token))


def ask_money(order: Order, payment: Payment, now: datetime) -> None:
    """The decision about the hold stands: what the bill says is taken, what the hold did not cover is on the order."""
    if order.gross_minor == 0:
        payments.ask_release(payment, "nothing_used", now)
        return
    taken = min(order.gross_minor, payment.hold_minor)
    if not payments.ask_capture(payment, taken, now):
        taken = 0
        order.flags = merged(order.flags, NO_HOLD)
    if taken < order.gross_minor:
        order.shortfall_minor = order.gross_minor - taken
        order.flags = merged(order.flags, SHORTFALL)


def approve(db: Session, order: Order, *, by: str, now: datetime) -> None:
    """A person looked at the order and found it right: its hold is captured.

    Raises: Conflict when it does not wait for a review.
    """
    payment = _under_review(db, order)
    order.flags = merged((flag for flag in order.flags if flag != REVIEW), REVIEWED)
    if payment is not None:
        ask_money(order, payment, now)
        refresh_status(db, payment.id)
    audit.record(db, "approved", "orders", order.id, operator_id=order.operator_id, by=by, now=now)


def waive(db: Session, order: Order, *, by: str, now: datetime) -> None:
    """A person looked at the order and found it wrong: its hold is let go and nothing is taken.

    Raises:
        Conflict: it does not wait for a review.
        Refused: nothing is held for it.
    """
    payment = _under_review(db, order)
    if payment is None:
        raise Refused("Nothing is held for this order.")
    order.flags = merged((flag for flag in order.flags if flag != REVIEW), REVIEWED, WAIVED)
    payments.ask_release(payment, WAIVED, now)
    refresh_status(db, payment.id)
    audit.record(db, "waived", "orders", order.id, operator_id=order.operator_id, by=by, now=now)


def _under_review(db: Session, order: Order) -> Payment | None:
    payment = payments.locked(db, order.payment_id) if order.payment_id else None
    db.refresh(order)
    if REVIEW not in order.flags:
        raise Conflict("This order does not wait for a review.")
    return payment
