"""All chargers with their last command, and the log of everything that was asked."""

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, exports, lists
from blueprints.commands import bp
from blueprints.commands.shown import STATUS_WORDS, action_name, offered, pretty, pretty_payload, words
from blueprints.database import db
from blueprints.exports import Column
from blueprints.web import page
from domain import charger_list, command_list, station_days
from domain.call_words import CALLS
from domain.charger_list import ChargerRow
from domain.clock import utcnow
from domain.command_list import View
from domain.command_secrets import masked
from domain.models.commands import Command
from domain.models.stations import Station
from domain.rights import Right

VIEW_NAMES = {View.ALL: "All", View.WAITING: "Waiting", View.ACCEPTED: "Accepted", View.REFUSED: "Not done"}


@bp.get("/commands")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """All chargers with their commands, and the latest commands."""
    now, text, station = utcnow(), lists.text("q"), lists.whole("station")
    wanted = charger_list.Filter(text=text, station_id=station)
    operator_id = current_user.operator_id
    found = charger_list.page(db.session, operator_id, wanted, now, "charger", lists.text("cursor", 500), lists.size())
    values = {"q": text, "station": station, "size": lists.size_in_address()}
    return page(
        "commands/list.html",
        "commands/_chargers.html",
        list=lists.Address("commands.index", values),
        wanted=wanted,
        found=found,
        matching=charger_list.counts(db.session(), operator_id, wanted, now)[charger_list.View.ALL],
        stations=stations_of_operator,
        asks=offered(),
        **with_latest(found.rows, now),
        **words(now),
    )


@bp.get("/commands/live")
@access.require(Right.STATIONS, read=True)
def live() -> ResponseReturnValue:
    """The cells that changed since the list was made; `rows` says what it shows."""
    now, shown = utcnow(), lists.shown()
    rows = charger_list.some(db.session, current_user.operator_id, list(shown), now)
    context = with_latest(rows, now)
    changed = [row for row in rows if version(row, context["latest"]) != shown[row.charger.id]]
    return render_template("commands/_live.html", changed=changed, **context, **words(now))


def with_latest(rows: Sequence[ChargerRow], now: datetime) -> dict[str, Any]:
    """What the cells of those chargers need, and the versions that they show."""
    latest = command_list.latest_of_each(db.session, [row.charger.id for row in rows])
    return {
        "latest": latest,
        "versions": ",".join(f"{row.charger.id}.{version(row, latest)}" for row in rows),
        "now": now,
        "zone": station_days.operator_zone(db.session, current_user.operator_id),
    }


def version(row: ChargerRow, latest: dict[int, Command]) -> str:
    """A short text that changes with anything the row's live cells show."""
    command = latest.get(row.charger.id)
    fate = command and (command.id, command.status, command.effect_at)
    return f"{zlib.crc32(repr((row.word, fate)).encode()):x}"


@bp.get("/commands/log")
@access.require(Right.STATIONS, read=True)
def log() -> ResponseReturnValue:
    """What was asked of whom, by whom, and what came of it."""
    now, wanted = utcnow(), asked_filter()
    found = command_list.page(db.session, current_user.operator_id, wanted, lists.text("cursor", 500), lists.size())
    return page(
        "commands/log.html",
        "commands/_log.html",
        list=lists.Address("commands.log", _in_address(wanted)),
        wanted=wanted,
        since=request.args.get("since", ""),
        until=request.args.get("until", ""),
        found=found,
        view_names=VIEW_NAMES,
        actions=[(action, told.title) for action, told in CALLS.items()],
        people=lambda: command_list.people(db.session(), current_user.operator_id),
        now=now,
        **words(now),
    )


@bp.get("/commands/export.csv", defaults={"kind": "csv"})
@bp.get("/commands/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.STATIONS, read=True)
def export(kind: str) -> ResponseReturnValue:
    """The filtered log as a file."""
    return exports.answer(kind, "commands", COLUMNS, _every(asked_filter()))


def _every(wanted: command_list.Filter) -> Iterator[Command]:
    cursor = None
    while True:
        found = command_list.page(db.session, current_user.operator_id, wanted, cursor, 500)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


COLUMNS = [
    Column("Number", lambda row: row.id),
    Column("Charger", lambda row: row.charger.label),
    Column("Device id", lambda row: row.charger.device_id),
    Column("Command", lambda row: action_name(row.action)),
    Column("Action", lambda row: row.action),
    Column("Payload", lambda row: masked(row.payload)),
    Column("Status", lambda row: STATUS_WORDS[row.status.value]),
    Column("Answer", lambda row: None if row.response is None else json.dumps(row.response, ensure_ascii=False)),
    Column("Reason", lambda row: row.error),
    Column("Effect", lambda row: row.effect),
    Column("Asked by", lambda row: row.asked_by),
    Column("Queued", lambda row: exports.local(row.queued_at, row.charger.station.time_zone)),
    Column("Sent", lambda row: exports.local(row.sent_at, row.charger.station.time_zone)),
    Column("Answered", lambda row: exports.local(row.settled_at, row.charger.station.time_zone)),
    Column("Time zone", lambda row: row.charger.station.time_zone),
]


def asked_filter() -> command_list.Filter:
    """The filter in the address; words it does not know count as none."""
    zone = ZoneInfo(station_days.operator_zone(db.session(), current_user.operator_id))
    return command_list.Filter(
        view=lists.choice("view", View, View.ALL) or View.ALL,
        action=lists.text("action", 50),
        text=lists.text("q"),
        by=lists.text("by"),
        since=_day("since", zone, 0),
        until=_day("until", zone, 1),
    )


def _in_address(wanted: command_list.Filter) -> dict[str, Any]:
    return {
        "view": None if wanted.view == View.ALL else wanted.view.value,
        "action": wanted.action,
        "q": wanted.text,
        "by": wanted.by,
        "since": request.args.get("since", "") if wanted.since else None,
        "until": request.args.get("until", "") if wanted.until else None,
        "size": lists.size_in_address(),
    }


def _day(name: str, zone: ZoneInfo, later: int) -> datetime | None:
    try:
        day = date.fromisoformat(request.args.get(name, "")) + timedelta(days=later)
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    except (ValueError, OverflowError):
        return None


@bp.get("/commands/<int:command_id>")
@access.require(Right.STATIONS, read=True)
def detail(command_id: int) -> ResponseReturnValue:
    """One command: payload, answer, effect."""
    command, now = access.command_or_404(command_id), utcnow()
    return page(
        "commands/detail.html",
        "commands/_detail.html",
        command=command,
        payload=pretty_payload(command),
        response=None if command.response is None else pretty(json.dumps(command.response)),
        **words(now),
    )


@bp.get("/commands/<int:command_id>/row")
@access.require(Right.STATIONS, read=True)
def row(command_id: int) -> ResponseReturnValue:
    """The command's row in a log; it asks again for itself while something may change."""
    command = access.command_or_404(command_id)
    return render_template(
        "commands/_row.html", command=command, with_charger="charger" not in request.args, **words(utcnow())
    )


def stations_of_operator() -> list[Station]:
    return list(db.session.scalars(access.own(Station).order_by(Station.name)))
