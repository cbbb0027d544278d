"""Refunds: the full captured amount of one payment, once, whoever presses the button."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, books, payments
from domain.errors import NotFound, Refused
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import Payment, PaymentStatus, Refund, RefundStatus
from domain.orders import refresh_status
from domain.payment_provider import RefundFacts

log = logging.getLogger(__name__)

R = RefundStatus

STEPS: dict[RefundStatus, frozenset[RefundStatus]] = {
    R.REQUESTED: frozenset({R.PENDING, R.SUCCEEDED, R.FAILED, R.UNKNOWN}),
    R.PENDING: frozenset({R.SUCCEEDED, R.FAILED}),
    R.UNKNOWN: frozenset({R.REQUESTED, R.PENDING, R.SUCCEEDED, R.FAILED}),
    R.SUCCEEDED: frozenset({R.FAILED}),  # a bank may send the money back weeks later
}

# A refund that succeeded is looked at daily for so long: until then a bank may still return the money.
WATCH_FOR = timedelta(days=30)
WATCH_EVERY = timedelta(days=1)


def request(db: Session, order: Order, *, reason: str, by: str, now: datetime, note: str | None = None) -> Refund:
    """The order's full refund stands, the first one if somebody was quicker; the provider is asked next.

    Raises:
        Refused: nothing was taken for this order.
    """
    if order.payment_id is None:
        raise Refused("No provider took money for this order, so there is nothing to refund.")
    payment = payments.locked(db, order.payment_id)
    living = live(db, payment.id)
    if living is not None:
        return living
    if payment.status is not PaymentStatus.CAPTURED or payment.captured_minor == 0:
        raise Refused("Only a paid order can be refunded.")
    _check_free(db, order, payment)
    refund = Refund(
        payment_id=payment.id,
        provider=payment.provider,
        status=R.REQUESTED,
        currency=payment.currency,
        amount_minor=payment.captured_minor,
        reason=reason,
        note=note,
        asked_by=by,
        requested_at=now,
        next_try_at=now,
    )
    db.add(refund)
    db.flush()
    books.keep(db, payment, now)
    refresh_status(db, payment.id)
    audit.record(
        db, "refund requested", "orders", order.id, operator_id=order.operator_id, by=by, now=now, reason=reason
    )
    return refund


def _check_free(db: Session, order: Order, payment: Payment) -> None:
    disputed = select(Dispute.id).where(Dispute.payment_id == payment.id, Dispute.status != DisputeStatus.WON)
    if db.scalar(disputed.limit(1)) is not None:
        raise Refused("The driver's bank disputes this payment. It decides who gets the money.")
    by_hand = select(ManualRefund.id).where(
        ManualRefund.order_id == order.id, ManualRefund.status != ManualRefundStatus.WITHDRAWN
    )
    if db.scalar(by_hand.limit(1)) is not None:
        raise Refused("A part of this order was given back by bank transfer. Give back the rest the same way.")


def live(db: Session, payment_id: int) -> Refund | None:
    """The payment's refund that is under way or done; a failed one does not count."""
    return db.scalar(select(Refund).where(Refund.payment_id == payment_id, Refund.status != R.FAILED))


def locked(db: Session, refund_id: int) -> tuple[Refund, Payment]:
    """The refund and its payment as they are now, kept from everybody else until the transaction ends.

    Raises: NotFound.
    """
    known = db.get(Refund, refund_id)
    if known is None:
        raise NotFound("There is no such refund.")
    payment = payments.locked(db, known.payment_id)
    statement = select(Refund).where(Refund.id == refund_id).with_for_update()
    return db.scalars(statement.execution_options(populate_existing=True)).one(), payment


def move(refund: Refund, to: RefundStatus, now: datetime) -> bool:
    """True and done if the step is allowed from where the refund is; otherwise nothing changed."""
    if to == refund.status:
        return False
    if to not in STEPS.get(refund.status, frozenset()):
        log.warning("refund %s: %s after %s is ignored", refund.id, to, refund.status)
        return False
    refund.status = to
    if to in (R.SUCCEEDED, R.FAILED):
        refund.ended_at = now
    return True


def record_facts(db: Session, refund: Refund, facts: RefundFacts, now: datetime) -> None:
    """What the provider says of the refund is what we know, and what its order shows."""
    if (facts.currency, facts.amount_minor) != (refund.currency, refund.amount_minor):
        raise ValueError(f"refund {refund.id}: the provider says {facts.amount_minor} {facts.currency}")
    refund.provider_ref = facts.ref
    move(refund, facts.status, now)
    if refund.status is R.FAILED:
        refund.failure = facts.failure or refund.failure
    refund.next_try_at = _next_look(refund, now)
    _book(db, refund, now)


def record_decline(db: Session, refund: Refund, reason: str, now: datetime) -> None:
    """The refund failed; the order is open for another try or a bank transfer."""
    if move(refund, R.FAILED, now):
        refund.failure, refund.next_try_at = reason, None
    _book(db, refund, now)


def _book(db: Session, refund: Refund, now: datetime) -> None:
    books.keep(db, db.get_one(Payment, refund.payment_id), now)
    refresh_status(db, refund.payment_id)


def _next_look(refund: Refund, now: datetime) -> datetime | None:
    if refund.status is R.FAILED:
        return None
    if refund.status is R.SUCCEEDED:
        is_settled = refund.ended_at is not None and now - refund.ended_at >= WATCH_FOR
        return None if is_settled else now + WATCH_EVERY
    return now + payments.pause_before_next_try(refund.requested_at, now)
