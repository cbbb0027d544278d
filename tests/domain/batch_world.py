"""What tests of batches share: files, spreadsheets made in memory, and a worker."""

import io
import zipfile
from pathlib import Path

from openpyxl import Workbook
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from domain import batches, jobs
from domain.batch_kinds import KINDS
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.jobs import Workplace
from domain.models.batches import Batch, BatchKind, BatchRow
from domain.models.stations import Station
from domain.sheets.reading import read_rows
from tests.factories import NOW

BY = "alice@example.com"
HEAD = ("device id", "device account")


def csv_of(*rows: tuple[object, ...], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    return "\r\n".join(delimiter.join(str(cell) for cell in row) for row in rows).encode(encoding)


def xlsx_of(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_sheet(xml: bytes, **others: bytes) -> bytes:
    """A workbook whose first sheet is that XML."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_of(HEAD))) as good, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bad:
        for part in good.namelist():
            bad.writestr(part, xml if part == "xl/worksheets/sheet1.xml" else others.get(part, good.read(part)))
    return file.getvalue()


class World:
    """An installation with one operator's station."""

    def __init__(self, engine: Engine, folder: Path, station: Station) -> None:
        self.station = station
        self.place = Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(folder))

    def check(
        self, db: Session, data: bytes, kind: BatchKind = BatchKind.DEVICES, station: Station | None = None
    ) -> Batch:
        site = station or self.station
        made = batches.check(
            db, self.place.files, data, read_rows(data), "chargers.csv", KINDS[kind], kind,
            operator_id=site.operator_id, station=site if kind is BatchKind.DEVICES else None, by=BY, now=NOW,
        )  # fmt: skip
        db.commit()
        return made

    def start(self, db: Session, batch: Batch) -> int:
        job = batches.start(db, batch, KINDS[batch.kind], by=BY, now=NOW)
        db.commit()
        return job.id

    def undo(self, db: Session, batch: Batch) -> None:
        job = batches.undo(db, batch, KINDS[batch.kind], by=BY, now=NOW)
        db.commit()
        self.work(db, job.id)

    def work(self, db: Session, job_id: int) -> None:
        jobs.work(self.place, STEPS, job_id, lambda: NOW)
        db.rollback()
        db.expire_all()

    def imported(self, db: Session, data: bytes, kind: BatchKind = BatchKind.DEVICES) -> Batch:
        batch = self.check(db, data, kind)
        self.work(db, self.start(db, batch))
        return batch


def told(db: Session, batch: Batch) -> list[tuple[int, str, str, str | None]]:
    """(row, key, verdict, reason) of each row."""
    rows = db.scalars(select(BatchRow).where(BatchRow.batch_id == batch.id).order_by(BatchRow.number))
    return [(row.number, row.key, row.verdict.value, row.reason) for row in rows]
