"""Settings -> Audit log: who did what to which object. Platform administrators see every operator's."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, audit_words, exports, lists, navigation
from blueprints.database import db
from blueprints.exports import Column
from blueprints.web import page
from domain import audit_list, station_days, team
from domain.audit_list import Filter, Subject
from domain.models.operators import AuditEvent, Operator
from domain.rights import Right

bp = Blueprint("audit_log", __name__)
bp.add_app_template_global(audit_words, "audit_words")

# kind -> the page of such an object and the name of its place in the address
PAGES = {
    "charger": ("chargers.detail", "device_id"),
    "orders": ("billings.detail", "number"),
    "qr_code": ("qr_codes.detail", "code"),
    "station": ("stations.detail", "station_id"),
}


class Row(NamedTuple):
    """One act as the page shows it."""

    event: AuditEvent
    operator: Operator | None
    subject: Subject | None
    url: str | None  # of the object, if this person may open it


@bp.get("/audit-log")
@access.require(Right.AUDIT, read=True)
def index() -> ResponseReturnValue:
    """All acts, the latest first."""
    return page("audit_log/list.html", "audit_log/_list.html", **_shown())


@bp.get("/audit-log/export")
@access.require(Right.AUDIT, read=True)
def export() -> ResponseReturnValue:
    """The acts that match, as a file."""
    wanted, zone = _wanted(_zone()), _zone()
    kind = "xlsx" if request.args.get("as") == "xlsx" else "csv"
    columns = COLUMNS if current_user.operator_id is None else [each for each in COLUMNS if each.head != "Operator"]
    return exports.answer(kind, "audit-log", [_time_column(zone), *columns], _all_rows(wanted))


@bp.app_template_global("history_of")
def history_of(kind: str, object_id: object, limit: int = 5) -> list[AuditEvent]:
    """The latest acts on that object, for `audit_log/_history.html` on its own page."""
    return audit_list.of_object(db.session(), current_user.operator_id, kind, object_id, limit)


def _shown() -> dict[str, Any]:
    operator_id, zone = current_user.operator_id, _zone()
    wanted = _wanted(zone)
    found = audit_list.page(db.session(), operator_id, wanted, lists.text("cursor", 500), lists.size())
    values = {
        "who": wanted.actor,
        "kind": wanted.kind,
        "id": wanted.object_id,
        "verb": wanted.verb,
        "from": lists.text("from") if wanted.since else None,
        "to": lists.text("to") if wanted.before else None,
        "q": wanted.text,
        "size": lists.size_in_address(),
    }
    rows = _rows(found.rows)
    return {
        "list": lists.Address("audit_log.index", values),
        "wanted": wanted,
        "found": found,
        "rows": rows,
        "only": _subject(wanted),
        "people": [person.email for person in team.people(db.session(), operator_id)],
        "is_platform": operator_id is None,
        "zone": zone,
    }


def _zone() -> str:
    return station_days.operator_zone(db.session(), current_user.operator_id) if current_user.operator_id else "UTC"


def _wanted(zone: str) -> Filter:
    last = _day("to")
    return Filter(
        actor=lists.text("who", 254),
        kind=lists.text("kind", 60),
        object_id=lists.text("id", 60),
        verb=lists.text("verb", 60),
        since=_midnight(_day("from"), zone),
        before=_midnight(last + timedelta(days=1) if last and last < date.max else None, zone),
        text=lists.text("q"),
    )


def _day(name: str) -> date | None:
    """That day from the address; None for anything else."""
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None


def _midnight(day: date | None, zone: str) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) if day else None


def _subject(wanted: Filter) -> Subject | None:
    """The object that the log is narrowed to, if it is one of this person's."""
    if not (wanted.kind and wanted.object_id):
        return None
    sample = audit_list.of_object(db.session(), current_user.operator_id, wanted.kind, wanted.object_id, 1)
    return audit_list.subjects(db.session(), current_user.operator_id, sample).get((wanted.kind, wanted.object_id))


def _rows(found: list[tuple[AuditEvent, Operator | None]]) -> list[Row]:
    named = audit_list.subjects(db.session(), current_user.operator_id, [event for event, _ in found])
    made = []
    for event, operator in found:
        subject = named.get((event.object_type, event.object_id))
        made.append(Row(event, operator, subject, _url(event.object_type, subject)))
    return made


def _url(kind: str, subject: Subject | None) -> str | None:
    if subject is None or kind not in PAGES or current_user.operator_id is None:
        return None
    endpoint, name = PAGES[kind]
    return url_for(endpoint, **{name: subject.key}) if navigation.is_open(endpoint) else None


def _all_rows(wanted: Filter) -> Iterator[Row]:
    for part in audit_list.everything(db.session(), current_user.operator_id, wanted):
        yield from _rows(part)


def _time_column(zone: str) -> Column:
    return Column("Time", lambda row: exports.local(row.event.at, zone))


COLUMNS = [
    Column("Person", lambda row: row.event.actor),
    Column("Act", lambda row: row.event.verb),
    Column("Kind", lambda row: audit_words.kind(row.event.object_type)),
    Column("Object", lambda row: row.subject.name if row.subject else row.event.object_id),
    Column("Object id", lambda row: row.event.object_id),
    Column("Detail", lambda row: audit_words.detail(row.event.detail, "UTC")),
    Column("Operator", lambda row: row.operator.name if row.operator else "Platform"),
]
