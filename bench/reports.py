"""Reports of a million orders: the page, its file, and what it costs to sum a month up."""

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from bench.orders import FIRST, MANY, fill
from bench.results import Figure, keep
from domain import report_units, reports
from domain.db import Base, make_engine, read_only
from domain.models.ledger import AccountKind, Journal, JournalKind, LedgerAccount, Posting
from domain.models.payments import Payment
from domain.models.stations import Station
from domain.reports import Kind, Wanted
from tests.postgresql import running_server

STATIONS, PAGES = 100, 20
NOW = FIRST + timedelta(seconds=30 * MANY)


def main() -> None:
    """Measures and writes two lines of the table for each database."""
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        folder = Path(name)
        for database, url in (
            ("SQLite", f"sqlite:///{folder / 'reports'}.db"),
            ("PostgreSQL", server.empty_database("voltdesk_reports")),
        ):
            engine = make_engine(url)
            operator_id = fill(engine, MANY)
            spread(engine)
            measure(database, engine, operator_id)
            engine.dispose()


def measure(database: str, engine: Engine, operator_id: int) -> None:
    """All months are summed up, then the page is asked for again and again."""
    took = _sum_up(engine)
    page = _best(lambda: _page(engine, operator_id))
    file = _best(lambda: _file(engine, operator_id))
    how = f"{MANY:,} orders of {STATIONS} stations over 12 months, each with its capture in the ledger"
    keep(
        Figure(
            "reports",
            f"Reports of {MANY:,} orders, its queries, {database}",
            f"page {page:.0f} ms, file {file:.0f} ms",
            "< 1,000 ms",
            f"{how}; the year by month, 25 stations, check, fees; the file has a row for each station and month",
        ),
        Figure(
            "reports",
            f"A month of {MANY // 12:,} orders summed up and compared with the ledger, {database}",
            f"median {took[len(took) // 2]:.1f} s, longest {took[-1]:.1f} s",
            "< 30 s",
            f"{how}; `report_units.compute`, which reads only; each month once a day, the present one every 5 minutes",
        ),
    )


def spread(engine: Engine) -> None:
    """The orders are those of a hundred stations, and the ledger has what was captured for each."""
    with Session(engine) as db:
        station = db.scalars(select(Station)).one()
        db.execute(text("UPDATE station SET time_zone = 'Europe/Helsinki'"))
        columns = [
            column.name for column in Base.metadata.tables["station"].columns if column.name not in ("id", "name")
        ]
        copied = ", ".join(columns)
        for number in range(1, STATIONS):
            db.execute(
                text(
                    f"INSERT INTO station (id, name, {copied})"
                    f" SELECT id + {number}, 'Station {number}', {copied} FROM station WHERE id = {station.id}"
                )
            )
        of_order = f"{station.id} + orders.id % {STATIONS}"
        db.execute(text(f"UPDATE orders SET station_id = {of_order}"))
        db.execute(
            text(
                f"UPDATE charging_session SET station_id = {station.id} + id % {STATIONS},"
                " started_at = (SELECT created_at FROM orders WHERE charging_session_id = charging_session.id),"
                " stopped_at = (SELECT created_at FROM orders WHERE charging_session_id = charging_session.id)"
            )
        )
        db.execute(
            text(
                "UPDATE payment SET status = 'captured', captured_minor = 502, hold_minor = 4500,"
                " captured_at = (SELECT created_at FROM orders WHERE payment_id = payment.id)"
            )
        )
        _book(db, station.operator_id)
        db.commit()
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _book(db: Session, operator_id: int) -> None:
    payment = db.scalars(select(Payment).limit(1)).one()
    common = {"is_test": payment.is_test}
    there = LedgerAccount(
        name="clearing", kind=AccountKind.PROVIDER_CLEARING, payment_account_id=payment.payment_account_id, **common
    )
    owed = LedgerAccount(name="payable", kind=AccountKind.OPERATOR_PAYABLE, operator_id=operator_id, **common)
    db.add_all([there, owed])
    db.flush()
    db.execute(text("UPDATE orders SET is_test = :is_test"), common)
    for account, sign in ((there, ""), (owed, "-")):
        db.execute(
            text(
                f"INSERT INTO {Posting.__tablename__} (id, journal_id, account_id, amount_minor, currency, is_test)"
                f" SELECT id * 2 + {int(sign == '-')}, id, {account.id}, {sign}502, 'EUR', is_test FROM orders"
            )
        )
    db.execute(
        text(
            f"INSERT INTO {Journal.__tablename__} (id, kind, idempotency_key, occurred_at, recorded_at, operator_id,"
            " order_id, payment_id, is_test)"
            f" SELECT id, '{JournalKind.CAPTURE.value}', 'capture:' || payment_id, created_at, created_at, operator_id,"
            " id, payment_id, is_test FROM orders"
        )
    )


def _sum_up(engine: Engine) -> list[float]:
    took = []
    with read_only(), Session(engine) as db:
        units = report_units.due(db, NOW)
    for unit in units:
        began = time.perf_counter()
        with read_only(), Session(engine) as db:
            sums = report_units.compute(db, unit, NOW)
        took.append(time.perf_counter() - began)
        with Session(engine) as db:
            report_units.store(db, unit, sums, NOW)
            db.commit()
    return sorted(took)


def _page(engine: Engine, operator_id: int) -> None:
    wanted = _wanted()
    with read_only(), Session(engine) as db:
        lines = reports.by_month(db, operator_id, wanted)
        reports.kinds(db, operator_id)
        reports.stations(db, operator_id, wanted, None, 25)
        reports.provider_fees(db, operator_id, wanted, "Europe/Helsinki")
        assert reports.check(db, operator_id, wanted).differences == []
        assert reports.total(lines).money.captured_minor == 502 * MANY


def _file(engine: Engine, operator_id: int) -> None:
    with read_only(), Session(engine) as db:
        assert len(reports.each(db, operator_id, _wanted())) >= 12 * STATIONS - STATIONS


def _wanted() -> Wanted:
    return Wanted("2026-01", "2026-12", kind=Kind("EUR", is_test=True))


def _best(ask: Callable[[], None]) -> float:
    took = []
    for _ in range(PAGES):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return sorted(took)[PAGES // 2] * 1000


if __name__ == "__main__":
    main()
