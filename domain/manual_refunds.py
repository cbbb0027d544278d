"""Partial refunds: a bank transfer that one person records and another confirms; the order stays paid."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import audit, books, disputes, payments, refunds
from domain.errors import Conflict, Refused
from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import Payment, PaymentStatus

M = ManualRefundStatus

LONGEST_REFERENCE = 140  # of a SEPA transfer
LONGEST_REASON = 500


def propose(
    db: Session,
    order: Order,
    *,
    amount_minor: int,
    bank_reference: str,
    reason: str,
    nonce: str,
    by: str,
    now: datetime,
) -> ManualRefund:
    """The transfer is recorded and waits for a second person; the same form gives the same one again.

    Raises:
        Refused: more than what is left of the payment, nothing was taken, or the order is being refunded or disputed.
    """
    payment = _locked(db, order)
    known = db.scalar(select(ManualRefund).where(ManualRefund.order_id == order.id, ManualRefund.nonce == nonce))
    if known is not None:
        return known
    _check_words(bank_reference, reason)
    _check_amount(db, order, payment, amount_minor)
    manual = ManualRefund(
        order_id=order.id,
        nonce=nonce,
        status=M.PROPOSED,
        amount_minor=amount_minor,
        currency=order.currency,
        bank_reference=bank_reference.strip(),
        reason=reason.strip(),
        asked_by=by,
        asked_at=now,
    )
    db.add(manual)
    db.flush()
    _audit(db, "manual refund recorded", order, manual, by, now)
    return manual


def confirm(db: Session, order: Order, manual_id: int, *, by: str, now: datetime) -> ManualRefund:
    """A second person confirmed the transfer: it counts, and is in the ledger.

    Raises:
        Refused: by the person who recorded it, or the order is being refunded or disputed by now.
        Conflict: it was decided before, the other way.
    """
    payment = _locked(db, order)
    manual = _of(db, order, manual_id)
    if manual.status is M.CONFIRMED:
        return manual
    if manual.status is M.WITHDRAWN:
        raise Conflict("This bank transfer was withdrawn.")
    if manual.asked_by == by:
        raise Refused("You recorded this bank transfer yourself. Another person has to confirm it.")
    _check_free(db, payment)
    manual.status, manual.decided_by, manual.decided_at = M.CONFIRMED, by, now
    books.keep(db, payment, now)
    _audit(db, "manual refund confirmed", order, manual, by, now)
    return manual


def withdraw(db: Session, order: Order, manual_id: int, *, by: str, now: datetime) -> ManualRefund:
    """The transfer that nobody confirmed does not count.

    Raises: Conflict when it was confirmed.
    """
    _locked(db, order)
    manual = _of(db, order, manual_id)
    if manual.status is M.CONFIRMED:
        raise Conflict("This bank transfer was confirmed.")
    if manual.status is M.PROPOSED:
        manual.status, manual.decided_by, manual.decided_at = M.WITHDRAWN, by, now
        _audit(db, "manual refund withdrawn", order, manual, by, now)
    return manual


def of_order(db: Session, order_id: int) -> list[ManualRefund]:
    """The order's bank transfers, oldest first."""
    return list(db.scalars(select(ManualRefund).where(ManualRefund.order_id == order_id).order_by(ManualRefund.id)))


def total_minor(db: Session, order_id: int) -> int:
    """What was given back by hand, waiting transfers included."""
    living = (ManualRefund.order_id == order_id, ManualRefund.status != M.WITHDRAWN)
    return int(db.scalar(select(func.coalesce(func.sum(ManualRefund.amount_minor), 0)).where(*living)) or 0)


def left_minor(db: Session, order: Order, payment: Payment) -> int:
    """How much can still be given back by hand."""
    return payment.captured_minor - total_minor(db, order.id)


def _locked(db: Session, order: Order) -> Payment:
    if order.payment_id is None:
        raise Refused("No provider took money for this order, so there is nothing to give back.")
    return payments.locked(db, order.payment_id)


def _of(db: Session, order: Order, manual_id: int) -> ManualRefund:
    found = select(ManualRefund).where(ManualRefund.id == manual_id, ManualRefund.order_id == order.id)
    manual = db.scalar(found.execution_options(populate_existing=True))
    if manual is None:
        raise Refused("There is no such bank transfer.")
    return manual


def _check_words(bank_reference: str, reason: str) -> None:
    errors = []
    if not bank_reference.strip() or len(bank_reference) > LONGEST_REFERENCE:
        errors.append(
            ("bank_reference", f"Enter the reference of the bank transfer, up to {LONGEST_REFERENCE} characters.")
        )
    if not reason.strip() or len(reason) > LONGEST_REASON:
        errors.append(("reason", f"Say why, in up to {LONGEST_REASON} characters."))
    if errors:
        raise Refused(errors[0][1], errors)


def _check_amount(db: Session, order: Order, payment: Payment, amount_minor: int) -> None:
    if payment.status is not PaymentStatus.CAPTURED or payment.captured_minor == 0:
        raise Refused("Only a paid order can be given back.")
    _check_free(db, payment)
    if amount_minor <= 0:
        raise Refused("Enter an amount above zero.", [("amount", "Enter an amount above zero.")])
    if amount_minor > left_minor(db, order, payment):
        message = "This is more than what was paid and not given back yet."
        raise Refused(message, [("amount", message)])


def _check_free(db: Session, payment: Payment) -> None:
    if refunds.live(db, payment.id) is not None:
        raise Refused("The full amount of this order is refunded already.")
    if disputes.is_open(db, payment.id) or disputes.is_lost(db, payment.id):
        raise Refused("The driver's bank disputes this payment; nothing is given back besides.")


def _audit(db: Session, verb: str, order: Order, manual: ManualRefund, by: str, now: datetime) -> None:
    db.flush()
    audit.record(
        db,
        verb,
        "orders",
        order.id,
        operator_id=order.operator_id,
        by=by,
        now=now,
        amount_minor=manual.amount_minor,
        currency=manual.currency,
        bank_reference=manual.bank_reference,
    )
