"""Jobs as people watch them."""

import io

import pytest

from domain.files import FileStore
from domain.models.files import FileKind
from domain.models.jobs import JobStatus
from domain.models.operators import Role
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.factories import NOW


@pytest.fixture
def job(make, harbour):
    return make(factories.job, harbour, status=JobStatus.RUNNING, started_at=NOW, done=214, total=300, failed=3)


def test_a_job_tells_how_far_it_is_and_asks_again(alice, job):
    shown = alice.get(f"/jobs/{job.id}", headers=HTMX)

    assert shown.status_code == 200
    assert "214 of 300, 3 failed" in shown.text
    assert 'hx-trigger="every 1s"' in shown.text


def test_polling_ends_with_the_job(alice, db, job):
    job.status, job.done, job.finished_at = JobStatus.DONE, 300, NOW
    db.commit()

    shown = alice.get(f"/jobs/{job.id}", headers=HTMX)

    assert shown.status_code == 286
    assert "hx-trigger" not in shown.text
    assert alice.get(f"/jobs/{job.id}").status_code == 200


def test_a_job_is_paused_goes_on_and_is_cancelled(alice, db, job):
    seen = []
    for verb in ("pause", "resume", "cancel"):
        assert alice.post(f"/jobs/{job.id}/{verb}").status_code == 303
        db.refresh(job)
        seen.append(job.status)
        db.commit()

    assert seen == [JobStatus.PAUSED, JobStatus.RUNNING, JobStatus.CANCELLED]
    assert alice.post(f"/jobs/{job.id}/resume").status_code == 409


def test_only_who_asked_for_a_job_or_runs_the_stations_may_stop_it(bob, db, make, sign_in, harbour, job):
    sam = sign_in(make(factories.user, harbour, Role.OPERATOR_SUPPORT, email="sam@example.com"))
    own = make(factories.job, harbour, status=JobStatus.RUNNING, started_at=NOW, asked_by="sam@example.com")

    answers = [sam.post(f"/jobs/{each.id}/cancel").status_code for each in (job, own)]

    assert answers == [403, 303]
    assert "Cancel" not in sam.get(f"/jobs/{job.id}").text
    assert bob.post(f"/jobs/{job.id}/cancel").status_code == 303


def test_the_result_is_a_download(alice, db, make, job, instance_dir, harbour):
    store = FileStore(instance_dir / "files")
    stored = store.keep(
        db,
        store.write(io.BytesIO(b"rows"), 100),
        kind=FileKind.RESULT,
        name="rejected rows.xlsx",
        content_type="text/plain",
        operator_id=harbour.id,
        by="worker",
        now=NOW,
    )
    job.result_file_id = stored.id
    db.commit()

    with alice.get(f"/jobs/{job.id}/file") as download:
        assert download.data == b"rows"
        assert download.headers["Content-Disposition"] == 'attachment; filename="rejected rows.xlsx"'
    with alice.get(f"/jobs/{job.id}/file", headers={"Range": "bytes=1-2"}) as part:
        assert (part.status_code, part.data) == (206, b"ow")


def test_a_result_that_has_expired_is_told_as_gone(alice, db, job, make, harbour):
    job.result_file_id = make(factories.stored_file, harbour).id
    db.commit()

    assert alice.get(f"/jobs/{job.id}/file").status_code == 404


def test_the_list_shows_the_operators_jobs_only(alice, charlie, job, make):
    make(factories.job, None, title="Firmware of the platform")

    assert "Import of 3 devices" in alice.get("/jobs").text
    assert "Firmware of the platform" not in alice.get("/jobs").text
    assert "No jobs yet" in charlie.get("/jobs").text


def test_charlie_cannot_see_it(charlie, job):
    assert charlie.get(f"/jobs/{job.id}").status_code == 404
    assert charlie.post(f"/jobs/{job.id}/cancel").status_code == 404
