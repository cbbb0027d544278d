"""Spreadsheets of devices or tokens that somebody handed in: each row with what it would do, and what it did."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.jobs import Job
from domain.models.stations import Station


class BatchKind(StrEnum):
    """What the rows of a batch become."""

    DEVICES = "devices"
    TOKENS = "tokens"


class Verdict(StrEnum):
    """ok -> added -> removed; ok -> exists | refused, when the world moved on; the others never change."""

    OK = "ok"
    ADDED = "added"
    REMOVED = "removed"  # undone
    DUPLICATE = "duplicate"  # of an earlier row of the file
    EXISTS = "exists"  # the operator has it already
    MALFORMED = "malformed"
    CELL = "cell"  # a formula, a date, a number that lost its end
    REFUSED = "refused"  # cannot be added here; nobody says why


class Batch(Base):
    """One upload. Checked at once, imported and undone by jobs; how far it is follows from its rows and its job."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    kind: Mapped[BatchKind] = mapped_column(words(BatchKind))
    station_id: Mapped[int | None]  # of devices
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    name: Mapped[str]  # of the file
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))  # the latest
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    keys_told_at: Mapped[datetime | None]  # the chargers' passwords were handed out
    keys_told_to: Mapped[str | None]
    undone_at: Mapped[datetime | None]

    job: Mapped[Job | None] = relationship()
    station: Mapped[Station | None] = relationship(
        viewonly=True, primaryjoin="Batch.station_id == Station.id", foreign_keys="Batch.station_id"
    )


class BatchRow(Base):
    """One row of the file."""

    __tablename__ = "batch_row"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        ForeignKeyConstraint(["operator_id", "batch_id"], ["batch.operator_id", "batch.id"]),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        ForeignKeyConstraint(["operator_id", "token_id"], ["token.operator_id", "token.id"]),
        Index(None, "batch_id", "verdict", "number"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    batch_id: Mapped[int]
    number: Mapped[int]  # in the file, from 1
    key: Mapped[str]  # the device id or uid
    cells: Mapped[list[str]]  # by the columns of the kind
    verdict: Mapped[Verdict] = mapped_column(words(Verdict))
    reason: Mapped[str | None]  # a sentence
    charger_id: Mapped[int | None] = mapped_column(index=True)  # what it became
    token_id: Mapped[int | None] = mapped_column(index=True)
