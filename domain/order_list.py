"""Billings: an operator's orders, newest first, found by number, card ending, e-mail or charger."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, false, func, literal, or_, select, union
from sqlalchemy.orm import Session, joinedload, selectinload

from domain import paging
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment, PaymentAccount

COUNT_UP_TO = 1_000
NUMBER = re.compile(r"(?:VD-)?(?:(\d{4})-)?(\d{1,9})", re.IGNORECASE)
FIRST_YEAR = 2024


class View(StrEnum):
    """The saved views of Billings; all but the first are order states."""

    ALL = "all"
    PAID = "paid"
    UNPAID = "unpaid"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"

    @property
    def status(self) -> OrderStatus:
        return OrderStatus(self.value)


@dataclass(frozen=True)
class Filter:
    """What a person narrowed Billings to; `since` and `until` bound the order's time, `until` excluded."""

    view: View = View.ALL
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    station_id: int | None = None
    channel: str = ""  # a provider's name, or "none" for orders that nobody collects
    may_see_drivers: bool = True

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.ALL or self.text or self.since or self.station_id or self.channel)


@dataclass
class Figures:
    """Sums of a span of time in one currency."""

    currency: str
    orders: int = 0
    gross_minor: int = 0
    vat_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    unpaid: int = 0
    unpaid_minor: int = 0


def page(
    db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int, now: datetime
) -> paging.Page[Order]:
    """One page of orders with their session, charger and payment."""
    keys: list[Any] = [Order.created_at, Order.id]
    orders = _whole(db, operator_id, wanted, now)
    return paging.fetch_page(db, orders, keys, descending=True, cursor=cursor, limit=limit)


