"""What wants a person: faults, silence, money that did not come, sessions that look wrong. The goal is none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session, joinedload

from domain import orders
from domain.charger_states import ChargerWord, charger_word
from domain.charging_flags import NEEDS_REVIEW
from domain.charging_session_list import is_flagged
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession
from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment, PaymentStatus
from domain.models.stations import Station

LOOK_BACK = timedelta(days=14)
MOST_OF_A_KIND = 20
_NOT_PAID = (PaymentStatus.CAPTURE_FAILED, PaymentStatus.EXPIRED)
_BEFORE_A_LOOK = (OrderStatus.OPEN, OrderStatus.UNPAID)


@dataclass(frozen=True)
class Matter:
    """One thing that wants a person. `kind` is faulted, late, offline, review, unpaid, refund or flagged."""

    kind: str
    at: datetime | None
    charger: Charger
    text: str = ""
    order: Order | None = None
    charging: ChargingSession | None = None


def matters(db: Session, operator_id: int | None, now: datetime, *, with_money: bool) -> list[Matter]:
    """What wants somebody, the gravest kind first; orders and sessions only for those who may see money."""
    found = list(_chargers(db, operator_id, now))
    return [*found, *_orders(db, operator_id, now), *_sessions(db, operator_id, now)] if with_money else found


def _chargers(db: Session, operator_id: int | None, now: datetime) -> Iterator[Matter]:
    word = charger_word(now)
    wanted = (ChargerWord.FAULTED, ChargerWord.LATE, ChargerWord.OFFLINE)
    chargers = select(Charger, word).where(Charger.operator_id == operator_id, word.in_(wanted))
    rows = db.execute(chargers.options(joinedload(Charger.station)).order_by(Charger.label).limit(100)).all()
    for charger, state in sorted(rows, key=lambda row: wanted.index(ChargerWord(row[1]))):
        if state == ChargerWord.FAULTED:
            plug = db.scalar(select(Connector).where(Connector.charger_id == charger.id, Connector.status == "Faulted"))
            yield Matter("faulted", plug.status_at if plug else None, charger, _fault(plug) if plug else "")
        elif state == ChargerWord.LATE:
            yield Matter("late", charger.last_seen_at, charger)
        else:
            yield Matter("offline", charger.disconnected_at or charger.last_seen_at, charger)


def _fault(plug: Connector) -> str:
    error = plug.error_code if plug.error_code not in (None, "NoError") else plug.last_fault
    parts = [part for part in (error, plug.info, plug.vendor_error_code) if part]
    where = f"Connector {plug.number}" if plug.number else "The charger itself"
    return f"{where}: {', '.join(parts)}." if parts else f"{where} gave no reason."


def _orders(db: Session, operator_id: int | None, now: datetime) -> Iterator[Matter]:
    mine = Order.operator_id == operator_id
    lately = (mine, Order.created_at >= now - LOOK_BACK)
    # Whenever it was billed: a bank may send a refund back weeks later.
    for order in _newest(db, mine, Order.status == OrderStatus.REFUND_FAILED):
        refund = order.payment.refunds[-1] if order.payment and order.payment.refunds else None
        yield Matter("refund", order.created_at, order.charging.charger, (refund and refund.failure) or "", order)
    not_paid = Order.payment_id.in_(
        select(Payment.id).where(Payment.operator_id == operator_id, Payment.status.in_(_NOT_PAID))
    )
    unpaid = _newest(db, *lately, Order.status == OrderStatus.UNPAID, not_paid)
    for order in unpaid:
        failure = order.payment.failure if order.payment else None
        yield Matter("unpaid", order.created_at, order.charging.charger, failure or "", order)
    for order in _newest(db, *lately, Order.status.in_(_BEFORE_A_LOOK), _has_flag(orders.REVIEW)):
        if order not in unpaid:
            yield Matter("review", order.created_at, order.charging.charger, "", order)


def _newest(db: Session, *conditions: ColumnElement[bool]) -> Sequence[Order]:
    related = (
        joinedload(Order.charging).joinedload(ChargingSession.charger).joinedload(Charger.station),
        joinedload(Order.payment).selectinload(Payment.refunds),
    )
    found = select(Order).where(*conditions).order_by(Order.created_at.desc(), Order.id.desc())
    return db.scalars(found.limit(MOST_OF_A_KIND).options(*related)).all()


def _has_flag(flag: str) -> ColumnElement[bool]:
    return cast(Order.flags, String).contains(f'"{flag}"', autoescape=True)


def _sessions(db: Session, operator_id: int | None, now: datetime) -> Iterator[Matter]:
    """Sessions that look wrong and have no order in which somebody decides about them."""
    stations = select(Station.id).where(Station.operator_id == operator_id)
    found = (
        select(ChargingSession)
        .outerjoin(Order, Order.charging_session_id == ChargingSession.id)
        .where(ChargingSession.station_id.in_(stations), ChargingSession.started_at >= now - LOOK_BACK)
        .where(is_flagged(), Order.id.is_(None))
        .options(joinedload(ChargingSession.charger).joinedload(Charger.station))
        .order_by(ChargingSession.started_at.desc())
        .limit(MOST_OF_A_KIND)
    )
    grave = {str(flag) for flag in NEEDS_REVIEW} | {"no_tariff", "unpriceable", "stop_refused"}
    for charging in db.scalars(found):
        if grave & set(charging.flags):
            yield Matter("flagged", charging.started_at, charging.charger, "", None, charging)
