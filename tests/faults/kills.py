"""Kills at random moments under load, and what is left afterwards (trust.md F1, F3)."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from domain.db import make_engine
from tests.charge_points import Identity, Ledger
from tests.faults.fleet import Audit, audit, bill_everything, make_fleet
from tests.faults.load import charging
from tests.postgresql import PostgresqlServer
from tests.processes import Sidecar


@dataclass
class Outcome:
    """What a run of kills did and found."""

    ledger: Ledger
    audit: Audit
    healed_s: list[float] = field(default_factory=list)  # from the return of what was stopped to the next answer


def kill_sidecar(database_url: str, folder: Path, *, kills: int, chargers: int, seed: int = 0) -> Outcome:
    """The sidecar was killed that many times while the chargers charged; then they finished, and all was compared.

    The database has every table and is empty.
    """
    fleet = _fleet(database_url, chargers)

    async def run() -> tuple[Ledger, list[float]]:
        moments, healed_s = random.Random(seed), []
        async with charging(Sidecar(database_url, folder), fleet, seed) as load:
            for _ in range(kills):
                await load.acknowledged(moments.randint(chargers, 8 * chargers))
                await asyncio.to_thread(load.sidecar.kill)
                load.sidecar.start()
                await asyncio.to_thread(load.sidecar.wait_ready)
                ready_at = time.monotonic()
                await load.acknowledged(1)
                healed_s.append(time.monotonic() - ready_at)
        return load.ledger, healed_s

    return _compared(database_url, *asyncio.run(run()))


def stop_database(server: PostgresqlServer, folder: Path, *, stops: int, chargers: int, seed: int = 0) -> Outcome:
    """The server was stopped at once that many times and started again while the chargers charged."""
    database_url = server.empty_database("voltdesk_stops")
    fleet = _fleet(database_url, chargers)

    async def run() -> tuple[Ledger, list[float]]:
        moments, healed_s = random.Random(seed), []
        async with charging(Sidecar(database_url, folder), fleet, seed) as load:
            for _ in range(stops):
                await load.acknowledged(moments.randint(chargers, 8 * chargers))
                await asyncio.to_thread(server.stop_at_once)
                await asyncio.to_thread(server.start)
                back_at = time.monotonic()
                await load.acknowledged(1)
                healed_s.append(time.monotonic() - back_at)
                assert not load.sidecar.has_died(), load.sidecar.said()
        return load.ledger, healed_s

    return _compared(database_url, *asyncio.run(run()))


def _fleet(database_url: str, chargers: int) -> list[Identity]:
    engine = make_engine(database_url)
    with Session(engine) as db:
        fleet = make_fleet(db, chargers)
    engine.dispose()
    return fleet


def _compared(database_url: str, ledger: Ledger, healed_s: list[float]) -> Outcome:
    engine = make_engine(database_url)
    with Session(engine) as db:
        bill_everything(db)
        found = audit(db, ledger)
    engine.dispose()
    return Outcome(ledger, found, healed_s)
