"""Billings with a million orders: its first and deepest pages against those of ten thousand, and its search."""

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench.results import Figure, keep
from bench.rounds import ROUNDS, interleaved
from domain import order_list
from domain.clock import utcnow
from domain.db import Base, make_engine, read_only
from domain.order_list import Filter
from tests import factories
from tests.postgresql import running_server

FEW, MANY, PAGE, PAGES, SEARCHES = 10_000, 1_000_000, 50, 20, 200
CHARGERS = 200
EMAILS = 200_000  # of a million payments: five each
# The first of the orders; one every 30 s from this moment on.
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DEEP = timedelta(days=1)  # from the oldest order: 2,880 of them


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes three lines of the table for each database."""
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        folder = Path(name)
        addresses = {
            "SQLite": lambda word: f"sqlite:///{folder / word}.db",
            "PostgreSQL": lambda word: server.empty_database(f"voltdesk_orders_{word}"),
        }
        for database, address in addresses.items():
            few, many = make_engine(address("few")), make_engine(address("many"))
            measure(database, (few, fill(few, FEW)), (many, fill(many, MANY)), rounds)
            few.dispose()
            many.dispose()


def measure(database: str, few: tuple[Engine, int], many: tuple[Engine, int], rounds: int) -> None:
    """The list as its page asks for it: the orders and how many each view holds."""
    deep = _deep_cursor(*many)
    ms = interleaved(
        {
            "few": lambda: _ms_a_page(*few, None),
            "first": lambda: _ms_a_page(*many, None),
            "deep": lambda: _ms_a_page(*many, deep),
        },
        rounds,
    )
    how = f"`order_list.page` and `.counts`, {PAGE} orders with session, charger and payment; deep: all but 2,880 down"
    by_card = _p95_ms(*many, lambda number: f"{number % 10_000:04d}")
    by_mail = _p95_ms(*many, lambda number: f"driver{number % EMAILS}@example.com")
    keep(
        Figure(
            "orders",
            f"Billings of {MANY:,} orders / of {FEW:,}, time of a page, {database}",
            f"first {ms['first'] / ms['few']:.2f}, deep {ms['deep'] / ms['few']:.2f} "
            f"({ms['first']:.1f}, {ms['deep']:.1f} / {ms['few']:.1f} ms)",
            "≤ 1.5",
            how,
        ),
        Figure(
            "orders",
            f"Deep page of {MANY:,} orders / first page, {database}",
            f"{ms['first'] / ms['deep']:.2f} ({1000 / ms['deep']:,.0f} / {1000 / ms['first']:,.0f} pages/s)",
            "≥ 0.6",
            how,
        ),
        Figure(
            "orders",
            f"Search in {MANY:,} orders, p95, {database}",
            f"card ending {by_card:.1f} ms, e-mail {by_mail:.1f} ms",
            "< 100 ms",
            f"{SEARCHES} of each, `order_list.page` and `.counts`; a card ending has 100 orders, an e-mail 5",
        ),
    )


def _ms_a_page(engine: Engine, operator_id: int, cursor: str | None) -> float:
    began = time.perf_counter()
    for _ in range(PAGES):
        assert _billings(engine, operator_id, Filter(), cursor) == PAGE
    return (time.perf_counter() - began) / PAGES * 1000


def _p95_ms(engine: Engine, operator_id: int, asked: Callable[[int], str]) -> float:
    took = []
    for number in itertools.islice(itertools.count(17, 7919), SEARCHES):
        began = time.perf_counter()
        assert _billings(engine, operator_id, Filter(text=asked(number)), None) > 0
        took.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(took, n=20)[-1]


def _billings(engine: Engine, operator_id: int, wanted: Filter, cursor: str | None) -> int:
    with read_only(), Session(engine) as db:
        found = order_list.page(db, operator_id, wanted, cursor, PAGE, utcnow())
        order_list.counts(db, operator_id, wanted, utcnow())
        return len(found.rows)


def _deep_cursor(engine: Engine, operator_id: int) -> str:
    with read_only(), Session(engine) as db:
        found = order_list.page(db, operator_id, Filter(until=FIRST + DEEP), None, PAGE, utcnow())
    assert found.next is not None
    return found.next


def fill(engine: Engine, count: int) -> int:
    """So many paid orders of one operator, copies of one. Returns the operator's id."""
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        station = factories.station(db)
        charger = [factories.charger(db, station, label=f"Bay {n}", device_id=f"BAY-{n}") for n in range(CHARGERS)][0]
        account = factories.payment_account(db, charger.station.operator)
        first = {"last4": "0000", "driver_email": "driver0@example.com", "instrument": "Visa"}
        payment = factories.payment(db, charger, account, status="captured", token="0", id_tag="VD0", **first)
        charging = factories.charging(db, charger, payment_id=payment.id)
        order = factories.order(
            db, charging, payment_id=payment.id, number="VD-0", token="0", created_at=FIRST, status="paid"
        )
        operator_id = order.operator_id
        is_sqlite = engine.dialect.name == "sqlite"
        stamp = moment(engine)
        last4 = "printf('%04d', n % 10000)" if is_sqlite else "lpad((n % 10000)::text, 4, '0')"
        as_text = "CAST(n AS TEXT)"
        paid = {"id": "id + n", "token": as_text, "id_tag": f"'VD' || {as_text}", "created_at": stamp, "last4": last4}
        paid["driver_email"] = f"'driver' || CAST(n % {EMAILS} AS TEXT) || '@example.com'"
        paid["charger_id"] = of_charger = f"charger_id + n % {CHARGERS}"
        copy(db, "payment", count, paid)
        by_payment = {"payment_id": "payment_id + n"}
        new = {"id": "id + n", "start_key": as_text, "transaction_id": f"'9' || {as_text}", "charger_id": of_charger}
        copy(db, "charging_session", count, new | by_payment)
        new = {"id": "id + n", "charging_session_id": "charging_session_id + n", "created_at": stamp}
        new["status"] = "CASE WHEN n % 20 = 0 THEN 'unpaid' WHEN n % 50 = 1 THEN 'refunded' ELSE status END"
        copy(db, "orders", count, new | by_payment | {"number": f"'VD-' || {as_text}", "token": as_text})
        db.commit()
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    return operator_id


def moment(engine: Engine) -> str:
    """The SQL of the moment of the n-th order."""
    if engine.dialect.name == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%S', {FIRST.timestamp():.0f} + n * 30, 'unixepoch') || '.000000+00:00'"
    return f"to_timestamp({FIRST.timestamp():.0f} + n * 30)"


def copy(db: Session, table: str, count: int, new: dict[str, str]) -> None:
    """The table's rows are there so many times; `new` is the SQL of what differs in the n-th copy."""
    columns = [column.name for column in Base.metadata.tables[table].columns]
    values = ", ".join(new.get(column, column) for column in columns)
    numbers = (
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count - 1}) "
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}, numbers"
    )
    db.execute(text(numbers))


if __name__ == "__main__":
    main()
