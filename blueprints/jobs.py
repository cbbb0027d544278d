"""Long work: how far it is, pause, cancel, and what came of it. Survives closing the page."""

from typing import Any

from flask import Blueprint, abort, make_response, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from blueprints import access, lists
from blueprints.database import db
from blueprints.files import send
from blueprints.web import done, page, wants_fragment
from domain import jobs, paging
from domain.clock import utcnow
from domain.errors import NotFound
from domain.models.jobs import Job, JobStatus
from domain.rights import Right

bp = Blueprint("jobs", __name__)

WORDS = {
    JobStatus.QUEUED: "Waiting",
    JobStatus.RUNNING: "Running",
    JobStatus.PAUSED: "Paused",
    JobStatus.DONE: "Done",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELLED: "Cancelled",
}
STOP_POLLING = 286


@bp.get("/jobs")
@access.signed_in
def index() -> ResponseReturnValue:
    """The operator's jobs, the latest first; the platform's for its staff."""
    keys: list[Any] = [Job.id]
    cursor = lists.text("cursor", 500)
    found = paging.fetch_page(db.session(), access.own(Job), keys, descending=True, cursor=cursor, limit=lists.size())
    address = lists.Address("jobs.index", {"size": lists.size_in_address()})
    return page("jobs/list.html", "jobs/_list.html", found=found, list=address, words=WORDS, now=utcnow(), **about)


@bp.get("/jobs/<int:job_id>")
@access.signed_in
def detail(job_id: int) -> ResponseReturnValue:
    """One job; its progress asks for itself until it is over."""
    job = job_or_404(job_id)
    response = make_response(
        page("jobs/detail.html", "jobs/_progress.html", job=job, words=WORDS, now=utcnow(), **about)
    )
    if job.is_over and wants_fragment():
        response.status_code = STOP_POLLING
    return response


@bp.get("/jobs/<int:job_id>/file")
@access.signed_in
def file(job_id: int) -> ResponseReturnValue:
    """What the job made."""
    return send(job_or_404(job_id).result_file)


@bp.post("/jobs/<int:job_id>/<any(pause, resume, cancel):verb>")
@access.signed_in
def change(job_id: int, verb: str) -> ResponseReturnValue:
    """The job rests, goes on, or ends."""
    if not may_change(job_or_404(job_id)):
        abort(403)
    job = jobs.locked(db.session(), job_id)
    if verb == "cancel":
        jobs.cancel(job, utcnow())
    else:
        {"pause": jobs.pause, "resume": jobs.resume}[verb](job)
    db.session.commit()
    said = {"pause": "The job is paused.", "resume": "The job goes on.", "cancel": "The job is cancelled."}[verb]
    return done(url_for("jobs.detail", job_id=job_id), said)


def may_change(job: Job) -> bool:
    """Whether the present person may stop it: it is their own, or they run the stations that it is about."""
    return job.asked_by == current_user.email or access.may(Right.STATIONS)


about: dict[str, Any] = {"remaining_s": jobs.remaining_s, "may_change": may_change}


def job_or_404(job_id: int) -> Job:
    """The job if it is the present person's operator's, or the platform's for its staff."""
    job = db.session.scalar(
        select(Job).where(Job.id == job_id, Job.operator_id.is_not_distinct_from(current_user.operator_id))
    )
    if job is None:
        raise NotFound("There is no such job.")
    return job
