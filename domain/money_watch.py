"""What is watched minute by minute: money that did not come, did not go back, or hangs."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, cast, exists, or_, select
from sqlalchemy.orm import Session, aliased

from domain import holds, money_items, orders
from domain.models.charging import ChargingSession
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.money_items import MoneyItemKind
from domain.models.orders import Order
from domain.models.payments import Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.money_items import Finding

K = MoneyItemKind
P = PaymentStatus

# How long a payment or refund may be unknown before a person hears of it.
UNKNOWN_FOR = timedelta(hours=1)
# A hold may outlive its order for so long: the capture or release that was decided is still on its way.
HOLD_STANDS_FOR = timedelta(hours=1)
MOST = 1000

# These happened once and stay until a person has closed them; looked for so far back.
EVENTS_OF = timedelta(days=30)

# These close by themselves once they are no longer so.
KINDS = (
    K.HOLD_EXPIRING,
    K.HOLD_STANDS,
    K.UNKNOWN,
    K.REFUND_FAILED,
    K.ALARM,
    K.DISPUTE,
    K.ACCOUNT_TROUBLE,
    K.REVIEW,
)


def watch(db: Session, now: datetime) -> int:
    """Open items about single payments are what is so now; returns how many are new."""
    lasting, events = conditions(db, now), list(_ended_badly(db, now))
    return money_items.sync(db, KINDS, lasting, now) + money_items.add(db, events, now)


def conditions(db: Session, now: datetime) -> list[Finding]:
    """Everything that wants a person as long as it is so. Reads only."""
    looks: tuple[Callable[[Session, datetime], Iterator[Finding]], ...] = (
        _expiring,
        _standing,
        _unknown,
        _refunds,
        _disputes,
        _accounts,
        _reviews,
    )
    return [finding for look in looks for finding in look(db, now)]


def _ended_badly(db: Session, now: datetime) -> Iterator[Finding]:
    lately = Payment.status_at >= now - EVENTS_OF
    for payment, order in db.execute(_payments(Payment.status == P.CAPTURE_FAILED, lately)):
        reason = f": {payment.failure}" if payment.failure else "."
        yield _about(K.CAPTURE_FAILED, payment, order, f"The provider refused to take the money{reason}")
    for payment, order in db.execute(_payments(Payment.status == P.EXPIRED, Order.gross_minor > 0, lately)):
        yield _about(K.HOLD_EXPIRED, payment, order, "The hold ran out before the money was taken.")


def _expiring(db: Session, now: datetime) -> Iterator[Finding]:
    soon = Payment.capture_before <= now + holds.STOP_BEFORE
    for payment, order in db.execute(_payments(Payment.status == P.AUTHORISED, soon)):
        yield _about(K.HOLD_EXPIRING, payment, order, "The provider drops this hold soon. Decide about its order.")


def _standing(db: Session, now: datetime) -> Iterator[Finding]:
    billed = exists().where(
        ChargingSession.payment_id == Payment.id, ChargingSession.billed_at <= now - HOLD_STANDS_FOR
    )
    not_soon = or_(Payment.capture_before.is_(None), Payment.capture_before > now + holds.STOP_BEFORE)
    for payment, order in db.execute(_payments(Payment.status == P.AUTHORISED, billed, not_soon)):
        if order is None or orders.REVIEW not in order.flags:
            yield _about(K.HOLD_STANDS, payment, order, "Charging is over, but the hold still stands.")


def _unknown(db: Session, now: datetime) -> Iterator[Finding]:
    unknown = (P.AUTH_UNKNOWN, P.CAPTURE_UNKNOWN, P.RELEASE_UNKNOWN, P.CAPTURE_PENDING, P.RELEASE_PENDING)
    late = (Payment.status.in_(unknown), Payment.status_at <= now - UNKNOWN_FOR, Payment.alarm.is_(None))
    for payment, order in db.execute(_payments(*late)):
        yield _about(K.UNKNOWN, payment, order, "The provider has not said for an hour what became of this payment.")
    for payment, order in db.execute(_payments(Payment.alarm.is_not(None), Payment.ended_at.is_(None))):
        text = f"The provider found fault with what it was asked, and is not asked again: {payment.alarm}"
        yield _about(K.ALARM, payment, order, text)


def _refunds(db: Session, now: datetime) -> Iterator[Finding]:
    newer = aliased(Refund)
    newest = ~exists().where(newer.payment_id == Refund.payment_id, newer.id > Refund.id)
    wanted = or_(
        Refund.status == RefundStatus.FAILED,
        Refund.alarm.is_not(None),
        Refund.status.in_((RefundStatus.REQUESTED, RefundStatus.UNKNOWN)) & (Refund.requested_at <= now - UNKNOWN_FOR),
    )
    found = select(Refund, Payment, Order).join(Payment, Payment.id == Refund.payment_id)
    rows = found.outerjoin(Order, Order.payment_id == Payment.id).where(newest, wanted).limit(MOST)
    for refund, payment, order in db.execute(rows.order_by(Refund.id)):
        if refund.status is RefundStatus.FAILED:
            reason = f": {refund.failure}" if refund.failure else "."
            text = f"The refund failed{reason} Try again, or send a bank transfer."
            yield _about(K.REFUND_FAILED, payment, order, text, key=f"refund_failed:{refund.id}")
        elif refund.alarm is not None:
            text = f"The provider found fault with a refund, and is not asked again: {refund.alarm}"
            yield _about(K.ALARM, payment, order, text, key=f"refund_alarm:{refund.id}")
        else:
            text = "The provider has not said for an hour what became of this refund."
            yield _about(K.UNKNOWN, payment, order, text, key=f"refund_unknown:{refund.id}")


def _disputes(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    found = select(Dispute, Payment, Order).join(Payment, Payment.id == Dispute.payment_id)
    rows = found.outerjoin(Order, Order.payment_id == Payment.id).where(Dispute.status == DisputeStatus.OPEN)
    for dispute, payment, order in db.execute(rows.order_by(Dispute.id).limit(MOST)):
        text = f"The driver's bank disputes this payment ({dispute.reason}). Answer at the provider."
        yield _about(K.DISPUTE, payment, order, text, key=f"dispute:{dispute.id}", amount_minor=dispute.amount_minor)


def _accounts(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    troubled = select(PaymentAccount).where(PaymentAccount.trouble.is_not(None), PaymentAccount.is_active)
    for account in db.scalars(troubled.order_by(PaymentAccount.id)):
        yield Finding(
            K.ACCOUNT_TROUBLE,
            f"account_trouble:{account.id}:{account.trouble_at}",
            f"Nobody can pay through {account.name}: {account.trouble}",
            operator_id=account.operator_id,
            payment_account_id=account.id,
        )


def _reviews(db: Session, now: datetime) -> Iterator[Finding]:  # noqa: ARG001 - as every look
    waits = cast(Order.flags, String).contains(f'"{orders.REVIEW}"', autoescape=True)
    for payment, order in db.execute(_payments(Payment.status == P.AUTHORISED, waits)):
        yield _about(K.REVIEW, payment, order, "The readings look wrong. Decide before the money is taken.")


def _payments(*conditions: ColumnElement[bool]) -> Select[Payment, Order]:
    found = select(Payment, Order).outerjoin(Order, Order.payment_id == Payment.id)
    return found.where(*conditions).order_by(Payment.id).limit(MOST)


def _about(
    kind: MoneyItemKind,
    payment: Payment,
    order: Order | None,
    text: str,
    *,
    key: str | None = None,
    amount_minor: int | None = None,
) -> Finding:
    return Finding(
        kind,
        key or f"{kind.value}:{payment.id}",
        text,
        operator_id=payment.operator_id,
        order_id=order.id if order else None,
        payment_id=payment.id,
        payment_account_id=payment.payment_account_id,
        amount_minor=amount_minor or (order.gross_minor if order else payment.hold_minor),
        currency=payment.currency,
    )
