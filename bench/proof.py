"""The nightly proof over a million orders, each with its session, line, payment and journal."""

import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench.orders import FIRST, copy, moment
from bench.results import Figure, keep
from domain import books, proof
from domain.clock import utcnow
from domain.db import Base, make_engine, read_only
from domain.models.orders import OrderLine
from domain.models.payments import PaymentStatus
from tests import factories
from tests.postgresql import running_server

ORDERS = 1_000_000


def main() -> None:
    """Measures and writes two lines of the table."""
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        measure("SQLite", f"sqlite:///{Path(name) / 'proof.db'}")
        measure("PostgreSQL", server.empty_database("voltdesk_proof"))


def measure(database: str, url: str) -> None:
    """The proof of our own books, as the worker runs it once a day."""
    engine = make_engine(url)
    _fill(engine)
    began = time.perf_counter()
    with read_only(), Session(engine) as db:
        findings, counts = proof.prove(db, utcnow()), proof.counts(db)
    took = time.perf_counter() - began
    engine.dispose()
    assert findings == [], findings[:3]
    assert counts == dict.fromkeys(("orders", "payments", "journals"), ORDERS)
    keep(
        Figure(
            "proof",
            f"Nightly proof over {ORDERS:,} orders, {database}",
            f"{took:.1f} s",
            "< 120 s",
            "`proof.prove`: sessions without a bill, bills against lines, payments against bills, ledger against "
            "payments, refunds and disputes, journals against zero, operators' own money; without the providers' lists",
        )
    )


def _fill(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        charger = factories.charger(db, factories.station(db))
        account = factories.payment_account(db, charger.station.operator)
        taken = {
            "status": PaymentStatus.CAPTURED,
            "captured_minor": 502,
            "captured_at": FIRST,
            "token": "0",
            "id_tag": "VD0",
        }
        payment = factories.payment(db, charger, account, **taken)
        charging = factories.charging(db, charger, payment_id=payment.id, billed_at=FIRST)
        made = {"payment_id": payment.id, "number": "VD-0", "token": "0", "created_at": FIRST, "status": "paid"}
        made |= {"is_test": True, "collection_mode": payment.collection_mode}
        order = factories.order(db, charging, **made)
        figures = {"net_minor": 400, "vat_minor": 102, "gross_minor": 502, "net_exact": "4.00"}
        words = {"kind": "ENERGY", "label": "", "quantity": "10", "unit": "kWh", "unit_price": "0.40"}
        db.add(OrderLine(order_id=order.id, position=1, **figures, **words))
        books.keep(db, payment, FIRST)
        as_text, at = "CAST(n AS TEXT)", moment(engine)
        by_payment = {"id": "id + n", "payment_id": "payment_id + n"}
        copy(
            db, "payment", ORDERS, {"id": "id + n", "token": as_text, "id_tag": f"'VD' || {as_text}", "created_at": at}
        )
        unique = {"start_key": as_text, "transaction_id": f"'9' || {as_text}"}
        copy(db, "charging_session", ORDERS, by_payment | unique)
        unique = {"number": f"'VD-' || {as_text}", "token": as_text, "created_at": at}
        copy(db, "orders", ORDERS, by_payment | unique | {"charging_session_id": "charging_session_id + n"})
        copy(db, "order_line", ORDERS, {"id": "id + n", "order_id": "order_id + n"})
        # Postings before their journals, as the guards want it.
        copy(db, "posting", ORDERS, {"id": "id + 2 * n", "journal_id": "journal_id + n"})
        unique = {"idempotency_key": f"'capture:copy:' || {as_text}", "order_id": "order_id + n", "occurred_at": at}
        copy(db, "journal", ORDERS, by_payment | unique)
        db.commit()
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


if __name__ == "__main__":
    main()
