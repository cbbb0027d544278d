"""The list of ten thousand chargers against one of a hundred: its first and a deep page."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from bench.results import Figure, keep
from bench.rounds import ROUNDS, interleaved
from domain import charger_list
from domain.charger_list import Filter
from domain.clock import utcnow
from domain.db import Base, make_engine, read_only
from domain.models.chargers import Charger, Connector
from tests import factories
from tests.postgresql import running_server

FEW, MANY, PAGE, PAGES = 100, 10_000, 25, 20
DEEP = 9_000  # chargers before the deep page
SORT = "charger"


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes two lines of the table."""
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        folder = Path(name)
        addresses = {
            "SQLite": lambda word: f"sqlite:///{folder / word}.db",
            "PostgreSQL": lambda word: server.empty_database(f"voltdesk_pages_{word}"),
        }
        for database, address in addresses.items():
            _measure(database, address, rounds)


def _measure(database: str, address: Callable[[str], str], rounds: int) -> None:
    few, few_operator = _filled(address("few"), FEW)
    many, many_operator = _filled(address("many"), MANY)
    deep = _cursor(many, many_operator)
    seen = interleaved(
        {
            "few": lambda: _ms_a_page(few, few_operator, None),
            "first": lambda: _ms_a_page(many, many_operator, None),
            "deep": lambda: _ms_a_page(many, many_operator, deep),
        },
        rounds,
    )
    for engine in (few, many):
        engine.dispose()
    keep(
        Figure(
            "charger_pages",
            f"List of {MANY:,} chargers / of {FEW}, time of a page, {database}",
            f"first {seen['first'] / seen['few']:.2f}, deep {seen['deep'] / seen['few']:.2f} "
            f"({seen['first']:.1f}, {seen['deep']:.1f} / {seen['few']:.1f} ms)",
            "≤ 1.5",
            f"`charger_list.page` by label, {PAGE} chargers of 2 connectors with state and power; deep: {DEEP:,} down",
        )
    )


def _ms_a_page(engine: Engine, operator_id: int, cursor: str | None) -> float:
    began = time.perf_counter()
    for _ in range(PAGES):
        with read_only(), Session(engine) as db:
            found = charger_list.page(db, operator_id, Filter(), utcnow(), SORT, cursor, PAGE)
            assert len(found.rows) == PAGE
    return (time.perf_counter() - began) / PAGES * 1000


def _cursor(engine: Engine, operator_id: int) -> str | None:
    cursor = None
    with read_only(), Session(engine) as db:
        for _ in range(DEEP // 500):
            cursor = charger_list.page(db, operator_id, Filter(), utcnow(), SORT, cursor, 500).next
    return cursor


def _filled(url: str, count: int) -> tuple[Engine, int]:
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        station, now = factories.station(db), utcnow()
        operator_id: int = station.operator_id
        common = {"operator_id": station.operator_id, "station_id": station.id, "created_at": now, "node": "ocpp-1"}
        rows = [{"device_id": f"B{number:06d}", "label": f"HG-{number:06d}"} for number in range(count)]
        db.execute(insert(Charger), [common | row | {"last_seen_at": now, "connected_at": now} for row in rows])
        ids = db.scalars(select(Charger.id)).all()
        plugs = [{"charger_id": each, "number": number, "status": "Available"} for each in ids for number in (1, 2)]
        db.execute(insert(Connector), plugs)
        db.commit()
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return engine, operator_id


if __name__ == "__main__":
    main()
