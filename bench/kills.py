"""The full fault runs: kills of the sidecar under load on both databases, stops of PostgreSQL."""

import random
import statistics
import tempfile
from pathlib import Path

from bench.results import Figure, keep
from domain.db import Base, make_engine
from tests.faults.kills import Outcome, kill_sidecar, stop_database
from tests.faults.paying import Outcome as PaidOutcome
from tests.faults.paying import pay_under_kills
from tests.postgresql import PostgresqlServer, running_server

KILLS, STOPS, CHARGERS, DRIVERS = 50, 30, 50, 30


def main() -> None:
    """Measures and writes five lines of the table."""
    seed = random.SystemRandom().randrange(10_000)
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        folder = Path(name)
        for database in ("SQLite", "PostgreSQL"):
            url = _empty(database, folder / "kills.db", server)
            outcome = kill_sidecar(url, folder / f"{database} kills", kills=KILLS, chargers=CHARGERS, seed=seed)
            keep(_figure(f"{KILLS} SIGKILLs of the sidecar under load, {database}", outcome, seed))
            url = _empty(database, folder / "paying.db", server)
            paid = pay_under_kills(url, folder / f"{database} paying", drivers=DRIVERS, kills=KILLS, seed=seed)
            keep(_paying_figure(database, paid, seed))
        outcome = stop_database(server, folder / "stops", stops=STOPS, chargers=CHARGERS, seed=seed)
        keep(_figure(f"{STOPS} immediate stops of PostgreSQL under load", outcome, seed))


def _empty(database: str, file: Path, server: PostgresqlServer) -> str:
    if database == "PostgreSQL":
        return server.empty_database(f"voltdesk_{file.stem}")
    engine = make_engine(f"sqlite:///{file}")
    Base.metadata.create_all(engine)
    engine.dispose()
    return f"sqlite:///{file}"


def _paying_figure(database: str, outcome: PaidOutcome, seed: int) -> Figure:
    for line in (outcome.mismatches + outcome.server_errors)[:20]:
        print(f"  {line}")
    return Figure(
        "kills",
        f"{KILLS} SIGKILLs of web, worker and sidecar while {DRIVERS} drivers pay, {database}",
        f"{len(outcome.mismatches)} mismatches, {len(outcome.server_errors)} answers 5xx, "
        f"settled {outcome.converged_s:.0f} s after the last driver was done",
        "0 mismatches, ≤ 60 s",
        "phones over HTTP: scan, pay with test cards (some lose every answer once), start, stop, bill; compared: "
        f"session, order, payment, provider's books; seed {seed}",
    )


def _figure(what: str, outcome: Outcome, seed: int) -> Figure:
    ledger, audit = outcome.ledger, outcome.audit
    for line in (audit.lost + audit.duplicates)[:20]:
        print(f"  {line}")
    return Figure(
        "kills",
        what,
        f"{len(ledger.acknowledged):,} acknowledged, {len(audit.lost)} lost, {len(audit.duplicates)} duplicates, "
        f"{ledger.sockets_lost} sockets lost, next answer after {statistics.median(outcome.healed_s):.1f} s "
        f"(at most {max(outcome.healed_s):.1f} s)",
        "0 lost, 0 duplicates" + ("" if "SIGKILL" in what else ", sockets stay, ≤ 10 s"),
        f"{CHARGERS} chargers in sessions, one CALL each at a time, repeated until answered; seed {seed}; "
        "compared: sessions, stops, meter values, raw log both ways, one order a session",
    )


if __name__ == "__main__":
    main()
