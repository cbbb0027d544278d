"""Rounds: the same calls for many chargers, at a pace that does not darken a whole site at once.

A round is a job; each step settles what has ended and asks the next ones. What became of each charger is read from its
command, so nothing is kept twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from domain import audit, call_schemas, commands, diagnostics, jobs, local_lists, paging
from domain.command_secrets import is_secret
from domain.errors import Conflict, DomainError, Refused
from domain.jobs import Workplace
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.jobs import Job, JobStatus
from domain.models.rounds import Round, RoundItem
from domain.models.stations import Station

KIND = "command_round"
MOST_CHARGERS = 10_000
SLICE = 200  # asked in one transaction
LOOK_EVERY = timedelta(seconds=2)
# A charger that reboots is not back before it said so; one that never does holds up nobody for longer.
EFFECT_TAKES = timedelta(minutes=5)
LONGEST_WAIT_S = 24 * 3600
# Our own words for what is another CALL for each charger.
SYNC_LOCAL_LIST = "SyncLocalList"
UPLOAD_DIAGNOSTICS = "UploadDiagnostics"


class Outcome(StrEnum):
    """What became of one charger in a round."""

    WAITING = "waiting"
    LEFT_OUT = "left out"
    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    EFFECT_SEEN = "effect seen"
    REJECTED = "rejected"
    FAILED = "failed"
    TIMEOUT = "timed out"
    EXPIRED = "expired"
    NOT_ASKED = "not asked"


GOOD = (Outcome.ACCEPTED, Outcome.EFFECT_SEEN)
UNDER_WAY = (Outcome.WAITING, Outcome.QUEUED, Outcome.SENT)
BAD = tuple(outcome for outcome in Outcome if outcome not in (*GOOD, *UNDER_WAY))

_OUTCOME_OF_STATUS = {
    CommandStatus.QUEUED: Outcome.QUEUED,
    CommandStatus.SENT: Outcome.SENT,
    CommandStatus.ACCEPTED: Outcome.ACCEPTED,
    CommandStatus.REJECTED: Outcome.REJECTED,
    CommandStatus.FAILED: Outcome.FAILED,
    CommandStatus.TIMEOUT: Outcome.TIMEOUT,
    CommandStatus.EXPIRED: Outcome.EXPIRED,
}
_SETTLED = Command.status.not_in((CommandStatus.QUEUED, CommandStatus.SENT))
_IS_WAITING = and_(RoundItem.command_id.is_(None), RoundItem.refusal.is_(None))


def outcome(item: RoundItem, is_over: bool) -> Outcome:
    """What became of that charger; `is_over`: nobody will be asked any more."""
    if item.refusal is not None:
        return Outcome.LEFT_OUT
    if item.command is None:
        return Outcome.NOT_ASKED if is_over else Outcome.WAITING
    return Outcome.EFFECT_SEEN if item.command.effect_at else _OUTCOME_OF_STATUS[item.command.status]


def begin(
    db: Session,
    operator_id: int,
    charger_ids: Sequence[int],
    title: str,
    calls: Sequence[tuple[str, dict[str, Any]]],
    *,
    by: str,
    now: datetime,
    pace: int | None = None,
    wait_s: int | None = None,
    again_of: Round | None = None,
) -> Round:
    """The round begins once this is committed; the first ones are asked already.

    Args:
        calls: (action, payload) for each charger, in that order.
        pace: how many chargers at a time; the next follow when these have done it. None: all at once.
        wait_s: how long offline chargers are waited for. None: they are left out.

    Raises:
        Refused: there is nobody or nothing to ask, or a payload breaks its schema.
    """
    if not charger_ids:
        raise Refused("No charger is chosen.")
    if len(charger_ids) > MOST_CHARGERS:
        raise Refused(f"One round asks {MOST_CHARGERS:,} chargers at most. Narrow the filter.")
    if not calls:
        raise Refused("There is nothing to ask.")
    if pace is not None and not 1 <= pace <= MOST_CHARGERS:
        raise Refused("Choose how many chargers at a time.", [("pace", "Choose how many chargers at a time.")])
    for action, payload in calls:
        _check(action, payload)
    job = jobs.queue(
        db,
        KIND,
        f"{title}: {len(charger_ids):,} {'charger' if len(charger_ids) == 1 else 'chargers'}",
        {},
        operator_id=operator_id,
        total=len(charger_ids) * len(calls),
        by=by,
        now=now,
    )
    made = Round(
        operator_id=operator_id,
        job_id=job.id,
        title=title,
        calls=[{"action": action, "payload": payload} for action, payload in calls],
        pace=pace,
        wait_s=wait_s,
        again_of_id=again_of.id if again_of else None,
        asked_by=by,
        created_at=now,
    )
    db.add(made)
    db.flush()
    job.detail = {"round": made.id}
    db.add_all(
        RoundItem(operator_id=operator_id, round_id=made.id, charger_id=charger_id, number=number)
        for charger_id in charger_ids
        for number in range(len(calls))
    )
    audit.record(
        db,
        "asked",
        "command_round",
        made.id,
        operator_id=operator_id,
        by=by,
        now=now,
        title=title,
        chargers=len(charger_ids),
        calls=made.calls,
    )
    db.flush()
    advance(db, made, now)
    return made


def _check(action: str, payload: dict[str, Any]) -> None:
    if action in (SYNC_LOCAL_LIST, UPLOAD_DIAGNOSTICS):
        return
    call_schemas.check_call("1.6", action, payload)
    if action == "ChangeConfiguration" and is_secret(payload["key"]):
        sentence = f"{payload['key']} is a secret: each charger needs its own. Change it on the charger's page."
        raise Refused(sentence, [("key", sentence)])


def step(workplace: Workplace, job_id: int, now: datetime) -> None:
    """One step of a round's job: the next ones are asked, and the job tells how far it is."""
    with workplace.transaction() as db:
        job = jobs.locked(db, job_id)
        going = db.get_one(Round, job.detail["round"])
        has_more_now = advance(db, going, now)
        if is_done(db, going):
            jobs.finish(job, now)
        elif not has_more_now:
            jobs.wait_until(job, now + LOOK_EVERY)


