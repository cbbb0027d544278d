"""What is ready to be settled, and what is carried over from settlements before."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, exists, func, select
from sqlalchemy.orm import Session, joinedload

from domain import contracts, orders
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.contracts import Contract
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.ledger import AccountKind, Journal, LedgerAccount, Posting
from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.orders import Order, OrderLine, OrderStatus
from domain.models.payments import CollectionMode, Payment, PaymentStatus
from domain.models.settlements import LineKind, Settlement, SettlementLine

CHUNK = 500


class Line(NamedTuple):
    """A line of a statement. What the operator gets is captured - fee - tax + carried."""

    kind: LineKind
    order_id: int
    order_number: str
    station: str
    charger: str
    time_zone: str
    started_at: datetime
    stopped_at: datetime | None
    energy_wh: int
    net_minor: int
    vat_rates: str
    vat_minor: int
    gross_minor: int
    captured_minor: int
    fee_minor: int
    tax_minor: int
    carried_minor: int
    payable_minor: int
    paid_with: str
    provider_ref: str | None


class Money(NamedTuple):
    """A currency of an operator, test money apart."""

    currency: str
    is_test: bool


def ready(
    db: Session,
    operator_id: int,
    currency: str,
    *,
    is_test: bool,
    order_ids: Sequence[int] | None = None,
    station_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
) -> list[Line]:
    """The orders that can be settled now, the newest first: paid to the platform, booked, undisputed, in no settlement.

    Args:
        order_ids: only these.
        station_id: only of this station.
        since: only orders from then on.
        until: only orders before that.
        limit: at most so many.
    """
    found = _ready(operator_id).where(Order.currency == currency, Order.is_test == is_test)
    if station_id is not None:
        found = found.where(Order.station_id == station_id)
    if since is not None:
        found = found.where(Order.created_at >= since)
    if until is not None:
        found = found.where(Order.created_at < until)
    found = found.options(
        joinedload(Order.payment),
        joinedload(Order.charging).joinedload(ChargingSession.charger).joinedload(Charger.station),
    ).order_by(Order.created_at.desc(), Order.id.desc())
    if order_ids is None:
        rows = db.execute(found.limit(limit)).all()
    else:
        rows = [row for part in _chunks(sorted(set(order_ids))) for row in db.execute(found.where(Order.id.in_(part)))]
    return _lines(db, [(row[0], int(row[1])) for row in rows])


def moneys(db: Session, operator_id: int) -> list[Money]:
    """In which currencies orders are ready, real money first."""
    found = _ready(operator_id).with_only_columns(Order.currency, Order.is_test).distinct()
    return sorted((Money(*row) for row in db.execute(found)), key=lambda each: (each.is_test, each.currency))


def ready_totals(db: Session, operator_id: int, money: Money) -> tuple[int, int]:
    """How many orders are ready, and what the platform owes for them."""
    mine = _ready(operator_id).where(Order.currency == money.currency, Order.is_test == money.is_test).subquery()
    count, owed = db.execute(select(func.count(), func.coalesce(func.sum(mine.c.owed), 0)).select_from(mine)).one()
    return int(count), int(owed)


def carried(db: Session, operator_id: int, currency: str, *, is_test: bool) -> list[Line]:
    """What changed about orders after they were in a settlement: refunds, bank transfers, disputes. Signed."""
    in_settlement = (
        select(SettlementLine.order_id, func.sum(SettlementLine.payable_minor).label("settled"))
        .join(Settlement, Settlement.id == SettlementLine.settlement_id)
        .where(
            Settlement.operator_id == operator_id,
            Settlement.currency == currency,
            Settlement.is_test == is_test,
            SettlementLine.is_live,
        )
        .group_by(SettlementLine.order_id)
        .subquery()
    )
    found = (
        select(Order, _owed() - in_settlement.c.settled)
        .join(in_settlement, in_settlement.c.order_id == Order.id)
        .where(_owed() != in_settlement.c.settled)
        .options(joinedload(Order.charging).joinedload(ChargingSession.charger).joinedload(Charger.station))
        .order_by(Order.id)
    )
    return [_change(order, int(change)) for order, change in db.execute(found)]


def _ready(operator_id: int) -> Any:
    owed = _owed().label("owed")
    settled = exists().where(
        SettlementLine.order_id == Order.id, SettlementLine.kind == LineKind.ORDER, SettlementLine.is_live
    )
    disputed = exists().where(Dispute.payment_id == Order.payment_id, Dispute.status != DisputeStatus.WON)
    waits = exists().where(ManualRefund.order_id == Order.id, ManualRefund.status == ManualRefundStatus.PROPOSED)
    return (
        select(Order, owed)
        .join(Payment, Payment.id == Order.payment_id)
        .where(
            Order.operator_id == operator_id,
            Order.status == OrderStatus.PAID,
            Order.collection_mode == CollectionMode.PLATFORM,
            Payment.status == PaymentStatus.CAPTURED,
            Payment.captured_minor > 0,
            exists().where(Journal.payment_id == Payment.id),
            ~cast(Order.flags, String).contains(f'"{orders.REVIEW}"', autoescape=True),
            ~settled,
            ~disputed,
            ~waits,
        )
    )


def _owed() -> ColumnElement[int]:
    """What the ledger says the platform owes the operator for the order, in minor units."""
    moved = (
        select(func.sum(Posting.amount_minor))
        .join(Journal, Journal.id == Posting.journal_id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Journal.order_id == Order.id, LedgerAccount.kind == AccountKind.OPERATOR_PAYABLE)
    )
    return -func.coalesce(moved.correlate(Order).scalar_subquery(), 0)


def _lines(db: Session, found: Sequence[tuple[Order, int]]) -> list[Line]:
    rates = _vat_rates(db, [order.id for order, _ in found])
    terms = {each.id: each for each in db.scalars(select(Contract).where(Contract.id.in_(_contract_ids(found))))}
    return [_line(order, owed, rates.get(order.id, ""), terms.get(order.contract_id or 0)) for order, owed in found]


def _contract_ids(found: Iterable[tuple[Order, int]]) -> set[int]:
    return {order.contract_id for order, _ in found if order.contract_id}


def _line(order: Order, owed: int, rates: str, contract: Contract | None) -> Line:
    payment = order.payment
    if payment is None:
        raise ValueError(f"order {order.id} has no payment")
    shares = contracts.shares(order, payment.captured_minor, contract)
    return _about(order)._replace(
        kind=LineKind.ORDER,
        net_minor=order.net_minor,
        vat_rates=rates,
        vat_minor=order.vat_minor,
        gross_minor=order.gross_minor,
        captured_minor=payment.captured_minor,
        fee_minor=shares.fee_minor,
        tax_minor=shares.tax_minor,
        carried_minor=owed - shares.payable_minor,
        payable_minor=owed,
        paid_with=" ".join(filter(None, (payment.instrument or payment.provider.capitalize(), payment.last4))),
        provider_ref=payment.provider_ref,
    )


def _change(order: Order, change: int) -> Line:
    return _about(order)._replace(carried_minor=change, payable_minor=change)


def _about(order: Order) -> Line:
    charging = order.charging
    return Line(
        kind=LineKind.CARRIED,
        order_id=order.id,
        order_number=order.number,
        station=charging.charger.station.name,
        charger=charging.charger.label,
        time_zone=charging.charger.station.time_zone,
        started_at=charging.started_at,
        stopped_at=charging.stopped_at,
        energy_wh=charging.energy_wh,
        net_minor=0,
        vat_rates="",
        vat_minor=0,
        gross_minor=0,
        captured_minor=0,
        fee_minor=0,
        tax_minor=0,
        carried_minor=0,
        payable_minor=0,
        paid_with="",
        provider_ref=None,
    )


def _vat_rates(db: Session, order_ids: Sequence[int]) -> dict[int, str]:
    rates: dict[int, list[str]] = {}
    for part in _chunks(sorted(order_ids)):
        of_orders = select(OrderLine.order_id, OrderLine.vat_rate).where(OrderLine.order_id.in_(part))
        for order_id, rate in db.execute(of_orders.distinct().order_by(OrderLine.vat_rate)):
            if rate is not None:
                rates.setdefault(order_id, []).append(rate)
    return {order_id: ", ".join(found) for order_id, found in rates.items()}


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
