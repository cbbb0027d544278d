"""What orders moved in one month, by station and currency: from the bills on one side, from the ledger on the other.

Bills belong to the month in which the order was made, movements to the month in which the money moved, both on the
station's clock. What was refunded in December leaves November as it was.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from domain.models.chargers import Charger
from domain.models.ledger import AccountKind, Journal, JournalKind, LedgerAccount, Posting
from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import CollectionMode, Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.models.stations import Station

A, J = AccountKind, JournalKind

CAPTURE = (J.CAPTURE,)
REFUNDS = (J.REFUND_SUCCEEDED, J.REFUND_FAILED)
DISPUTES = (J.DISPUTE, J.DISPUTE_REINSTATED, J.DISPUTE_LOST)
ABOUT_ORDERS = (
    *CAPTURE, *REFUNDS, *DISPUTES, J.REFUND_REQUESTED, J.MANUAL_REFUND, J.SHORTFALL, J.SHORTFALL_WRITTEN_OFF,
)  # fmt: skip


class Key(NamedTuple):
    """Sums are never mixed across these."""

    station_id: int
    currency: str
    is_test: bool


@dataclass
class Money:
    """The columns of ReportMoney."""

    orders: int = 0
    net_minor: int = 0
    vat_minor: int = 0
    gross_minor: int = 0
    uncollected_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    by_hand_minor: int = 0
    disputed_minor: int = 0
    fee_minor: int = 0
    tax_minor: int = 0
    owed_minor: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """The stations of an operator that share a clock, and a month of it; `until` is excluded."""

    operator_id: int
    time_zone: str
    since: datetime
    until: datetime

    def holds(self, at: Any) -> ColumnElement[bool]:
        """Whether that moment lies in it."""
        return and_(at >= self.since, at < self.until)

    @property
    def station_ids(self) -> Select[Any]:
        """Its stations."""
        return select(Station.id).where(Station.operator_id == self.operator_id, Station.time_zone == self.time_zone)


@dataclass
class Both:
    """What bills, payments and refunds say, and what the ledger says of the same orders."""

    bills: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ledger: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def sums(db: Session, span: Span) -> tuple[dict[Key, Money], list[dict[str, Any]]]:
    """The month's sums, and where the bills of its orders and the ledger differ. Reads only."""
    made: dict[Key, Money] = defaultdict(Money)
    sides: dict[Key, Both] = defaultdict(Both)
    _bills(db, span, made, sides)
    _moved(db, span, made)
    _given_back(db, span, sides)
    _booked(db, span, sides)
    for key, both in sides.items():
        made[key].uncollected_minor = made[key].gross_minor - both.ledger["captured"]
    return dict(made), _differences(sides)


def provider_fees(db: Session, span: Span) -> list[dict[str, Any]]:
    """What the providers of the operator's own accounts kept; they tell it by account, not by station."""
    own = select(PaymentAccount.id).where(
        PaymentAccount.operator_id == span.operator_id, PaymentAccount.collection_mode == CollectionMode.OPERATOR
    )
    fees = (
        select(Posting.currency, Posting.is_test, -func.sum(Posting.amount_minor))
        .join(Journal, Journal.id == Posting.journal_id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerAccount.payment_account_id.in_(own), Journal.kind == J.PROVIDER_FEE)
        .where(span.holds(Journal.occurred_at))
    )
    rows = db.execute(fees.group_by(Posting.currency, Posting.is_test).order_by(Posting.currency, Posting.is_test))
    return [{"currency": currency, "is_test": is_test, "minor": int(minor)} for currency, is_test, minor in rows]


def _bills(db: Session, span: Span, made: dict[Key, Money], sides: dict[Key, Both]) -> None:
    taken = case((Payment.status == PaymentStatus.CAPTURED, Order.gross_minor - Order.shortfall_minor), else_=0)
    found = _per_key(
        span,
        func.count(),
        func.sum(Order.net_minor),
        func.sum(Order.vat_minor),
        func.sum(Order.gross_minor),
        func.sum(taken),
    ).outerjoin(Payment, Payment.id == Order.payment_id)
    for station_id, currency, is_test, count, net, vat, gross, captured in db.execute(found):
        key = Key(station_id, currency, is_test)
        money = made[key]
        money.orders, money.net_minor, money.vat_minor, money.gross_minor = count, int(net), int(vat), int(gross)
        sides[key].bills["captured"] = int(captured)


