"""The queue of captures after a busy evening: how fast the worker's sweep drains it at the imitation of Stripe."""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import requests
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

import worker
from bench.results import Figure, keep
from domain import payments, settling
from domain.clock import utcnow
from domain.db import Base, make_engine
from domain.models.payments import Payment, PaymentStatus
from domain.settling import Till
from providers import Registry
from providers.stripe import stripe_kind
from tests import factories
from tests.fakes.stripe import FakeStripe
from tests.postgresql import running_server

CAPTURES = 500
CARD = "4242424242424242"


def main() -> None:
    """Measures and writes two lines of the table."""
    with tempfile.TemporaryDirectory() as name:
        drain("SQLite", f"sqlite:///{Path(name) / 'captures.db'}")
    with running_server() as server:
        drain("PostgreSQL", server.empty_database("voltdesk_captures"))


def drain(database: str, url: str) -> None:
    """Every payment is captured; the sweep ran until none was left."""
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    with _stripe() as stripe_url:
        till = Till(
            sessionmaker(engine, expire_on_commit=False),
            Registry([stripe_kind(stripe_url)], "test"),
            "https://volt.example",
        )
        _hold(till, engine)
        _decide(engine)
        began = time.perf_counter()
        while _left(engine):
            worker.settle(till, utcnow())
        took = time.perf_counter() - began
    engine.dispose()
    keep(
        Figure(
            "captures",
            f"Queue of {CAPTURES} captures, drained at the imitation of Stripe, {database}",
            f"{CAPTURES / took:.0f} captures/s",
            "≥ 100",
            f"`worker.settle`, {worker.CALLS_AT_ONCE} calls at once by the official SDK: the payment is fetched, then "
            "captured, two transactions and a journal each; the imitation in a process of its own on the same machine",
        )
    )


@contextmanager
def _stripe() -> Iterator[str]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(there,))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("over")
        process.join()


def _serve(pipe: Connection) -> None:
    with FakeStripe(utcnow()).running() as fake:
        pipe.send(fake.url)
        pipe.recv()


def _hold(till: Till, engine: Engine) -> None:
    """Drivers have chosen and typed their cards."""
    with Session(engine, expire_on_commit=False) as db:
        charger = factories.charger(db, factories.station(db))
        account = factories.stripe_account(db, charger.station.operator)
        now = utcnow()
        common = {"status": PaymentStatus.CREATED, "authorised_at": None, "created_at": now, "next_try_at": now}
        ids = [factories.payment(db, charger, account, **common).id for _ in range(CAPTURES)]
        db.commit()

    def pay(payment_id: int) -> None:
        settling.settle_payment(till, payment_id, utcnow(), at_once=True)
        with till.open_db() as db:
            checkout = db.get_one(Payment, payment_id).checkout_url
        requests.post(f"{checkout}", data={"card": CARD}, timeout=20, allow_redirects=False).raise_for_status()

    with ThreadPoolExecutor(4) as drivers:
        list(drivers.map(pay, ids))


def _decide(engine: Engine) -> None:
    """Every session is billed; the money is taken next."""
    now = utcnow()
    with Session(engine) as db:
        for payment in db.scalars(select(Payment)):
            payment.status, payment.status_at = PaymentStatus.AUTHORISED, now
            assert payments.ask_capture(payment, 502, now)
        db.commit()


def _left(engine: Engine) -> int:
    with Session(engine) as db:
        waiting = select(func.count()).where(Payment.status != PaymentStatus.CAPTURED)
        return int(db.scalar(waiting) or 0)


if __name__ == "__main__":
    main()
