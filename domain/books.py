"""The ledger follows the facts: whatever is known of a payment, its refunds and disputes is booked, once.

`keep` is called in the transaction that records a fact. As it derives the whole of a payment's journals each time, any
order of events, any repetition and any crash in between lead to the same balances.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain import contracts, ledger, postings
from domain.contracts import Shares
from domain.ledger import Entry
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.ledger import Journal, JournalKind
from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import CollectionMode, Payment, PaymentStatus, Refund, RefundStatus

BATCH = 500


def keep(db: Session, payment: Payment, now: datetime) -> list[int]:
    """All that is known of the payment is in the ledger; returns the ids of the journals that were missing.

    Args:
        db: in which nobody else changes the payment until the transaction ends.
        payment: in whatever state.
        now: the present moment.
    """
    db.flush()
    return ledger.record(db, entries(db, payment), now)


def entries(db: Session, payment: Payment) -> list[Entry]:
    """Every journal that the payment's facts ask for, in the order in which they have to be written."""
    if payment.status is not PaymentStatus.CAPTURED:
        return []
    order = db.scalar(select(Order).where(Order.payment_id == payment.id))
    contract = contracts.of_order(db, order) if order else None
    captured = payment.captured_minor
    shares = contracts.shares(order, captured, contract) if order else Shares(captured, 0, 0)
    keeps_fee = contract is None or not contract.is_fee_refunded
    at = payment.captured_at or payment.status_at
    return [
        postings.capture(payment, order, shares, at),
        *_shortfall(payment, order, at),
        *_refunds(db, payment, order, shares, keeps_fee=keeps_fee),
        *_manual_refunds(db, payment, order),
        *_disputes(db, payment, order),
    ]


def unbooked(db: Session) -> list[int]:
    """Payments that were captured and are not in the ledger: from before there was one, or set right by hand."""
    journals = exists().where(Journal.payment_id == Payment.id, Journal.kind == JournalKind.CAPTURE)
    missing = select(Payment.id).where(Payment.status == PaymentStatus.CAPTURED, Payment.captured_minor > 0, ~journals)
    return list(db.scalars(missing.order_by(Payment.id).limit(BATCH)))


def _shortfall(payment: Payment, order: Order | None, at: datetime) -> Iterator[Entry]:
    # A guest cannot be asked again: what the hold did not cover is written off at once, at the operator's expense.
    if order is not None and order.shortfall_minor and payment.collection_mode is CollectionMode.PLATFORM:
        missing = postings.shortfall(payment, order, at)
        yield missing
        yield ledger.reversal(JournalKind.SHORTFALL_WRITTEN_OFF, f"shortfall_written_off:{order.id}", missing, at)


def _refunds(db: Session, payment: Payment, order: Order | None, shares: Shares, *, keeps_fee: bool) -> Iterator[Entry]:
    for refund in db.scalars(select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id)):
        at = refund.ended_at or refund.requested_at
        requested = postings.refund_requested(refund, payment, order, shares, keeps_fee=keeps_fee)
        succeeded = postings.refund_succeeded(refund, payment, order, at)
        yield requested
        if refund.status is RefundStatus.SUCCEEDED:
            yield succeeded
        elif refund.status is RefundStatus.FAILED:
            if _is_known(db, succeeded.key):  # the bank sent the money back to the provider
                yield ledger.reversal(JournalKind.REFUND_FAILED, f"refund_returned:{refund.id}", succeeded, at)
            yield ledger.reversal(JournalKind.REFUND_FAILED, f"refund_failed:{refund.id}", requested, at)


def _manual_refunds(db: Session, payment: Payment, order: Order | None) -> Iterator[Entry]:
    if order is None:
        return
    confirmed = select(ManualRefund).where(
        ManualRefund.order_id == order.id, ManualRefund.status == ManualRefundStatus.CONFIRMED
    )
    for manual in db.scalars(confirmed.order_by(ManualRefund.id)):
        yield postings.manual_refund(manual, payment, order, manual.decided_at or manual.asked_at)


def _disputes(db: Session, payment: Payment, order: Order | None) -> Iterator[Entry]:
    for dispute in db.scalars(select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.id)):
        withdrawn = postings.dispute_withdrawn(dispute, payment, order)
        at = dispute.ended_at or dispute.opened_at
        if dispute.status is DisputeStatus.LOST:
            yield withdrawn
            yield postings.dispute_lost(dispute, payment, order, at)
        elif dispute.is_withdrawn and dispute.status is DisputeStatus.OPEN:
            yield withdrawn
        elif _is_known(db, withdrawn.key):
            yield ledger.reversal(JournalKind.DISPUTE_REINSTATED, f"dispute_reinstated:{dispute.id}", withdrawn, at)


def _is_known(db: Session, key: str) -> bool:
    return db.scalar(select(Journal.id).where(Journal.idempotency_key == key)) is not None
