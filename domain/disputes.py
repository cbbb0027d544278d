"""Disputes: while one is open, its order is neither refunded nor settled; the bank's word is the provider's to tell."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import books, payment_accounts, payments, provider_events
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.payments import Payment, PaymentAccount
from domain.payment_provider import DisputeFacts

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(days=1)

_NEXT = {DisputeStatus.OPEN: frozenset({DisputeStatus.WON, DisputeStatus.LOST})}


def record(db: Session, account: PaymentAccount, facts: DisputeFacts, now: datetime) -> Dispute | None:
    """What the provider says of the dispute is what we know, in the ledger too; None if the payment is not ours.

    Args:
        db: the database.
        account: the row that holds the credentials with which the provider was asked.
        facts: its answer.
        now: the present moment.
    """
    rows = payment_accounts.rows_of(account)
    payment_id = provider_events.payment_of(db, account.provider, rows, facts.payment_refs, facts.reference)
    if payment_id is None:
        return None
    payment = payments.locked(db, payment_id)
    if facts.currency != payment.currency:
        raise ValueError(f"dispute {facts.ref}: the provider says {facts.currency}, payment {payment.id} differs")
    dispute = _of(db, payment, facts, now)
    if facts.status is dispute.status or facts.status in _NEXT.get(dispute.status, frozenset()):
        _take_in(dispute, facts, now)
    else:
        log.warning("dispute %s: %s after %s is ignored", dispute.id, facts.status, dispute.status)
    books.keep(db, payment, now)
    return dispute


def is_open(db: Session, payment_id: int) -> bool:
    """Whether a dispute about the payment is not decided yet."""
    found = select(Dispute.id).where(Dispute.payment_id == payment_id, Dispute.status == DisputeStatus.OPEN)
    return db.scalar(found.limit(1)) is not None


def is_lost(db: Session, payment_id: int) -> bool:
    """Whether the driver's bank kept the money."""
    found = select(Dispute.id).where(Dispute.payment_id == payment_id, Dispute.status == DisputeStatus.LOST)
    return db.scalar(found.limit(1)) is not None


def due(db: Session, now: datetime) -> list[int]:
    """The open disputes that the provider has to be asked about now."""
    return list(db.scalars(select(Dispute.id).where(Dispute.next_look_at <= now).order_by(Dispute.id).limit(100)))


def of_payment(db: Session, payment_id: int) -> list[Dispute]:
    """The payment's disputes, oldest first."""
    return list(db.scalars(select(Dispute).where(Dispute.payment_id == payment_id).order_by(Dispute.id)))


def _of(db: Session, payment: Payment, facts: DisputeFacts, now: datetime) -> Dispute:
    same = (Dispute.provider == payment.provider, Dispute.provider_ref == facts.ref)
    known = db.scalar(select(Dispute).where(*same))
    if known is not None:
        return known
    dispute = Dispute(
        payment_id=payment.id,
        provider=payment.provider,
        provider_ref=facts.ref,
        status=DisputeStatus.OPEN,
        amount_minor=facts.amount_minor,
        currency=facts.currency,
        reason=facts.reason,
        is_withdrawn=facts.is_withdrawn,
        opened_at=now,
    )
    db.add(dispute)
    db.flush()
    return dispute


def _take_in(dispute: Dispute, facts: DisputeFacts, now: datetime) -> None:
    dispute.reason, dispute.answer_before = facts.reason, facts.answer_before
    dispute.is_withdrawn = facts.is_withdrawn
    if facts.status is not dispute.status:
        dispute.status, dispute.ended_at = facts.status, now
    dispute.next_look_at = now + LOOK_EVERY if dispute.status is DisputeStatus.OPEN else None