def _given_back(db: Session, span: Span, sides: dict[Key, Both]) -> None:
    refunded = (
        _per_key(span, func.sum(Refund.amount_minor))
        .join(Refund, Refund.payment_id == Order.payment_id)
        .where(Refund.status == RefundStatus.SUCCEEDED)
    )
    by_hand = (
        _per_key(span, func.sum(ManualRefund.amount_minor))
        .join(ManualRefund, ManualRefund.order_id == Order.id)
        .join(Payment, Payment.id == Order.payment_id)
        .where(ManualRefund.status == ManualRefundStatus.CONFIRMED)
        # What operators send from their own bank moves nothing in the platform's books.
        .where(Payment.collection_mode == CollectionMode.PLATFORM, Payment.status == PaymentStatus.CAPTURED)
    )
    for what, statement in (("refunded", refunded), ("by_hand", by_hand)):
        for station_id, currency, is_test, total in db.execute(statement):
            sides[Key(station_id, currency, is_test)].bills[what] = int(total)


def _booked(db: Session, span: Span, sides: dict[Key, Both]) -> None:
    """The ledger's sums of the month's orders, whenever their money moved."""
    found = (
        select(Order.station_id, Posting.currency, Posting.is_test, Journal.kind, func.sum(Posting.amount_minor))
        .select_from(Order)
        .join(Journal, Journal.order_id == Order.id)
        .join(Posting, Posting.journal_id == Journal.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(_in_span(span))
        .where(
            or_(
                and_(Journal.kind.in_((*CAPTURE, *REFUNDS)), LedgerAccount.kind == A.PROVIDER_CLEARING),
                and_(Journal.kind == J.MANUAL_REFUND, LedgerAccount.kind == A.OPERATOR_PAYABLE),
            )
        )
    )
    by = (Order.station_id, Posting.currency, Posting.is_test, Journal.kind)
    for station_id, currency, is_test, kind, total in db.execute(found.group_by(*by)):
        ledger = sides[Key(station_id, currency, is_test)].ledger
        if kind in CAPTURE:
            ledger["captured"] += int(total)
        elif kind in REFUNDS:
            ledger["refunded"] -= int(total)
        else:
            ledger["by_hand"] += int(total)


def _moved(db: Session, span: Span, made: dict[Key, Money]) -> None:
    """The ledger's sums of what moved in the month, of whichever month the order is."""
    # A capture that has no bill is the station's whose charger it was paid at.
    station_id = func.coalesce(Order.station_id, Charger.station_id)
    by = (station_id, Posting.currency, Posting.is_test, Journal.kind, LedgerAccount.kind)
    found = (
        select(*by, func.sum(Posting.amount_minor))
        .select_from(Journal)
        .join(Posting, Posting.journal_id == Journal.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .outerjoin(Order, Order.id == Journal.order_id)
        .outerjoin(Payment, and_(Payment.id == Journal.payment_id, Journal.order_id.is_(None)))
        .outerjoin(Charger, Charger.id == Payment.charger_id)
        .where(Journal.operator_id == span.operator_id, span.holds(Journal.occurred_at))
        .where(Journal.kind.in_(ABOUT_ORDERS), station_id.in_(span.station_ids))
    )
    for station, currency, is_test, kind, account, total in db.execute(found.group_by(*by)):
        _add(made[Key(station, currency, is_test)], kind, account, int(total))


def _add(money: Money, kind: JournalKind, account: AccountKind, minor: int) -> None:
    if account is A.OPERATOR_PAYABLE:
        money.owed_minor -= minor
        money.by_hand_minor += minor if kind is J.MANUAL_REFUND else 0
    elif account is A.PLATFORM_FEE:
        money.fee_minor -= minor
    elif account is A.TAX_PAYABLE:
        money.tax_minor -= minor
    elif account is A.PROVIDER_CLEARING and kind in CAPTURE:
        money.captured_minor += minor
    elif account is A.PROVIDER_CLEARING and kind in REFUNDS:
        money.refunded_minor -= minor
    elif account is A.PROVIDER_CLEARING and kind in DISPUTES:
        money.disputed_minor -= minor


def _in_span(span: Span) -> ColumnElement[bool]:
    return and_(
        Order.operator_id == span.operator_id, span.holds(Order.created_at), Order.station_id.in_(span.station_ids)
    )


def _per_key(span: Span, *sums_of: ColumnElement[Any]) -> Select[Any]:
    by = (Order.station_id, Order.currency, Order.is_test)
    return select(*by, *sums_of).select_from(Order).where(_in_span(span)).group_by(*by)


def _differences(sides: dict[Key, Both]) -> list[dict[str, Any]]:
    return [
        {**key._asdict(), "what": what, "bills": both.bills[what], "ledger": both.ledger[what]}
        for key, both in sorted(sides.items())
        for what in ("captured", "refunded", "by_hand")
        if both.bills[what] != both.ledger[what]
    ]
