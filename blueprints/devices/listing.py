"""The list of devices: filters, saved views, export."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, exports, lists
from blueprints.database import db
from blueprints.devices import bp
from blueprints.exports import Column
from blueprints.web import page
from domain import device_list, station_days
from domain.clock import utcnow
from domain.device_list import SORTS, Filter, View
from domain.models.stations import Station
from domain.rights import Right

VIEW_NAMES = {
    View.IN_USE: "In use",
    View.ONLINE: "Online",
    View.OFFLINE: "Offline",
    View.NEVER: "Never connected",
    View.RETIRED: "Retired",
}
COLUMNS = [
    Column("device id", lambda row: row.charger.device_id),
    Column("device account", lambda row: row.charger.device_account),
    Column("uuid", lambda row: row.charger.uuid),
    Column("Label", lambda row: row.charger.label),
    Column("Charging station", lambda row: row.station.name),
    Column("Connection", lambda row: row.connection),
    Column("Last seen", lambda row: exports.local(row.charger.last_seen_at, row.station.time_zone)),
    Column("Added", lambda row: exports.local(row.charger.created_at, row.station.time_zone)),
    Column("Added by", lambda row: row.charger.created_by),
    Column("Retired", lambda row: exports.local(row.charger.retired_at, row.station.time_zone)),
    Column("Time zone", lambda row: row.station.time_zone),
]


@bp.get("/devices")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """All devices, the latest first."""
    now, wanted, sort = utcnow(), asked_filter(), asked_sort()
    found = device_list.page(
        db.session, current_user.operator_id, wanted, now, sort, lists.text("cursor", 500), lists.size()
    )
    return page(
        "devices/list.html",
        "devices/_list.html",
        list=address(wanted, sort),
        wanted=wanted,
        sort=sort,
        found=found,
        counts=device_list.counts(db.session, current_user.operator_id, wanted),
        view_names=VIEW_NAMES,
        stations=stations,
        now=now,
        zone=station_days.operator_zone(db.session, current_user.operator_id),
    )


@bp.get("/devices/export.csv", defaults={"kind": "csv"})
@bp.get("/devices/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.STATIONS, read=True)
def export(kind: str) -> ResponseReturnValue:
    """The filtered devices as a file."""
    rows = device_list.each(db.session, current_user.operator_id, asked_filter(), utcnow(), asked_sort())
    return exports.answer(kind, "devices", COLUMNS, rows)


def asked_filter() -> Filter:
    """The filter in the address; words it does not know count as none."""
    return Filter(
        view=lists.choice("view", View, View.IN_USE) or View.IN_USE,
        text=lists.text("q"),
        station_id=lists.whole("station"),
    )


def asked_sort() -> str:
    sort = request.args.get("sort", "")
    return sort if sort in SORTS else SORTS[0]


def address(wanted: Filter, sort: str) -> lists.Address:
    values = {
        "view": None if wanted.view == View.IN_USE else wanted.view.value,
        "q": wanted.text,
        "station": wanted.station_id,
        "sort": None if sort == SORTS[0] else sort,
        "size": lists.size_in_address(),
    }
    return lists.Address("devices.index", values)


def stations() -> list[Station]:
    return list(db.session.scalars(access.own(Station).order_by(Station.name, Station.id)))
