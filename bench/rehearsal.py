"""A rehearsal of new prices over a hundred thousand sessions, as its job does it, to the last line."""

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from bench.results import Figure, keep
from demo.cast import TARIFFS
from domain import job_kinds, jobs, price_rows, rehearsals
from domain.clock import utcnow
from domain.db import Base, make_engine
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.chargers import ChargerEvent
from domain.models.charging import ChargingSession, MeterValue
from domain.models.jobs import Job, JobStatus
from domain.models.orders import Order
from domain.models.price_drafts import Rehearsal, RehearsalLine
from domain.models.stations import Station
from domain.price_changes import Prices
from tests import factories
from tests.postgresql import running_server

SESSIONS, CHARGERS, READINGS = 100_000, 100, 12
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
EVERY, LASTS = timedelta(minutes=40), timedelta(minutes=36)  # of one charger
BATCH = 2_000


def main() -> None:
    """Measures and writes two lines of the table."""
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        _measure("SQLite", f"sqlite:///{Path(name) / 'rehearsal.db'}", Path(name))
        _measure("PostgreSQL", server.empty_database("voltdesk_rehearsal"), Path(name))


def _measure(database: str, url: str, directory: Path) -> None:
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    place = Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(directory / "files"))
    station_id = _fill(engine)
    began, began_cpu = time.perf_counter(), _cpu_s()
    with place.transaction() as db:
        station = db.get_one(Station, station_id)
        asked = rehearsals.ask(
            db, station, _draft(), FIRST, FIRST + timedelta(days=60), by="bench", now=utcnow()
        )  # fmt: skip
        job_id, rehearsal_id = asked.job_id, asked.id
    jobs.work(place, job_kinds.STEPS, job_id, utcnow)
    took, cpu = time.perf_counter() - began, _cpu_s() - began_cpu
    with place.reading() as db:
        job, rehearsal = db.get_one(Job, job_id), db.get_one(Rehearsal, rehearsal_id)
        lines = db.scalar(select(func.count()).select_from(RehearsalLine))
        assert (job.status, job.done, lines, rehearsal.compared) == (JobStatus.DONE, *[SESSIONS] * 3)
        change = (rehearsal.after_minor - rehearsal.before_minor) / 100
    engine.dispose()
    keep(
        Figure(
            "rehearsal",
            f"Rehearsal over {SESSIONS:,} sessions, {database}",
            f"{took:.1f} s ({SESSIONS / took:,.0f} sessions/s, {cpu:.1f} s of computing; {change:+,.0f} EUR in all)",
            "< 30 s",
            f"the job as the worker runs it: {READINGS} readings and 3 statuses a session, four prices by time of day "
            "and weekday, parking after a grace; by the code that bills",
        )
    )


def _cpu_s() -> float:
    """What this process and those that it began have computed."""
    return sum(os.times()[:4])


def _draft() -> Prices:
    terms = TARIFFS["garage"]["terms"]
    row = price_rows.rows(terms)[0]
    dearer = price_rows.PriceRow(**(vars(row) | {"energy": row.energy + row.energy / 10 if row.energy else None}))
    return Prices("Draft", "EUR", price_rows.put(terms, 0, dearer))


def _fill(engine: Engine) -> int:
    with Session(engine, expire_on_commit=False) as db:
        station = factories.station(db, time_zone="Europe/Helsinki")
        operator = station.operator
        tariff = factories.tariff(db, operator, terms=TARIFFS["garage"]["terms"])
        chargers = [factories.charger(db, station).id for _ in range(CHARGERS)]
        db.commit()
        for start in range(0, SESSIONS, BATCH):
            numbers = range(start, start + BATCH)
            shared = {"operator_id": operator.id, "station_id": station.id, "tariff_id": tariff.id}
            rows = [_session(number, chargers) for number in numbers]
            db.execute(insert(ChargingSession), [row | shared for row in rows])
            db.execute(insert(MeterValue), [value for row in rows for value in _values(row)])
            db.execute(insert(ChargerEvent), [event for row in rows for event in _statuses(row)])
            db.execute(
                insert(Order), [_order(row) | {k: shared[k] for k in ("operator_id", "station_id")} for row in rows]
            )
            db.commit()
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    return int(station.id)


def _session(number: int, chargers: list[int]) -> dict[str, object]:
    visit, charger = divmod(number, len(chargers))
    started = FIRST + visit * EVERY + timedelta(seconds=7 * charger)
    used = 6_000 + 37 * (number % 400)
    return {
        "id": number + 1,
        "charger_id": chargers[charger],
        "connector_number": 1,
        "ocpp_version": "1.6",
        "transaction_id": str(number + 1),
        "start_key": str(number),
        "status": "completed",
        "started_at": started,
        "stopped_at": started + LASTS,
        "start_received_at": started,
        "stop_received_at": started + LASTS,
        "billed_at": started + LASTS,
        "meter_start_wh": number * 50,
        "meter_stop_wh": number * 50 + used,
        "energy_wh": used,
        "flags": [],
    }


def _values(row: dict[str, object]) -> list[dict[str, object]]:
    start, begin, used = row["started_at"], row["meter_start_wh"], row["energy_wh"]
    assert isinstance(start, datetime) and isinstance(begin, int) and isinstance(used, int)
    moments = [start + timedelta(minutes=2.5 * (k + 1)) for k in range(READINGS)]
    return [
        {
            "charger_id": row["charger_id"],
            "connector_number": 1,
            "charging_session_id": row["id"],
            "at": at,
            "received_at": at,
            "energy_wh": begin + used * (k + 1) // READINGS,
            "samples": [],
        }
        for k, at in enumerate(moments)
    ]


def _statuses(row: dict[str, object]) -> list[dict[str, object]]:
    start, charger_id = row["started_at"], row["charger_id"]
    assert isinstance(start, datetime)
    told = ((timedelta(0), "Charging"), (timedelta(minutes=30), "SuspendedEV"), (LASTS, "Available"))
    return [
        {
            "charger_id": charger_id,
            "connector_number": 1,
            "kind": "status",
            "summary": word,
            "detail": {"status": word},
            "at": start + after,
            "received_at": start + after,
        }
        for after, word in told
    ]


def _order(row: dict[str, object]) -> dict[str, object]:
    number = row["id"]
    return {
        "charging_session_id": number,
        "number": f"VD-{number}",
        "token": str(number),
        "status": "unpaid",
        "currency": "EUR",
        "net_minor": 400,
        "vat_minor": 102,
        "gross_minor": 502,
        "flags": [],
        "created_at": row["billed_at"],
    }


if __name__ == "__main__":
    main()
