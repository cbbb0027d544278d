"""The list of chargers: filters, live cells, export."""

import zlib
from datetime import datetime
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, exports, lists, navigation
from blueprints.chargers import bp
from blueprints.database import db
from blueprints.exports import Column
from blueprints.web import page
from domain import charger_list, station_days
from domain.charger_list import ChargerRow, Filter, View
from domain.clock import utcnow
from domain.firmware_states import FirmwareWord
from domain.models.stations import Station
from domain.rights import Right

LIVE_EVERY_S = 5
SORTS = ("attention", "charger", "-charger", "station", "-station", "seen", "-seen")
VIEW_NAMES = {
    View.ALL: "All",
    View.CHARGING: "Charging",
    View.AVAILABLE: "Available",
    View.FAULTED: "Faulted",
    View.OFFLINE: "Offline",
}
COLUMNS = [
    Column("Charger", lambda row: row.charger.label),
    Column("Device id", lambda row: row.charger.device_id),
    Column("UUID", lambda row: row.charger.uuid),
    Column("Charging station", lambda row: row.station.name),
    Column("Status", lambda row: row.word.value),
    Column("Connectors", lambda row: ", ".join(f"{each.number} {each.status}" for each in row.connectors)),
    Column("Power now, W", lambda row: row.power_w),
    Column("Vendor", lambda row: row.charger.vendor),
    Column("Model", lambda row: row.charger.model),
    Column("Firmware", lambda row: row.charger.firmware_version),
    Column("Firmware status", lambda row: row.firmware.word.value if row.firmware else None),
    Column("OCPP version", lambda row: row.charger.ocpp_version),
    Column("Last seen", lambda row: exports.local(row.charger.last_seen_at, row.station.time_zone)),
    Column("Time zone", lambda row: row.station.time_zone),
]


@bp.get("/chargers")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """All chargers, attention first."""
    now, wanted, sort = utcnow(), asked_filter(), asked_sort()
    found = charger_list.page(
        db.session, current_user.operator_id, wanted, now, sort, lists.text("cursor", 500), lists.size()
    )
    context = {
        "list": address(wanted, sort),
        "wanted": wanted,
        "sort": sort,
        "found": found,
        "counts": charger_list.counts(db.session, current_user.operator_id, wanted, now),
        "view_names": VIEW_NAMES,
        "upgrade_words": [each.value for each in FirmwareWord],
        "versions": versions(found.rows),
        "now": now,
        "zone": station_days.operator_zone(db.session, current_user.operator_id),
    }
    return page("chargers/list.html", "chargers/_list.html", stations=stations, firmware=firmware, kpis=kpis, **context)


@bp.get("/chargers/live")
@access.require(Right.STATIONS, read=True)
def live() -> ResponseReturnValue:
    """The cells that changed since the page was made; `rows` holds what it shows as id.version, comma-separated."""
    now, shown = utcnow(), lists.shown()
    rows = charger_list.some(db.session, current_user.operator_id, list(shown), now)
    if now.second < LIVE_EVERY_S:  # once a minute is often enough for the last hour
        charger_list.fill_sparks(db.session, rows, now)
    changed = [row for row in rows if version(row) != shown[row.charger.id]]
    zone = station_days.operator_zone(db.session, current_user.operator_id)
    return render_template(
        "chargers/_live.html", rows=rows, changed=changed, versions=versions(rows), now=now, zone=zone
    )


@bp.get("/chargers/export.csv", defaults={"kind": "csv"})
@bp.get("/chargers/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.STATIONS, read=True)
def export(kind: str) -> ResponseReturnValue:
    """The filtered chargers as a file."""
    wanted, sort, now = asked_filter(), asked_sort(), utcnow()

    def rows() -> Any:
        cursor = None
        while True:
            found = charger_list.page(db.session, current_user.operator_id, wanted, now, sort, cursor, 500)
            yield from found.rows
            cursor = found.next
            if cursor is None:
                return

    return exports.answer(kind, "chargers", COLUMNS, rows())


def asked_filter() -> Filter:
    """The filter in the address; words it does not know count as none."""
    return Filter(
        view=lists.choice("view", View, View.ALL),
        text=lists.text("q"),
        station_id=lists.whole("station"),
        firmware=lists.text("firmware"),
        upgrade=lists.choice("upgrade", FirmwareWord),
    )


def asked_sort() -> str:
    sort = request.args.get("sort", "")
    return sort if sort in SORTS else "attention"


def address(wanted: Filter, sort: str) -> lists.Address:
    values = {
        "view": None if wanted.view == View.ALL else wanted.view.value,
        "q": wanted.text,
        "station": wanted.station_id,
        "firmware": wanted.firmware,
        "upgrade": wanted.upgrade.value if wanted.upgrade else None,
        "sort": None if sort == "attention" else sort,
        "size": lists.size_in_address(),
    }
    return lists.Address("chargers.index", values)


def stations() -> list[Station]:
    return list(db.session.scalars(access.own(Station).order_by(Station.name)))


def firmware() -> list[str]:
    return charger_list.firmware_versions(db.session, current_user.operator_id)


def kpis(now: datetime) -> dict[str, Any]:
    """The figures above the list: of all chargers, whatever is filtered."""
    return {
        "summary": charger_list.summary(db.session, current_user.operator_id, now),
        "today": station_days.totals(db.session, current_user.operator_id, now),
    }


def version(row: ChargerRow) -> str:
    """A short text that changes with anything the row's live cells show, except how long ago it was seen."""
    firmware = row.firmware and (row.firmware.word, row.firmware.sentence)
    state = [
        row.word,
        row.power_w,
        row.charger.firmware_version,
        firmware,
        *((each.number, each.status) for each in row.connectors),
    ]
    return f"{zlib.crc32(repr(state).encode()):x}"


def versions(rows: list[ChargerRow]) -> str:
    return ",".join(f"{row.charger.id}.{version(row)}" for row in rows)


def _need_attention() -> int:
    return charger_list.summary(db.session, current_user.operator_id, utcnow()).faulted


navigation.COUNTS["chargers.index"] = _need_attention