def each(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> Iterator[Order]:
    """Every order that the filter keeps, newest first, fetched in slices."""
    cursor: str | None = None
    while True:
        found = page(db, operator_id, wanted, cursor, 500, now)
        yield from found.rows
        cursor = found.next
        db.expunge_all()
        if cursor is None:
            return


def counts(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> dict[View, int]:
    """How many orders each view holds under the other filters; COUNT_UP_TO + 1 stands for more."""
    conditions = _conditions(db, operator_id, replace(wanted, view=View.ALL), now)
    counted = []
    for view in View:
        viewed = conditions if view is View.ALL else [*conditions, Order.status == view.status]
        some = select(literal(1)).select_from(Order).where(*viewed).limit(COUNT_UP_TO + 1)
        counted.append(select(func.count()).select_from(some.subquery()).scalar_subquery())
    return dict(zip(View, db.execute(select(*counted)).one(), strict=True))


def figures(db: Session, operator_id: int | None, since: datetime, until: datetime) -> list[Figures]:
    """The sums of the operator's orders in that span, for each currency."""
    in_span = (Order.operator_id == operator_id, Order.created_at >= since, Order.created_at < until)
    rows = db.execute(
        select(Order.currency, Order.status, func.count(), func.sum(Order.gross_minor), func.sum(Order.vat_minor))
        .where(*in_span)
        .group_by(Order.currency, Order.status)
        .order_by(Order.currency)
    )
    made: dict[str, Figures] = {}
    for currency, status, count, gross, vat in rows:
        sums = made.setdefault(currency, Figures(currency))
        sums.orders += count
        sums.gross_minor += int(gross)
        sums.vat_minor += int(vat)
        if status in (OrderStatus.REFUNDING, OrderStatus.REFUNDED):
            sums.refunds += count
            sums.refunded_minor += int(gross)
        if status == OrderStatus.UNPAID:
            sums.unpaid += count
            sums.unpaid_minor += int(gross)
    return list(made.values())


def month(zone: str, year: int, number: int) -> tuple[datetime, datetime]:
    """The moments at which that month begins and ends on the zone's calendar."""
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    start, end = (datetime(*first, 1, tzinfo=ZoneInfo(zone)) for first in ((year, number), following))
    return start, end


def channels(db: Session, operator_id: int | None) -> list[str]:
    """The providers that this operator has payment accounts with."""
    known = select(PaymentAccount.provider).where(PaymentAccount.operator_id == operator_id).distinct()
    return list(db.scalars(known.order_by(PaymentAccount.provider)))


def find(db: Session, operator_id: int | None, number: str) -> Order | None:
    """The operator's order of that number with everything its page shows."""
    found = select(Order).where(Order.operator_id == operator_id, Order.number == number)
    return db.scalar(found.options(*_RELATED, selectinload(Order.lines)))


_RELATED = (
    joinedload(Order.charging).joinedload(ChargingSession.charger),
    joinedload(Order.charging).joinedload(ChargingSession.station),
    joinedload(Order.payment).selectinload(Payment.refunds),
)


def _whole(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> Select[Any]:
    return select(Order).where(*_conditions(db, operator_id, wanted, now)).options(*_RELATED)


def _conditions(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Order.operator_id == operator_id]
    if wanted.view != View.ALL:
        conditions.append(Order.status == wanted.view.status)
    if wanted.since:
        conditions.append(Order.created_at >= wanted.since)
    if wanted.until:
        conditions.append(Order.created_at < wanted.until)
    if wanted.station_id is not None:
        conditions.append(Order.station_id == wanted.station_id)
    if wanted.channel == "none":
        conditions.append(Order.payment_id.is_(None))
    elif wanted.channel:
        paid_there = select(Payment.id).where(Payment.operator_id == operator_id, Payment.provider == wanted.channel)
        conditions.append(Order.payment_id.in_(paid_there))
    if wanted.text:
        conditions.append(_is_meant(db, operator_id, wanted, now))
    return conditions


def _is_meant(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> ColumnElement[bool]:
    """Whether the order's number, card ending, e-mail or charger is the text; each found by its own index.

    Ways that lead nowhere are left out here: a database plans a statement for the worst of them.
    """
    ways = _ways(db, operator_id, wanted, now)
    if len(ways) < 2:
        return ways[0] if ways else false()
    return Order.id.in_(union(*(select(Order.id).where(Order.operator_id == operator_id, way) for way in ways)))


def _ways(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    text = wanted.text.strip()
    ways: list[ColumnElement[bool]] = []
    of_number = (Order.operator_id == operator_id, Order.number.in_(possible_numbers(text, now)))
    numbered = db.scalars(select(Order.id).where(*of_number)).all()
    if numbered:
        ways.append(Order.id.in_(numbered))
    paid = select(Payment.id).where(Payment.operator_id == operator_id)
    if re.fullmatch(r"\d{4}", text):
        ways.append(Order.payment_id.in_(paid.where(Payment.last4 == text)))
    if "@" in text and wanted.may_see_drivers:
        ways.append(Order.payment_id.in_(paid.where(Payment.driver_email.in_({text, text.lower()}))))
    named = or_(*(each.icontains(text, autoescape=True) for each in (Charger.label, Charger.device_id)))
    chargers = select(Charger.id).where(Charger.operator_id == operator_id, named)
    if db.scalar(chargers.limit(1)):
        charged = select(ChargingSession.id).where(ChargingSession.charger_id.in_(chargers))
        ways.append(Order.charging_session_id.in_(charged))
    return ways


def possible_numbers(text: str, now: datetime) -> list[str]:
    """The order numbers a person may mean: "VD-2026-004821", "2026-4821", "4821" of any year.

    >>> possible_numbers("2025-4821", datetime(2026, 1, 1))
    ['2025-4821', 'VD-2025-004821']
    """
    found = NUMBER.fullmatch(text.strip())
    if not found:
        return [text.upper()]
    year, digits = found.groups()
    years = [int(year)] if year else range(now.year + 1, FIRST_YEAR - 1, -1)
    return [text.upper(), *(f"VD-{each}-{int(digits):06d}" for each in years)]
