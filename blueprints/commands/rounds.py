"""A round of commands: progress, what became of each charger, and asking those again that failed."""

from collections.abc import Iterator
from typing import Any

from flask import abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, exports, lists
from blueprints.commands import bp
from blueprints.commands.shown import action_name, words
from blueprints.database import db
from blueprints.exports import Column
from blueprints.jobs import WORDS as JOB_WORDS
from blueprints.jobs import about as about_jobs
from blueprints.sidecar import ring
from blueprints.web import done, page
from domain import paging, rounds
from domain.clock import utcnow
from domain.models.rounds import Round
from domain.rights import Right
from domain.rounds import Outcome

GROUPS = {"all": (), "waiting": rounds.UNDER_WAY, "done": rounds.GOOD, "failed": rounds.BAD}
GROUP_NAMES = {"all": "All", "waiting": "Under way", "done": "Done", "failed": "Not done"}
OUTCOME_WORDS = {
    Outcome.WAITING: "Waiting",
    Outcome.LEFT_OUT: "Left out",
    Outcome.QUEUED: "Queued",
    Outcome.SENT: "Sent",
    Outcome.ACCEPTED: "Accepted",
    Outcome.EFFECT_SEEN: "Effect seen",
    Outcome.REJECTED: "Rejected",
    Outcome.FAILED: "Failed",
    Outcome.TIMEOUT: "Timed out",
    Outcome.EXPIRED: "Expired",
    Outcome.NOT_ASKED: "Not asked",
}


@bp.get("/commands/rounds")
@access.require(Right.STATIONS, read=True)
def every_round() -> ResponseReturnValue:
    """The rounds of the operator, the latest first."""
    keys: list[Any] = [Round.id]
    found = paging.fetch_page(
        db.session(), access.own(Round), keys, descending=True, cursor=lists.text("cursor", 500), limit=lists.size()
    )
    address = lists.Address("commands.every_round", {"size": lists.size_in_address()})
    return page("commands/rounds.html", "commands/_rounds.html", found=found, list=address, job_words=JOB_WORDS)


@bp.get("/commands/rounds/<int:round_id>")
@access.require(Right.STATIONS, read=True)
def round_(round_id: int) -> ResponseReturnValue:
    """One round, live until nobody is asked any more."""
    return page("commands/round.html", "commands/_round.html", **_shown(round_id))


@bp.get("/commands/rounds/<int:round_id>/live")
@access.require(Right.STATIONS, read=True)
def round_live(round_id: int) -> ResponseReturnValue:
    """The parts of its page that change."""
    return render_template("commands/_round.html", **_shown(round_id))


def _shown(round_id: int) -> dict[str, Any]:
    shown, now = round_or_404(round_id), utcnow()
    group = lists.text("view", 20)
    group = group if group in GROUPS else "all"
    found = rounds.page(db.session(), shown, GROUPS[group], lists.text("q"), lists.text("cursor", 500), lists.size())
    counts = rounds.counts(db.session(), shown)
    values = {
        "view": None if group == "all" else group,
        "q": lists.text("q"),
        "size": lists.size_in_address(),
        "cursor": lists.text("cursor", 500),
    }
    return {
        "round": shown,
        "is_over": rounds.is_over(shown),
        "found": found,
        "counts": {name: sum(counts.get(word, 0) for word in words_) for name, words_ in GROUPS.items()}
        | {"all": sum(counts.values())},
        "group": group,
        "group_names": GROUP_NAMES,
        "outcome_words": OUTCOME_WORDS,
        "text": lists.text("q"),
        "list": lists.Address("commands.round_", values, round_id=round_id),
        "may_repeat": access.may(_right(shown)),
        "job": shown.job,
        "words": JOB_WORDS,
        "now": now,
        **about_jobs,
        **{name: value for name, value in words(now).items() if name != "words"},
    }


@bp.post("/commands/rounds/<int:round_id>/again")
@access.require(Right.REBOOT)
def again(round_id: int) -> ResponseReturnValue:
    """A new round with those who did not do it."""
    before = round_or_404(round_id)
    if not access.may(_right(before)):
        abort(403)
    begun = rounds.again(db.session(), before, by=current_user.email, now=utcnow())
    db.session.commit()
    ring()
    return done(url_for("commands.round_", round_id=begun.id), "Those that failed are asked again.")


@bp.get("/commands/rounds/<int:round_id>/export.csv", defaults={"kind": "csv"})
@bp.get("/commands/rounds/<int:round_id>/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.STATIONS, read=True)
def round_export(round_id: int, kind: str) -> ResponseReturnValue:
    """What became of each charger, as a file."""
    shown = round_or_404(round_id)
    group = GROUPS.get(lists.text("view", 20), ())
    return exports.answer(kind, f"round-{round_id}", COLUMNS, _every(shown, group))


COLUMNS = [
    Column("Charger", lambda row: row.item.charger.label),
    Column("Device id", lambda row: row.item.charger.device_id),
    Column("Charging station", lambda row: row.station.name),
    Column("Command", lambda row: action_name(row.action)),
    Column("Outcome", lambda row: OUTCOME_WORDS[row.outcome]),
    Column("Reason", lambda row: row.item.refusal or (row.item.command and row.item.command.error)),
    Column("Effect", lambda row: row.item.command and row.item.command.effect),
    Column("Sent", lambda row: row.item.command and exports.local(row.item.command.sent_at, row.station.time_zone)),
    Column(
        "Answered", lambda row: row.item.command and exports.local(row.item.command.settled_at, row.station.time_zone)
    ),
    Column("Time zone", lambda row: row.station.time_zone),
]


def _every(shown: Round, group: tuple[Outcome, ...]) -> Iterator[rounds.Row]:
    cursor = None
    while True:
        found = rounds.page(db.session(), shown, group, "", cursor, 500)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


def round_or_404(round_id: int) -> Round:
    return access.own_or_404(Round, "round", id=round_id)


def _right(shown: Round) -> Right:
    is_reboot = all(call["action"] == "Reset" for call in shown.calls)
    return Right.REBOOT if is_reboot else Right.CONFIGURE
