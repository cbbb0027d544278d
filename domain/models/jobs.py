"""Long work that goes on after the page is closed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.files import StoredFile


class JobStatus(StrEnum):
    """queued -> running -> done | failed | cancelled; queued, running <-> paused."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Base):
    """An import, a label sheet, a rehearsal, a campaign: done in steps, each step with its transaction."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("done >= 0 AND total >= 0 AND failed >= 0", name="counts_not_negative"),
        Index(None, "operator_id", "id"),
        Index(
            "ix_job_open",
            "claimed_until",
            sqlite_where=text("status IN ('queued', 'running')"),
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"))  # none: the platform's
    kind: Mapped[str]  # a key of domain.job_kinds
    title: Mapped[str]  # as people read it
    status: Mapped[JobStatus] = mapped_column(words(JobStatus), default=JobStatus.QUEUED)
    detail: Mapped[dict[str, Any]]  # what was asked for, and how far it is
    done: Mapped[int] = mapped_column(default=0)  # of total, failed ones included
    total: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]  # a sentence, when the job as a whole failed
    result_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    asked_by: Mapped[str]  # an e-mail or "api key NAME"
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]  # a worker is at it until then

    result_file: Mapped[StoredFile | None] = relationship()

    @property
    def is_over(self) -> bool:
        return self.status in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)
