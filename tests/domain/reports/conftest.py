"""Stations whose orders, captures and refunds are made at chosen moments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain import books, report_units, reports
from domain.models.chargers import Charger
from domain.models.orders import Order, OrderStatus
from domain.models.payments import CollectionMode, Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.models.stations import Station
from domain.reports import Kind, Line, Wanted
from tests import factories


@dataclass
class Yard:
    """A station with one charger. An order is 4.00 + 1.02 VAT = 5.02 unless said otherwise."""

    db: Session
    values: dict[str, Any] = field(default_factory=dict)
    is_test: bool = False
    mode: CollectionMode = CollectionMode.PLATFORM
    operator: Any = None
    station: Station = field(init=False)
    charger: Charger = field(init=False)
    account: PaymentAccount = field(init=False)

    def __post_init__(self) -> None:
        self.operator = self.operator or factories.operator(self.db)
        self.station = factories.station(self.db, self.operator, **self.values)
        self.charger = factories.charger(
            self.db, self.station, connectors=2, created_at=self.values.get("created_at", factories.NOW)
        )
        self.account = factories.payment_account(
            self.db, self.operator, is_test=self.is_test, collection_mode=self.mode
        )

    def order(self, at: datetime, *, captured_at: datetime | None = None, **values: Any) -> Order:
        """An order that was paid; the session was the hour before."""
        currency = values.get("currency", "EUR")
        taken = values.get("gross_minor", 502) - values.get("shortfall_minor", 0)
        payment = factories.payment(
            self.db, self.charger, self.account,
            status=PaymentStatus.CAPTURED, captured_minor=taken, captured_at=captured_at or at,
            currency=currency, hold_minor=20_000,
        )  # fmt: skip
        order = self.unpaid(at, payment_id=payment.id, status=OrderStatus.PAID, collection_mode=self.mode, **values)
        self.keep(payment, at)
        return order

    def unpaid(self, at: datetime, **values: Any) -> Order:
        charging = factories.charging(
            self.db, self.charger, payment_id=values.get("payment_id"),
            started_at=at - timedelta(hours=1), stopped_at=at, billed_at=at,
        )  # fmt: skip
        return factories.order(self.db, charging, created_at=at, is_test=self.is_test, **values)

    def refund(self, order: Order, at: datetime, status: RefundStatus = RefundStatus.SUCCEEDED) -> Refund:
        payment = self.db.get_one(Payment, order.payment_id)
        refund = Refund(
            payment_id=payment.id, provider="sandbox", status=status, currency=payment.currency,
            amount_minor=payment.captured_minor, reason="Goodwill", asked_by="ann", requested_at=at, ended_at=at,
        )  # fmt: skip
        self.db.add(refund)
        self.keep(payment, at)
        return refund

    def keep(self, payment: Payment, at: datetime) -> None:
        books.keep(self.db, payment, at)
        self.db.commit()


@pytest.fixture
def make_yard(db: Session) -> Callable[..., Yard]:
    def make(
        mode: CollectionMode = CollectionMode.PLATFORM, *, operator: Any = None, is_test: bool = False, **values: Any
    ) -> Yard:
        return Yard(db, values, is_test=is_test, mode=mode, operator=operator)

    return make


@pytest.fixture
def report(db: Session) -> Callable[..., dict[str | None, Line]]:
    """The lines by month, summed up at that moment."""

    def lines(yard: Yard, now: datetime, first: str, last: str, **values: Any) -> dict[str | None, Line]:
        report_units.refresh(db, now)
        db.commit()
        wanted = Wanted(first, last, **({"kind": Kind("EUR", yard.is_test)} | values))
        return {line.month: line for line in reports.by_month(db, yard.operator.id, wanted)}

    return lines
