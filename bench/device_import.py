"""Ten thousand devices from a spreadsheet: the dry run and the import, how long and with how much memory."""

import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from bench.results import Figure, keep
from bench.rounds import ROUNDS
from domain import batches, jobs
from domain.batch_kinds import KINDS
from domain.clock import utcnow
from domain.db import Base, make_engine
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.jobs import Workplace
from domain.models.batches import BatchKind, Verdict
from domain.models.chargers import Charger
from domain.sheets.reading import read_rows
from tests import factories
from tests.postgresql import running_server

DEVICES = 10_000
BY = "bench"


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes two lines of the table."""
    with running_server() as server:
        for database in ("SQLite", "PostgreSQL"):
            seen = [_in_a_process_of_its_own(database, server.empty_database, number) for number in range(rounds)]
            checked, imported, computing, mib = (statistics.median(values) for values in zip(*seen, strict=True))
            keep(
                Figure(
                    "device_import",
                    f"Import of {DEVICES:,} devices, {database}",
                    f"{checked + imported:.1f} s (dry run {checked:.1f}, import {imported:.1f}; "
                    f"{computing:.1f} of it computing), {mib:.0f} MiB",
                    "< 20 s, < 200 MiB",
                    f"median of {rounds} runs: XLSX read in its guarded process, a verdict for each row, then the job "
                    "in steps of 500 with password, QR code and audit; memory: the larger of both processes",
                )
            )


def _in_a_process_of_its_own(database: str, empty: Callable[[str], str], number: int) -> tuple[float, ...]:
    """Seconds of the dry run, of the import, of computing in both; MiB at most."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/import.db" if database == "SQLite" else empty(f"voltdesk_import_{number}")
        command = [sys.executable, "-m", "bench.device_import", url, name]
        told = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)  # noqa: S603
    print(f"  {database}, round {number + 1}: {told.stdout.strip()}", flush=True)
    return tuple(float(word) for word in told.stdout.split())


def measure(url: str, folder: Path) -> None:
    """One dry run and import on an empty database; prints what the row needs."""
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    place = Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(folder / "files"))
    data = _file()
    before = time.process_time()
    began = time.perf_counter()
    job_id = _checked(place, data)
    checked = time.perf_counter()
    jobs.work(place, STEPS, job_id, utcnow)
    ended = time.perf_counter()
    _is_whole(engine)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    computing = sum(each.ru_utime + each.ru_stime for each in used) - before
    kib = max(each.ru_maxrss for each in used)
    print(f"{checked - began:.2f} {ended - checked:.2f} {computing:.2f} {kib / 1024:.0f}")


def _file() -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["device id", "device account"])
    for number in range(DEVICES):
        sheet.append([f"HE60D{number:08d}", f"4711-{number:06d}"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _checked(place: Workplace, data: bytes) -> int:
    kind, now = KINDS[BatchKind.DEVICES], utcnow()
    read = read_rows(data)
    with place.transaction() as db:
        station = factories.station(db)
        batch = batches.check(
            db, place.files, data, read, "devices.xlsx", kind, BatchKind.DEVICES,
            operator_id=station.operator_id, station=station, by=BY, now=now,
        )  # fmt: skip
        assert batches.counts(db, batch)[Verdict.OK] == DEVICES
        return batches.start(db, batch, kind, by=BY, now=now).id


def _is_whole(engine: Engine) -> None:
    with Session(engine) as db:
        assert db.scalar(select(func.count()).select_from(Charger)) == DEVICES


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
