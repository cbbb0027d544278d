"""A station that takes test money, a driver who pays there, a clock that is moved by hand."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

import worker
from domain import billing, payments, settling
from domain.clock import utcnow
from domain.models.chargers import Charger, SidecarNode
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.orders import Order
from domain.models.payments import Payment, Refund, SandboxObject
from domain.models.tariffs import Tariff
from domain.payment_provider import PaymentProvider
from domain.settling import Till
from providers import Registry, sandbox_kind
from providers.sandbox import Sandbox
from tests import factories
from tests.factories import NOW

# 0.40 a kWh without VAT, VAT 25.5 %: 10 kWh are 4.00 + 1.02 = 5.02.
HOLD = 4500


@dataclass
class World:
    """Everything a test about money needs; each step commits."""

    engine: Engine
    now: datetime = NOW
    wrap: Any = None  # what stands between Voltdesk and the sandbox, for trouble
    db: Session = field(init=False)
    provider: PaymentProvider = field(init=False)
    charger: Charger = field(init=False)
    tariff: Tariff = field(init=False)

    def __post_init__(self) -> None:
        self.open_db = sessionmaker(self.engine, expire_on_commit=False)
        self.sandbox = Sandbox(self.open_db, clock=lambda: self.now)
        self.provider = self.wrap(self.sandbox) if self.wrap else self.sandbox
        self.till = Till(self.open_db, Registry([sandbox_kind(self.provider)], "test"), "https://volt.example")
        self.db = self.open_db()
        operator = factories.operator(self.db)
        account = factories.payment_account(self.db, operator)
        station = factories.station(self.db, operator, payment_account_id=account.id, hold_minor=HOLD)
        seen_at = self.now + timedelta(days=365)  # the sidecar never stops
        self.db.add(SidecarNode(name="ocpp-1", started_at=self.now, seen_at=seen_at))
        self.charger = factories.charger(self.db, station, connectors=2, node="ocpp-1")
        self.tariff = factories.tariff(self.db, operator)
        factories.assign_tariff(self.db, station, self.tariff)
        self.db.commit()

    def now_is(self, *, minutes_ago: float) -> None:
        self.now = utcnow() - timedelta(minutes=minutes_ago)

    def sweep(self) -> None:
        """Two rounds of the worker: the second finishes what the first began."""
        for _ in range(2):
            for sweep in worker.SWEEPS:
                sweep.run(self.till, self.now)

    def other_tariff(self) -> Tariff:
        tariff = factories.tariff(self.db, self.charger.station.operator)
        self.db.commit()
        return tariff

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def fresh(self, row: Any) -> Any:
        self.db.commit()
        self.db.refresh(row)
        self.db.commit()  # lets go of the lock, keeps the values
        return row

    # --- The driver ------------------------------------------------------------------------------------------

    def choose(self, token: str = "t" * 40, connector: int = 1) -> Payment:
        """Pressed Pay: the payment exists, the provider has not been called."""
        payment = payments.create(self.db, self.charger, connector, self.tariff, token=token, locale="en", now=self.now)
        self.db.commit()
        return payment

    def checkout(self, token: str = "t" * 40, connector: int = 1) -> Payment:
        payment = self.choose(token, connector)
        settling.settle_payment(self.till, payment.id, self.now, at_once=True)
        return self.fresh(payment)

    def pay(self, card: str = "success", token: str = "t" * 40, connector: int = 1) -> Payment:
        payment = self.checkout(token, connector)
        self.sandbox.pay(payment.provider_ref, card)
        settling.settle_payment(self.till, payment.id, self.now, at_once=True)
        return self.fresh(payment)

    # --- The charger -----------------------------------------------------------------------------------------

    def start(self, payment: Payment | None = None, **values: Any) -> ChargingSession:
        number = len(self.db.scalars(select(ChargingSession.id)).all()) + 1
        row = ChargingSession(
            **{
                "operator_id": self.charger.operator_id,
                "station_id": self.charger.station_id,
                "charger_id": self.charger.id,
                "connector_number": payment.connector_number if payment else 1,
                "transaction_id": str(1000 + number),
                "start_key": f"start {number}",
                "status": SessionStatus.ACTIVE,
                "id_tag": payment.id_tag if payment else "04A1B2C3",
                "payment_id": payment.id if payment else None,
                "started_at": self.now,
                "start_received_at": self.now,
                "meter_start_wh": 1000,
                "tariff_id": self.tariff.id,
            }
            | values
        )
        self.db.add(row)
        self.db.commit()
        return row

    def meter(self, charging: ChargingSession, register_wh: int, power_w: int | None = None) -> None:
        self.db.add(
            MeterValue(
                charger_id=charging.charger_id,
                connector_number=charging.connector_number,
                charging_session_id=charging.id,
                at=self.now,
                received_at=self.now,
                energy_wh=register_wh,
                power_w=power_w,
                samples=[],
            )
        )
        charging.last_meter_wh, charging.last_meter_at, charging.power_w = register_wh, self.now, power_w
        charging.energy_wh = max(register_wh - (charging.meter_start_wh or 0), 0)
        self.db.commit()

    def stop(self, charging: ChargingSession, energy_wh: int, **values: Any) -> ChargingSession:
        charging.status = SessionStatus.COMPLETED
        charging.stopped_at = charging.stop_received_at = self.now
        charging.meter_stop_wh = (charging.meter_start_wh or 0) + energy_wh
        charging.energy_wh = max(energy_wh, 0)
        for name, value in values.items():
            setattr(charging, name, value)
        self.db.commit()
        return charging

    def charge(self, payment: Payment | None, energy_wh: int, minutes: float = 30) -> ChargingSession:
        charging = self.start(payment)
        self.later(minutes=minutes)
        return self.stop(charging, energy_wh)

    # --- The worker ------------------------------------------------------------------------------------------

    def bill(self) -> list[Order]:
        made = [
            billing.bill(self.db, charging_session_id, self.now)
            for charging_session_id in billing.unbilled(self.db, self.now)
        ]
        self.db.commit()
        return [order for order in made if order]

    def settle(self) -> None:
        """One round of the worker's calls to providers."""
        with self.open_db() as db:
            due_payments, due_refunds = settling.due_payments(db, self.now), settling.due_refunds(db, self.now)
        for payment_id in due_payments:
            settling.settle_payment(self.till, payment_id, self.now)
        for refund_id in due_refunds:
            settling.settle_refund(self.till, refund_id, self.now)

    def paid_order(self, energy_wh: int = 10_000, card: str = "success", token: str = "t" * 40) -> Order:
        self.charge(self.pay(card, token), energy_wh)
        (order,) = self.bill()
        self.settle()
        return self.fresh(order)

    def payment_of(self, order: Order) -> Payment:
        with self.open_db() as db:
            return db.get_one(Payment, order.payment_id)

    # --- The provider's books --------------------------------------------------------------------------------

    def books(self, payment: Payment) -> dict[str, Any]:
        with self.open_db() as db:
            row = db.scalars(select(SandboxObject).where(SandboxObject.ref == payment.provider_ref)).one()
            return row.state

    def set_card(self, payment: Payment, card: str) -> None:
        """The bank changes its mind."""
        with self.open_db() as db:
            row = db.scalars(select(SandboxObject).where(SandboxObject.ref == payment.provider_ref)).one()
            row.state = {**row.state, "card": card}
            db.commit()

    def bank_ends(self, payment: Payment) -> None:
        """The bank lets the hold go without being asked."""
        with self.open_db() as db:
            row = db.scalars(select(SandboxObject).where(SandboxObject.ref == payment.provider_ref)).one()
            row.state = {**row.state, "status": "released"}
            db.commit()

    def payments_at_provider(self) -> int:
        with self.open_db() as db:
            return len(db.scalars(select(SandboxObject.id).where(SandboxObject.kind == "payment")).all())

    def refunds_at_provider(self) -> list[dict[str, Any]]:
        with self.open_db() as db:
            return [row.state for row in db.scalars(select(SandboxObject).where(SandboxObject.kind == "refund"))]

    def refunds(self) -> list[Refund]:
        with self.open_db() as db:
            return list(db.scalars(select(Refund).order_by(Refund.id)))
