"""Jobs: long work in steps, so that it can be watched, paused, and goes on after a crash.

A kind of job is a step function (domain/job_kinds.py). Each call does a slice of the work in transactions of its own
and tells how far it is in the same transaction, so whatever stops it, no slice is done twice.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, literal_column, or_, select, update
from sqlalchemy.orm import Session

from domain.db import read_only, writing
from domain.errors import Conflict, DomainError
from domain.files import FileStore
from domain.models.files import StoredFile
from domain.models.jobs import Job, JobStatus

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MOST_AT_ONCE = 20
_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True)
class Workplace:
    """What a step works with."""

    open_db: Callable[[], Session]
    files: FileStore

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction of its own, committed unless it raises."""
        with writing(), self.open_db() as db:
            yield db
            db.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A look at the database that takes no write lock."""
        with read_only(), self.open_db() as db:
            yield db


Step = Callable[[Workplace, int, datetime], None]


def queue(
    db: Session,
    kind: str,
    title: str,
    detail: dict[str, Any],
    *,
    operator_id: int | None,
    total: int = 0,
    by: str,
    now: datetime,
) -> Job:
    """The job begins once this transaction is committed.

    Args:
        kind: a key of `domain.job_kinds.STEPS`.
        title: as people read it in their list of jobs.
        detail: plain JSON values for the step function.
        total: how many things there are to do; 0 while that is not known.
    """
    job = Job(
        operator_id=operator_id,
        kind=kind,
        title=title,
        status=JobStatus.QUEUED,
        detail=detail,
        done=0,
        failed=0,
        total=total,
        asked_by=by,
        queued_at=now,
    )
    db.add(job)
    db.flush()
    return job


def advance(job: Job, *, done: int = 0, failed: int = 0, **detail: Any) -> None:
    """So many more are done, `failed` of them without success; `detail` is remembered for the next step."""
    job.done += done
    job.failed += failed
    job.detail = job.detail | detail


def finish(job: Job, now: datetime, result: StoredFile | None = None) -> None:
    """The job is done; what it made can be fetched."""
    job.status, job.finished_at, job.claimed_until = JobStatus.DONE, now, None
    job.result_file_id = result.id if result else job.result_file_id


def fail(job: Job, sentence: str, now: datetime) -> None:
    """The job as a whole cannot go on."""
    job.status, job.error, job.finished_at, job.claimed_until = JobStatus.FAILED, sentence, now, None


def pause(job: Job) -> None:
    """The job rests after the step that it is at.

    Raises:
        Conflict: it is over.
    """
    _check_open(job)
    job.status = JobStatus.PAUSED


def resume(job: Job) -> None:
    """The job goes on; one that is not paused goes on as it was.

    Raises:
        Conflict: it is over.
    """
    _check_open(job)
    if job.status is not JobStatus.PAUSED:
        return  # somebody is at it: its claim stays
    job.status = JobStatus.RUNNING if job.started_at else JobStatus.QUEUED
    job.claimed_until = None


def cancel(job: Job, now: datetime) -> None:
    """The job ends after the step that it is at; what is done stays done.

    Raises:
        Conflict: it is over.
    """
    _check_open(job)
    job.status, job.finished_at, job.claimed_until = JobStatus.CANCELLED, now, None


def locked(db: Session, job_id: int) -> Job:
    """The job, changed by nobody else until the transaction ends."""
    return db.get_one(Job, job_id, with_for_update=True, populate_existing=True)


def remaining_s(job: Job, now: datetime) -> int | None:
    """How long it will take at the present pace, in seconds; None while that cannot be told."""
    if job.status is not JobStatus.RUNNING or job.started_at is None or not job.done or job.done > job.total:
        return None
    return int((now - job.started_at).total_seconds() / job.done * (job.total - job.done))


def waiting(db: Session, now: datetime) -> list[int]:
    """Jobs that nobody is at, the oldest first."""
    # Written out, not bound: SQLite only then sees that the index of what is open serves, however many are over.
    words: list[Any] = [literal_column(f"'{status.value}'") for status in _OPEN]
    free = or_(Job.claimed_until.is_(None), Job.claimed_until <= now)
    return sorted(db.scalars(select(Job.id).where(Job.status.in_(words), free)))[:MOST_AT_ONCE]


def work(workplace: Workplace, steps: Mapping[str, Step], job_id: int, now: Callable[[], datetime]) -> None:
    """The job's steps run until it is over, paused, or waits for later; nothing if somebody else is at it."""
    while True:
        moment = now()
        with workplace.transaction() as db:
            kind = _claim(db, job_id, moment)
        if kind is None:
            return
        try:
            steps[kind](workplace, job_id, moment)
        except DomainError as refusal:
            _end_badly(workplace, job_id, str(refusal), now())
            return
        except Exception:
            log.exception("job %s", job_id)
            _end_badly(workplace, job_id, "Something went wrong on our side. What was done so far is kept.", now())
            return
        with workplace.transaction() as db:
            job = locked(db, job_id)
            if job.status is not JobStatus.RUNNING:
                return
            if job.claimed_until is not None and job.claimed_until != moment + LEASE:
                return  # the step said when it wants to go on
            job.claimed_until = None


def wait_until(job: Job, moment: datetime) -> None:
    """The next step is not before that moment."""
    job.claimed_until = moment


def _claim(db: Session, job_id: int, now: datetime) -> str | None:
    free = or_(Job.claimed_until.is_(None), Job.claimed_until <= now)
    claim = update(Job).where(Job.id == job_id, Job.status.in_(_OPEN), free)
    claimed = db.execute(claim.values(claimed_until=now + LEASE, status=JobStatus.RUNNING))
    if not isinstance(claimed, CursorResult) or claimed.rowcount != 1:
        return None
    job = db.get_one(Job, job_id)
    job.started_at = job.started_at or now
    return job.kind


def _end_badly(workplace: Workplace, job_id: int, sentence: str, now: datetime) -> None:
    with workplace.transaction() as db:
        job = locked(db, job_id)
        if not job.is_over:
            fail(job, sentence, now)


def _check_open(job: Job) -> None:
    if job.is_over:
        raise Conflict("This job is over.")
