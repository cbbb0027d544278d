"""Rehearsals: what prices would have made of sessions that are over, by the code that bills.

Registers, meter values and statuses are read as billing reads them and priced by `domain.tariffs.price`; compared with
what the session was billed. Nothing is written but the rehearsal's own rows.
"""

import os
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from domain import jobs, rehearsal_part, tariff_book
from domain.errors import Refused
from domain.jobs import Workplace
from domain.models.jobs import Job
from domain.models.price_drafts import Rehearsal, RehearsalLine, TariffDraft
from domain.models.stations import Station
from domain.price_changes import Prices
from domain.rehearsal_compare import Compared, Sums, compare_slice, end_of_slice, sessions

KIND = "rehearsal"
KEPT = 5  # for each station; older ones go when a new one is asked for
SLICE = 20_000  # about as many as a core does in some seconds
WORTH_A_PROCESS = 4_000  # with fewer it computes no longer than it takes to start
MOST_DAYS = 400


def ask(
    db: Session,
    station: Station,
    prices: Prices,
    since: datetime,
    until: datetime,
    *,
    draft: TariffDraft | None = None,
    by: str,
    now: datetime,
) -> Rehearsal:
    """The rehearsal of these prices over the sessions that started in that span is on its way as a job.

    Asked twice for the same, it is the same.

    Raises:
        Refused: the span is empty or too long, or the terms cannot price anything.
    """
    _check_span(since, until, now)
    terms = tariff_book.check_terms(prices.terms)
    known = _same(db, station, prices, since, until, draft)
    if known is not None:
        return known
    total = db.scalar(select(func.count()).select_from(sessions(station.id, since, until).subquery())) or 0
    title = f"Rehearsal of {prices.name} at {station.name}"
    job = jobs.queue(db, KIND, title, {}, operator_id=station.operator_id, total=total, by=by, now=now)
    rehearsal = Rehearsal(
        operator_id=station.operator_id,
        station_id=station.id,
        job_id=job.id,
        name=prices.name,
        currency=prices.currency,
        terms=terms,
        draft_id=draft.id if draft else None,
        draft_revision=draft.revision if draft else None,
        since=since,
        until=until,
        created_at=now,
        created_by=by,
    )
    db.add(rehearsal)
    db.flush()
    job.detail = {"rehearsal_id": rehearsal.id, "after": None}
    _forget_old(db, station)
    return rehearsal


def step(place: Workplace, job_id: int, now: datetime) -> None:
    """The next sessions of the rehearsal are compared. Computing takes no lock; what came of it is written at once."""
    with place.reading() as db:
        job = db.get_one(Job, job_id)
        after = job.detail.get("after")
        rehearsal = db.get(Rehearsal, job.detail["rehearsal_id"])
        found = _compared(db, rehearsal, after, job.total - job.done) if rehearsal else []
    with place.transaction() as db:
        job = jobs.locked(db, job_id)
        if job.is_over or job.detail.get("after") != after:
            return
        for part in found:
            _keep(db, job.detail["rehearsal_id"], part)
        last = found[-1].last if found else None
        jobs.advance(job, done=sum(part.count for part in found), after=last)
        if last is None:
            jobs.finish(job, now)


def _compared(db: Session, rehearsal: Rehearsal, after: Sequence[Any] | None, remaining: int) -> list[Compared]:
    """The next slices, an equal one for each core; what does not fill a slice is done here and now."""
    cores = os.cpu_count() or 1
    limit = min(max(-(-remaining // cores), WORTH_A_PROCESS), SLICE)
    places = [after]
    for _ in range(cores - 1):
        end = end_of_slice(db, rehearsal, places[-1], limit)
        if end is None:
            break
        places.append(end)
    if len(places) == 1:
        return [compare_slice(db, rehearsal, after, limit)]
    url = db.get_bind().engine.url.render_as_string(hide_password=False)
    parts = [rehearsal_part.begin(url, rehearsal.id, place, limit) for place in places]
    results = [rehearsal_part.result(part) for part in parts]
    return [found or compare_slice(db, rehearsal, place, limit) for found, place in zip(results, places, strict=True)]


def _keep(db: Session, rehearsal_id: int, found: Compared) -> None:
    if found.lines:
        db.execute(insert(RehearsalLine), found.lines)
    rehearsal = db.get_one(Rehearsal, rehearsal_id)
    for each in fields(Sums):
        setattr(rehearsal, each.name, getattr(rehearsal, each.name) + getattr(found.sums, each.name))
    db.flush()


def _check_span(since: datetime, until: datetime, now: datetime) -> None:
    if until <= since:
        raise Refused("", [("until", "The last day cannot lie before the first.")])
    if since > now:
        raise Refused("", [("since", "Choose days that are over.")])
    if (until - since).days > MOST_DAYS:
        raise Refused("", [("since", f"Choose up to {MOST_DAYS} days.")])


def _same(
    db: Session, station: Station, prices: Prices, since: datetime, until: datetime, draft: TariffDraft | None
) -> Rehearsal | None:
    """The same rehearsal, if it is still at work: a second click."""
    alike = (
        select(Rehearsal)
        .join(Job)
        .where(
            Rehearsal.station_id == station.id,
            Rehearsal.since == since,
            Rehearsal.until == until,
            Rehearsal.draft_id.is_not_distinct_from(draft.id if draft else None),
            Rehearsal.draft_revision.is_not_distinct_from(draft.revision if draft else None),
            Rehearsal.name == prices.name,
            Job.finished_at.is_(None),
        )
    )
    return db.scalar(alike.order_by(Rehearsal.id.desc()).limit(1))


def _forget_old(db: Session, station: Station) -> None:
    over = select(Rehearsal.id).join(Job).where(Rehearsal.station_id == station.id, Job.finished_at.is_not(None))
    old = db.scalars(over.order_by(Rehearsal.id.desc()).offset(KEPT - 1)).all()
    db.execute(delete(RehearsalLine).where(RehearsalLine.rehearsal_id.in_(old)))
    db.execute(delete(Rehearsal).where(Rehearsal.id.in_(old)))
