"""The nightly proof: session = order = payment = ledger. Every difference becomes an item that wants a person.

Each look is one statement over the whole history, so that nothing hides in it; `domain/proof_lines.py` compares with
the providers.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from domain import money_items
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.ledger import AccountKind, Journal, LedgerAccount, Posting
from domain.models.money_items import MoneyItemKind, ProofRun
from domain.models.orders import Order, OrderLine
from domain.models.payments import CollectionMode, Payment, PaymentStatus, Refund, RefundStatus
from domain.money_items import Finding

K = MoneyItemKind
KINDS = (K.BOOKS, K.NOT_BILLED)
BILLED_WITHIN = timedelta(hours=1)
MOST = 500


def prove(db: Session, now: datetime) -> list[Finding]:
    """Where our own books disagree; at most 500 of each kind. Reads only."""
    looks: tuple[Callable[[Session, datetime], Iterator[Finding]], ...] = (
        _sessions_without_order,
        _orders_unlike_lines,
        _payments_unlike_orders,
        _payments_unlike_ledger,
        _journals_that_do_not_balance,
        _owed_for_direct,
    )
    return [finding for look in looks for finding in look(db, now)]


def counts(db: Session) -> dict[str, int]:
    """How much the proof is about."""
    tables = {"orders": Order, "payments": Payment, "journals": Journal}
    return {name: int(db.scalar(select(func.count()).select_from(table)) or 0) for name, table in tables.items()}


def record(db: Session, findings: list[Finding], now: datetime) -> int:
    """The open items are the differences of this proof; returns how many are new."""
    return money_items.sync(db, KINDS, findings, now)


def newest_runs(db: Session, most: int = 10) -> list[ProofRun]:
    """The last proofs, the newest first."""
    return list(db.scalars(select(ProofRun).order_by(ProofRun.id.desc()).limit(most)))


def _sessions_without_order(db: Session, now: datetime) -> Iterator[Finding]:
    without = ~exists().where(Order.charging_session_id == ChargingSession.id)
    ended = (ChargingSession.status == SessionStatus.COMPLETED, ChargingSession.stopped_at <= now - BILLED_WITHIN)
    has_price = ChargingSession.tariff_id.is_not(None)
    priced_for_nothing = and_(ChargingSession.billed_at.is_not(None), ChargingSession.energy_wh > 0, has_price)
    waits = and_(ChargingSession.billed_at.is_(None), ChargingSession.stop_received_at <= now - BILLED_WITHIN)
    found = select(ChargingSession).where(*ended, without, or_(waits, priced_for_nothing))
    for charging in db.scalars(found.order_by(ChargingSession.id).limit(MOST)):
        yield Finding(
            K.NOT_BILLED,
            f"not_billed:{charging.id}",
            "Energy was delivered, but there is no bill.",
            operator_id=charging.operator_id,
            payment_id=charging.payment_id,
            charging_session_id=charging.id,
            detail={"energy_wh": charging.energy_wh, "flags": charging.flags},
        )


def _orders_unlike_lines(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    lines = (
        select(
            OrderLine.order_id,
            func.sum(OrderLine.net_minor).label("net"),
            func.sum(OrderLine.vat_minor).label("vat"),
        )
        .group_by(OrderLine.order_id)
        .subquery()
    )
    differs = or_(
        func.coalesce(lines.c.net, 0) != Order.net_minor,
        func.coalesce(lines.c.vat, 0) != Order.vat_minor,
    )
    found = select(Order).outerjoin(lines, lines.c.order_id == Order.id).where(differs)
    for order in db.scalars(found.order_by(Order.id).limit(MOST)):
        yield _of_order(order, "lines", "The lines of this bill do not sum to its total.", order.gross_minor)


def _payments_unlike_orders(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    captured = Payment.status == PaymentStatus.CAPTURED
    differs = Payment.captured_minor != Order.gross_minor - Order.shortfall_minor
    found = select(Order, Payment).join(Payment, Payment.id == Order.payment_id)
    wrong = or_(differs, Payment.currency != Order.currency, Payment.is_test != Order.is_test)
    for order, payment in db.execute(found.where(captured, wrong).order_by(Order.id).limit(MOST)):
        yield _of_order(order, "taken", "What was taken is not what the bill says.", payment.captured_minor)
    unfinished = select(Payment).where(
        captured, Payment.captured_minor > 0, ~exists().where(Order.payment_id == Payment.id)
    )
    for payment in db.scalars(unfinished.order_by(Payment.id).limit(MOST)):
        yield _of_payment(payment, "no_order", "Money was taken, but there is no bill for it.")


def _payments_unlike_ledger(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    booked = _booked()
    expected = Payment.captured_minor - _sum_of(_refunded()) - _sum_of(_disputed())
    differs = func.coalesce(booked.c.total, 0) != expected
    found = select(Payment).outerjoin(booked, booked.c.payment_id == Payment.id)
    statement = found.where(Payment.status == PaymentStatus.CAPTURED, differs).order_by(Payment.id).limit(MOST)
    for payment in db.scalars(statement):
        yield _of_payment(payment, "ledger", "The ledger does not hold what was taken and given back.")


def _booked() -> Subquery:
    """What the ledger says is at the provider, by payment."""
    moved = (
        select(Journal.payment_id, func.sum(Posting.amount_minor).label("total"))
        .join(Posting, Posting.journal_id == Journal.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Journal.payment_id.is_not(None), LedgerAccount.kind == AccountKind.PROVIDER_CLEARING)
    )
    return moved.group_by(Journal.payment_id).subquery()


def _refunded() -> Select[Any]:
    done = case((Refund.status == RefundStatus.SUCCEEDED, Refund.amount_minor), else_=0)
    return select(func.sum(done)).where(Refund.payment_id == Payment.id)


def _disputed() -> Select[Any]:
    is_gone = or_(
        Dispute.status == DisputeStatus.LOST, and_(Dispute.status == DisputeStatus.OPEN, Dispute.is_withdrawn)
    )
    return select(func.sum(Dispute.amount_minor)).where(Dispute.payment_id == Payment.id, is_gone)


def _sum_of(statement: Select[Any]) -> ColumnElement[int]:
    return func.coalesce(statement.correlate(Payment).scalar_subquery(), 0)


def _journals_that_do_not_balance(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    wrong = (
        select(Posting.journal_id)
        .group_by(Posting.journal_id, Posting.currency)
        .having(func.sum(Posting.amount_minor) != 0)
        .limit(MOST)
    )
    for journal in db.scalars(select(Journal).where(Journal.id.in_(wrong)).order_by(Journal.id)):
        yield Finding(
            K.BOOKS,
            f"books:journal:{journal.id}",
            f"Journal {journal.idempotency_key} does not sum to zero.",
            operator_id=journal.operator_id,
            order_id=journal.order_id,
            payment_id=journal.payment_id,
        )


def _owed_for_direct(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    touches = (
        select(Journal.payment_id)
        .join(Posting, Posting.journal_id == Journal.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerAccount.kind == AccountKind.OPERATOR_PAYABLE, Journal.payment_id == Payment.id)
    )
    direct = select(Payment).where(Payment.collection_mode == CollectionMode.OPERATOR, touches.exists())
    for payment in db.scalars(direct.order_by(Payment.id).limit(MOST)):
        yield _of_payment(payment, "direct", "The operator collected this, yet the ledger says the platform owes it.")


def _of_order(order: Order, what: str, text: str, amount_minor: int) -> Finding:
    return Finding(
        K.BOOKS,
        f"books:{what}:order:{order.id}",
        text,
        operator_id=order.operator_id,
        order_id=order.id,
        payment_id=order.payment_id,
        amount_minor=amount_minor,
        currency=order.currency,
    )


def _of_payment(payment: Payment, what: str, text: str) -> Finding:
    return Finding(
        K.BOOKS,
        f"books:{what}:{payment.id}",
        text,
        operator_id=payment.operator_id,
        payment_id=payment.id,
        payment_account_id=payment.payment_account_id,
        amount_minor=payment.captured_minor,
        currency=payment.currency,
    )
