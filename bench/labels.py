"""Five thousand QR codes: made, and drawn on label sheets."""

import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy.orm import sessionmaker

from bench.results import Figure, keep
from bench.rounds import ROUNDS
from domain import jobs, qr_codes, qr_files
from domain.clock import utcnow
from domain.db import Base, make_engine
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.jobs import Workplace
from domain.models.jobs import Job, JobStatus
from domain.qr_files import Order
from tests import factories

CODES = 5000
ADDRESS = "https://charge.harbour-energy.example"


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes the line of the table."""
    seen = [_once() for _ in range(rounds)]
    made, drawn, computing, mib = (statistics.median(values) for values in zip(*seen, strict=True))
    keep(
        Figure(
            "labels",
            f"Batch of {CODES:,} QR codes with their label sheets as PDF",
            f"{made + drawn:.1f} s ({made:.1f} made, {drawn:.1f} drawn; {computing:.1f} computing), {mib:.1f} MiB",
            "< 30 s",
            f"median of {rounds} runs on SQLite: codes in one transaction, then the job; 24 labels a sheet, level Q",
        )
    )


def _once() -> tuple[float, ...]:
    with tempfile.TemporaryDirectory() as name:
        engine = make_engine(f"sqlite:///{name}/labels.db")
        Base.metadata.create_all(engine)
        place = Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(Path(name) / "files"))
        before, began = time.process_time(), time.perf_counter()
        with place.transaction() as db:
            operator = factories.operator(db)
            codes = [code.id for code in qr_codes.make(db, operator.id, CODES, now=utcnow())]
        made = time.perf_counter()
        with place.transaction() as db:
            order = Order("labels", ADDRESS)
            job_id = qr_files.queue(db, order, codes, operator_id=operator.id, by="bench", now=utcnow()).id
        jobs.work(place, STEPS, job_id, utcnow)
        drawn, computing = time.perf_counter(), time.process_time() - before
        with place.reading() as db:
            job = db.get_one(Job, job_id)
            assert job.status is JobStatus.DONE
            assert job.result_file is not None
            mib = job.result_file.size_bytes / 1024**2
        engine.dispose()
    print(f"  {made - began:.1f} s made, {drawn - made:.1f} s drawn", flush=True)
    return made - began, drawn - made, computing, mib


if __name__ == "__main__":
    main()