def advance(db: Session, going: Round, now: datetime) -> bool:
    """As many more as the pace allows are asked; the job's counts are right. True if more could be asked at once."""
    room = SLICE if going.pace is None else min(going.pace - _busy(db, going, now), SLICE)
    asked = _next(db, going, room) if room > 0 else []
    for item in asked:
        _ask(db, going, item, now)
    db.flush()
    _count(db, going)
    return len(asked) == SLICE


def is_done(db: Session, going: Round) -> bool:
    """Whether every charger was asked and has answered, or never will."""
    open_ones = select(RoundItem.id).outerjoin(Command).where(RoundItem.round_id == going.id)
    return db.scalar(open_ones.where(or_(_IS_WAITING, and_(Command.id.is_not(None), ~_SETTLED))).limit(1)) is None


def _busy(db: Session, going: Round, now: datetime) -> int:
    """How many chargers are at it: asked and not answered, or accepted and not yet seen doing it."""
    at_it = or_(
        ~_SETTLED,
        and_(
            Command.status == CommandStatus.ACCEPTED,
            Command.awaits.is_not(None),
            Command.effect_at.is_(None),
            Command.settled_at > now - EFFECT_TAKES,
        ),
    )
    busy = select(func.count(RoundItem.charger_id.distinct())).join(Command)
    return db.scalar(busy.where(RoundItem.round_id == going.id, at_it)) or 0


def _next(db: Session, going: Round, room: int) -> list[RoundItem]:
    """The items of the next chargers, whole chargers only."""
    waiting = select(RoundItem).where(RoundItem.round_id == going.id, _IS_WAITING).order_by(RoundItem.id)
    return list(db.scalars(waiting.limit(SLICE if going.pace is None else room * len(going.calls))))


def _ask(db: Session, going: Round, item: RoundItem, now: datetime) -> None:
    call = going.calls[item.number]
    action, payload = call["action"], call["payload"]
    charger = db.get_one(Charger, item.charger_id)
    by, wait_s = going.asked_by, going.wait_s
    try:
        if action == SYNC_LOCAL_LIST:
            command = local_lists.sync(db, charger, by=by, now=now)
            item.refusal = None if command else "The charger has every card already."
        elif action == UPLOAD_DIAGNOSTICS:
            upload = diagnostics.ask(
                db, charger, payload["kind"], payload["public_url"], by=by, now=now, wait_until_online_s=wait_s
            )
            command = upload.command
        else:
            command = commands.queue(db, charger, action, payload, by=by, now=now, wait_until_online_s=wait_s)
        item.command_id = command.id if command else None
    except DomainError as refusal:
        item.refusal = str(refusal)


