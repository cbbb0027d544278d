"""Drivers pay by phone while web, worker and sidecar are killed (trust.md F2); then all books are compared."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.clock import utcnow
from domain.db import make_engine, read_only
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment, PaymentStatus, SandboxObject
from domain.models.stations import Station
from tests import factories
from tests.charge_points import Identity, Ledger
from tests.faults.fleet import make_fleet
from tests.faults.guest_charger import GuestCharger
from tests.faults.phones import Phone, charge
from tests.processes import Program, Sidecar, Web, Worker
from tests.waiting import wait_until

# What a driver may pay with and gets through; "timeout" loses the answer to every step once.
CARDS = ("success", "timeout", "challenge", "success")
CONVERGED_WITHIN_S = 60


@dataclass
class Outcome:
    """What the run did and found."""

    kills: int
    drivers: int
    mismatches: list[str]
    server_errors: list[str]
    converged_s: float


class House:
    """All processes of an installation, and a station whose chargers take test money."""

    def __init__(self, database_url: str, folder: Path, size: int) -> None:
        self.engine = make_engine(database_url)
        with Session(self.engine) as db:
            self.fleet = make_fleet(db, size)
            station = db.scalars(select(Station)).one()
            operator_id = station.operator_id
            account = factories.payment_account(db, station.operator)
            station.payment_account_id = account.id
            self.codes = [
                factories.qr_code(db, charger, code=f"PAY{charger.id:04d}").code
                for charger in db.scalars(
                    select(Charger).where(Charger.operator_id == operator_id).order_by(Charger.id)
                )
            ]
            db.commit()
        self.web, self.worker = Web(database_url, folder), Worker(database_url, folder)
        self.sidecar = Sidecar(database_url, folder)
        self.programs: tuple[Program, ...] = (self.web, self.worker, self.sidecar)

    def start(self) -> None:
        for program in self.programs:
            program.start()
        wait_until(self.web.is_ready, within_s=40, what="the web being ready")
        self.sidecar.wait_ready()

    def stop(self) -> None:
        for program in self.programs:
            program.stop()
        self.engine.dispose()

    def is_paid(self, device_id: str) -> bool:
        """Whether that charger's driver has paid the bill."""
        paid = (
            select(Order.id)
            .join(ChargingSession)
            .join(Charger, Charger.id == ChargingSession.charger_id)
            .where(Charger.device_id == device_id, Order.status == OrderStatus.PAID)
        )
        with read_only(), Session(self.engine) as db:
            return db.scalar(paid) is not None


def pay_under_kills(database_url: str, folder: Path, *, drivers: int, kills: int, seed: int = 0) -> Outcome:
    """Each driver charged and paid once, however often web, worker and sidecar were killed; all books were compared.

    The database has every table and is empty.
    """
    house = House(database_url, folder, drivers)
    try:
        house.start()
        phones = [Phone(f"http://127.0.0.1:{house.web.port}/", number + 1) for number in range(drivers)]
        asyncio.run(_run(house, phones, kills, seed))
        last_kill_at = utcnow()
        wait_until(lambda: not _open_payments(house), within_s=CONVERGED_WITHIN_S, what="every payment being settled")
        converged_s = (utcnow() - last_kill_at).total_seconds()
        with Session(house.engine) as db:
            mismatches = list(_mismatches(db, drivers))
        return Outcome(kills, drivers, mismatches, [error for phone in phones for error in phone.errors], converged_s)
    finally:
        house.stop()


async def _run(house: House, phones: list[Phone], kills: int, seed: int) -> None:
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    serving = [
        asyncio.create_task(GuestCharger(house.sidecar.url, who, Ledger(), seed).serve_until(ending))
        for who in house.fleet
    ]
    with ThreadPoolExecutor(len(phones)) as hands:
        driving = [
            loop.run_in_executor(hands, _drive, house, phone, who, number)
            for number, (phone, who) in enumerate(zip(phones, house.fleet, strict=True))
        ]
        killing = asyncio.create_task(_kill(house, kills, seed))
        await asyncio.gather(*driving, killing)
    ending.set()
    await asyncio.gather(*serving)


def _drive(house: House, phone: Phone, who: Identity, number: int) -> None:
    charge(phone, house.codes[number], CARDS[number % len(CARDS)], lambda: house.is_paid(who.device_id))


async def _kill(house: House, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    for number in range(kills):
        await asyncio.sleep(moments.uniform(0.2, 1.5))
        victim = house.programs[number % len(house.programs)]
        await asyncio.to_thread(victim.kill)
        victim.start()


def _open_payments(house: House) -> int:
    open_ones = select(Payment.id).where(
        Payment.status.in_((PaymentStatus.CAPTURE_PENDING, PaymentStatus.CAPTURE_UNKNOWN, PaymentStatus.AUTHORISED))
    )
    with read_only(), Session(house.engine) as db:
        return len(db.scalars(open_ones).all())


def _mismatches(db: Session, drivers: int) -> list[str]:
    """Where session, order, payment and the provider's books differ, and whatever is there twice or not at all."""
    books = {row.ref: row.state for row in db.scalars(select(SandboxObject).where(SandboxObject.kind == "payment"))}
    orders = db.scalars(select(Order)).all()
    sessions = db.scalars(select(ChargingSession)).all()
    found = []
    if not len(orders) == len(sessions) == drivers:
        found.append(f"{drivers} drivers have {len(sessions)} sessions and {len(orders)} orders")
    for order in orders:
        payment = order.payment
        state = books.get(payment.provider_ref or "", {}) if payment else {}
        figures = {order.gross_minor, payment.captured_minor if payment else None, state.get("captured")}
        if len(figures) != 1 or order.gross_minor <= 0 or order.status is not OrderStatus.PAID:
            found.append(f"order {order.number} {order.status}: bill, payment and provider say {figures}")
    taken = sum(state["captured"] for state in books.values())
    if taken != sum(order.gross_minor for order in orders):
        found.append(f"the provider took {taken} in all")
    return found
