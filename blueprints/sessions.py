"""Order Manage -> Sessions: the list, one charging session with its curve and its price."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, charts, exports, lists, order_words
from blueprints.billings import line_words
from blueprints.database import db
from blueprints.exports import Column
from blueprints.power import words as power_words
from blueprints.web import page
from domain import billing, charger_story, charging_session_list, order_list, power, station_days
from domain.charging_flags import SENTENCES
from domain.charging_session_list import Filter, View
from domain.clock import utcnow
from domain.currencies import from_minor
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.orders import Order
from domain.models.stations import Station
from domain.rights import Right

bp = Blueprint("sessions", __name__)

VIEW_NAMES = {
    View.ALL: "All",
    View.RUNNING: "Running",
    View.COMPLETED: "Completed",
    View.FLAGGED: "Flagged, 3 months",
    View.REFUSED: "Refused",
}
STATUS_WORDS = {"active": "Running", "completed": "Completed", "refused": "Refused"}
CAUSES = {
    "remote_stop": "Stopped from here",
    "hold_limit": "The hold was used up",
    "next_start": "The next session began on this plug",
    "available": "The plug became free",
    "closed_by_hand": "Closed in the books",
}


@bp.get("/sessions")
@access.require(Right.ORDERS)
def index() -> ResponseReturnValue:
    """All charging sessions, the latest first."""
    now, wanted = utcnow(), asked_filter()
    operator_id, cursor = current_user.operator_id, lists.text("cursor", 500)
    found = charging_session_list.page(db.session, operator_id, wanted, cursor, lists.size(), now)
    counts = charging_session_list.counts(db.session, operator_id, wanted, now)
    zone = station_days.operator_zone(db.session, operator_id)
    version = lists.version(counts, [_seen(charging, order) for charging, order in found.rows])
    if lists.is_shown(version):
        return lists.unchanged(now, zone)
    return page(
        "sessions/list.html",
        "sessions/_list.html",
        list=address(wanted),
        wanted=wanted,
        found=found,
        counts=counts,
        cursor=cursor,
        version=version,
        now=now,
        zone=zone,
        count_up_to=charging_session_list.COUNT_UP_TO,
        view_names=VIEW_NAMES,
        stations=lambda: db.session.scalars(access.own(Station).order_by(Station.name)).all(),
    )


def _seen(charging: ChargingSession, order: Order | None) -> tuple[Any, ...]:
    """What a row shows that may change."""
    paid = order and (order.gross_minor, order.status)
    return (charging.id, charging.status, charging.energy_wh, charging.stopped_at, charging.flags, paid)


@bp.get("/sessions/export.csv", defaults={"kind": "csv"})
@bp.get("/sessions/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.ORDERS)
def export(kind: str) -> ResponseReturnValue:
    """The filtered sessions as a file."""
    rows = charging_session_list.each(db.session, current_user.operator_id, asked_filter(), utcnow())
    return exports.answer(kind, "sessions", COLUMNS, rows)


@bp.get("/sessions/<int:charging_session_id>")
@access.require(Right.ORDERS)
def detail(charging_session_id: int) -> ResponseReturnValue:
    """One charging session."""
    return page("sessions/detail.html", "sessions/_detail.html", **_about(charging_session_id))


@bp.get("/sessions/<int:charging_session_id>/meter-values")
@access.require(Right.ORDERS)
def meter_values(charging_session_id: int) -> ResponseReturnValue:
    """Every meter value of the session, as the charger sent it."""
    charging = access.charging_session_or_404(charging_session_id)
    found = charging_session_list.meter_values(db.session, charging.id, lists.text("cursor", 500), lists.size())
    address = lists.Address("sessions.meter_values", {}, charging_session_id=charging.id)
    context = {"charging": charging, "found": found, "list": address, "zone": charging.station.time_zone}
    return page("sessions/meter_values.html", "sessions/_meter_values.html", **context)


def asked_filter() -> Filter:
    return Filter(view=lists.choice("view", View, View.ALL), text=lists.text("q"), station_id=lists.whole("station"))


def address(wanted: Filter) -> lists.Address:
    values = {
        "view": None if wanted.view == View.ALL else wanted.view.value,
        "q": wanted.text,
        "station": wanted.station_id,
        "size": lists.size_in_address(),
    }
    return lists.Address("sessions.index", values)


def _about(charging_session_id: int) -> dict[str, Any]:
    charging, now = access.charging_session_or_404(charging_session_id), utcnow()
    order = _order(charging)
    values = charger_story.curve(db.session, charging.id)
    powers = [(each.at, each.power_w / 1000) for each in values if each.power_w is not None]
    battery = [(each.at, each.soc_percent) for each in values if each.soc_percent is not None]
    is_running = charging.status == SessionStatus.ACTIVE
    return {
        "charging": charging,
        "station": charging.station,
        "zone": charging.station.time_zone,
        "word": STATUS_WORDS[charging.status.value],
        "is_running": is_running,
        "order": order,
        "lines": [(line, line_words(line, order.currency)) for line in order.lines] if order else [],
        "cost": billing.cost_so_far(db.session, charging, now) if is_running else None,
        "flags": [(flag, SENTENCES.get(flag) or order_words.FLAG_WORDS.get(flag) or flag) for flag in charging.flags],
        "chart": charts.power_and_battery(powers, battery, charging.station.time_zone),
        "chart_text": f"{len(powers)} readings of power, {charging.energy_wh / 1000:.1f} kWh in all.",
        "cause": CAUSES.get(charging.stop_cause or "", charging.stop_cause),
        "ended_at": charging.stopped_at or now,
        "words": order_words,
        "share": _share(charging),
    }


def _share(charging: ChargingSession) -> tuple[str, str] | None:
    """Its share of the station's power and the reason for it."""
    found = power.share_of(db.session(), charging)
    if found is None or found[0].target is None:
        return None
    share, limit = found
    return power.amount_text(share.target, limit.unit), power_words.share_text(share, limit)


def _order(charging: ChargingSession) -> Order | None:
    number = db.session.query(Order.number).filter_by(charging_session_id=charging.id).scalar()
    return order_list.find(db.session, charging.operator_id, number) if number else None


def _local(at: datetime | None, charging: ChargingSession) -> datetime | None:
    return exports.local(at, charging.station.time_zone)


COLUMNS = [
    Column("Session", lambda row: row[0].id),
    Column("Transaction", lambda row: row[0].transaction_id),
    Column("Charging station", lambda row: row[0].station.name),
    Column("Charger", lambda row: row[0].charger.label),
    Column("Connector", lambda row: row[0].connector_number),
    Column("Status", lambda row: STATUS_WORDS[row[0].status.value]),
    Column("Started", lambda row: _local(row[0].started_at, row[0])),
    Column("Stopped", lambda row: _local(row[0].stopped_at, row[0])),
    Column("Time zone", lambda row: row[0].station.time_zone),
    Column("Meter start, Wh", lambda row: row[0].meter_start_wh),
    Column("Meter stop, Wh", lambda row: row[0].meter_stop_wh),
    Column("Energy, kWh", lambda row: Decimal(row[0].energy_wh) / 1000),
    Column("Card", lambda row: row[0].id_tag),
    Column("Stop reason", lambda row: row[0].stop_reason),
    Column("Flags", lambda row: " ".join(row[0].flags)),
    Column("Order", lambda row: row[1].number if row[1] else None),
    Column("Currency", lambda row: row[1].currency if row[1] else None),
    Column("Gross", lambda row: from_minor(row[1].gross_minor, row[1].currency) if row[1] else None),
]
