"""Long work in steps: claimed once, told how far it is, paused, cancelled, gone on with after a crash."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import sessionmaker

from domain import jobs
from domain.errors import Conflict, Refused
from domain.files import FileStore
from domain.jobs import Workplace
from domain.models.jobs import Job, JobStatus
from tests import factories
from tests.factories import NOW


@pytest.fixture
def place(engine, tmp_path):
    return Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(tmp_path / "files"))


@pytest.fixture
def job(make):
    return make(factories.job, make(factories.operator), total=3)


def fresh(db, job):
    db.commit()  # lets go of SQLite's write lock too
    db.expire_all()
    return db.get(Job, job.id)


def waiting(db, now):
    found = jobs.waiting(db, now)
    db.commit()
    return found


def count_to_three(place, job_id, now):
    with place.transaction() as db:
        job = jobs.locked(db, job_id)
        jobs.advance(job, done=1, last=job.done + 1)
        if job.done == job.total:
            jobs.finish(job, now)


def work(place, db, job, step, now=NOW):
    db.commit()
    jobs.work(place, {"count": step}, job.id, lambda: now)


def test_steps_run_until_the_job_is_done(place, db, job):
    work(place, db, job, count_to_three)

    done = fresh(db, job)
    assert (done.status, done.done, done.failed, done.detail) == (JobStatus.DONE, 3, 0, {"last": 3})
    assert (done.started_at, done.finished_at, done.claimed_until) == (NOW, NOW, None)


def test_a_job_that_somebody_is_at_is_left_alone(place, db, job):
    job.status, job.claimed_until = JobStatus.RUNNING, NOW + timedelta(minutes=1)
    db.commit()

    work(place, db, job, count_to_three)

    assert fresh(db, job).done == 0
    assert waiting(db, NOW) == []


def test_a_job_whose_worker_died_goes_on_where_it_was(place, db, job):
    job.status, job.claimed_until, job.done = JobStatus.RUNNING, NOW - timedelta(seconds=1), 2
    db.commit()

    assert waiting(db, NOW) == [job.id]
    work(place, db, job, count_to_three)

    assert (fresh(db, job).status, fresh(db, job).done) == (JobStatus.DONE, 3)


def test_a_paused_job_rests_after_its_step_and_goes_on_later(place, db, job):
    def pause_at_once(place, job_id, now):
        with place.transaction() as own:
            found = jobs.locked(own, job_id)
            jobs.advance(found, done=1)
            jobs.pause(found)

    work(place, db, job, pause_at_once)
    assert (fresh(db, job).status, fresh(db, job).done, waiting(db, NOW)) == (JobStatus.PAUSED, 1, [])

    jobs.resume(job)
    db.commit()
    work(place, db, job, count_to_three)

    assert (fresh(db, job).status, fresh(db, job).done) == (JobStatus.DONE, 3)


def test_a_step_may_ask_to_go_on_later(place, db, job):
    later = NOW + timedelta(minutes=5)

    def wait(place, job_id, now):
        with place.transaction() as own:
            found = jobs.locked(own, job_id)
            jobs.advance(found, done=1)
            jobs.wait_until(found, later)

    work(place, db, job, wait)

    assert (fresh(db, job).done, waiting(db, NOW), waiting(db, later)) == (1, [], [job.id])


def test_a_refusal_ends_the_job_with_its_sentence(place, db, job):
    def refuse(place, job_id, now):
        raise Refused("The file is gone.")

    work(place, db, job, refuse)

    assert (fresh(db, job).status, fresh(db, job).error) == (JobStatus.FAILED, "The file is gone.")


def test_a_fault_of_ours_ends_the_job_without_its_secrets(place, db, job, caplog):
    def fail(place, job_id, now):
        raise RuntimeError("password=hunter2")

    work(place, db, job, fail)

    failed = fresh(db, job)
    assert failed.status is JobStatus.FAILED
    assert failed.error == "Something went wrong on our side. What was done so far is kept."
    assert "hunter2" in caplog.text


def test_what_is_over_cannot_be_cancelled(db, job):
    jobs.cancel(job, NOW)

    for act in (jobs.pause, jobs.resume, lambda found: jobs.cancel(found, NOW)):
        with pytest.raises(Conflict):
            act(job)


def test_how_long_it_will_take(job):
    job.status, job.started_at, job.done, job.total = JobStatus.RUNNING, NOW, 20, 100

    assert jobs.remaining_s(job, NOW + timedelta(seconds=10)) == 40
    job.done = 0
    assert jobs.remaining_s(job, NOW) is None