def _count(db: Session, going: Round) -> None:
    if going.job_id is None:
        return
    ended = or_(RoundItem.refusal.is_not(None), and_(Command.id.is_not(None), _SETTLED))
    badly = or_(RoundItem.refusal.is_not(None), and_(_SETTLED, Command.status != CommandStatus.ACCEPTED))
    counts = select(func.count(case((ended, 1))), func.count(case((badly, 1))))
    done, failed = db.execute(
        counts.select_from(RoundItem).outerjoin(Command).where(RoundItem.round_id == going.id)
    ).one()
    job = db.get_one(Job, going.job_id)
    job.done, job.failed = done, failed
    db.flush()


def again(db: Session, before: Round, *, by: str, now: datetime) -> Round:
    """A new round with those of that one who did not do it.

    Raises:
        Conflict: it is still going on, nobody failed, or they are being asked again already.
    """
    # Of two who press the button at the same moment the second one waits here, and finds the first one's round.
    db.refresh(before, with_for_update=True)
    if not is_over(before):
        raise Conflict("This round is still going on. Wait for it, or cancel it first.")
    later = select(Round).where(Round.again_of_id == before.id).order_by(Round.id.desc()).limit(1)
    latest = db.scalar(later)
    if latest is not None and not is_over(latest):
        raise Conflict(f"They are asked again already, by {latest.asked_by}.")
    bad = select(RoundItem.charger_id).outerjoin(Command).where(RoundItem.round_id == before.id, _is(BAD, is_over=True))
    charger_ids = list(db.scalars(bad.distinct().order_by(RoundItem.charger_id)))
    if not charger_ids:
        raise Conflict("Nobody failed: there is nothing to repeat.")
    calls = [(call["action"], call["payload"]) for call in before.calls]
    return begin(
        db,
        before.operator_id,
        charger_ids,
        before.title,
        calls,
        by=by,
        now=now,
        pace=before.pace,
        wait_s=before.wait_s,
        again_of=before,
    )


def is_over(going: Round) -> bool:
    """Whether nobody will be asked any more."""
    return going.job is None or going.job.status in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


# --- Reading --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One line of a round's page."""

    item: RoundItem
    station: Station
    outcome: Outcome
    action: str


def page(
    db: Session, shown: Round, wanted: Sequence[Outcome], text: str, cursor: str | None, limit: int
) -> paging.Page[Row]:
    """One page of the round's chargers with one of those outcomes; with none of them all."""
    keys: list[Any] = [RoundItem.id]
    found = paging.fetch_page(db, _rows(shown, wanted, text), keys, cursor=cursor, limit=limit)
    ended = is_over(shown)
    rows = [
        Row(item, station, outcome(item, ended), shown.calls[item.number]["action"]) for item, station in found.rows
    ]
    return paging.Page(rows, found.previous, found.next)


def _rows(shown: Round, wanted: Sequence[Outcome], text: str) -> Select[Any]:
    both: Select[Any] = select(RoundItem, Station)  # type: ignore[assignment]
    found = (
        both.join(RoundItem.charger)
        .join(Station, Station.id == Charger.station_id)
        .outerjoin(RoundItem.command)
        .where(RoundItem.round_id == shown.id)
        .options(contains_eager(RoundItem.charger), contains_eager(RoundItem.command))
        .execution_options(populate_existing=True)
    )
    if wanted:
        found = found.where(_is(wanted, is_over=is_over(shown)))
    if text:
        found = found.where(
            or_(Charger.label.icontains(text, autoescape=True), Charger.device_id.icontains(text, autoescape=True))
        )
    return found


def counts(db: Session, shown: Round) -> dict[Outcome, int]:
    """How many chargers have each outcome."""
    word = _word(is_over(shown)).label("word")
    rows = select(word, func.count()).select_from(RoundItem).outerjoin(Command).where(RoundItem.round_id == shown.id)
    return {Outcome(name): number for name, number in db.execute(rows.group_by(word))}


def _word(is_over: bool) -> ColumnElement[str]:
    return case(
        (RoundItem.refusal.is_not(None), Outcome.LEFT_OUT.value),
        (RoundItem.command_id.is_(None), (Outcome.NOT_ASKED if is_over else Outcome.WAITING).value),
        (Command.effect_at.is_not(None), Outcome.EFFECT_SEEN.value),
        *((Command.status == status, word.value) for status, word in _OUTCOME_OF_STATUS.items()),
    )


def _is(wanted: Sequence[Outcome], *, is_over: bool) -> ColumnElement[bool]:
    return _word(is_over).in_([word.value for word in wanted])
