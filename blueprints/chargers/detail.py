"""One charger: its overview with live parts, and its sessions."""

from datetime import datetime
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints import access, charts, lists, navigation, price_words
from blueprints import commands as command_views
from blueprints.chargers import bp
from blueprints.database import db
from blueprints.formats import duration, money
from blueprints.web import page
from domain import (
    billing,
    charger_list,
    charger_story,
    charging_session_list,
    command_list,
    diagnostics,
    local_lists,
    reservations,
    station_days,
    tariff_book,
)
from domain.charger_states import ChargerWord
from domain.clock import utcnow
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.rights import Right

WEEK_DAYS = 7
# What is there to open is shown.
TABS = (
    ("Overview", "chargers.detail"),
    ("Sessions", "chargers.sessions"),
    ("OCPP Manage Service", "chargers.commands"),
    ("Configuration", "configuration.index"),
    ("Maximum power", "power.charger"),
    ("Messages", "chargers.messages"),
    ("Firmware upgrade", "firmware.charger"),
    ("QR codes", "qr_codes.of_charger"),
    ("Connect", "connect.index"),
)


@bp.get("/chargers/<device_id>")
@access.require(Right.STATIONS, read=True)
def detail(device_id: str) -> ResponseReturnValue:
    """One charger: plugs, curve, timeline, device, price."""
    charger, now = access.charger_or_404(device_id), utcnow()
    return page(
        "chargers/detail.html", **frame(charger, "Overview", now), **_overview(charger, now), **_aside(charger, now)
    )


@bp.get("/chargers/<device_id>/live")
@access.require(Right.STATIONS, read=True)
def detail_live(device_id: str) -> ResponseReturnValue:
    """The parts of one charger's page that change."""
    charger, now = access.charger_or_404(device_id), utcnow()
    return render_template("chargers/_detail_live.html", **frame(charger, "Overview", now), **_overview(charger, now))


@bp.get("/chargers/<device_id>/sessions")
@access.require(Right.ORDERS)
def sessions(device_id: str) -> ResponseReturnValue:
    """One charger's sessions, newest first."""
    charger, now = access.charger_or_404(device_id), utcnow()
    wanted = charging_session_list.Filter(charger_id=charger.id)
    found = charging_session_list.page(
        db.session, charger.operator_id, wanted, lists.text("cursor", 500), lists.size(), now
    )
    address = lists.Address("chargers.sessions", {"size": lists.size_in_address()}, device_id=device_id)
    return page(
        "chargers/sessions.html",
        "chargers/_sessions.html",
        found=found,
        list=address,
        **frame(charger, "Sessions", now),
    )


@bp.get("/chargers/<device_id>/commands")
@access.require(Right.STATIONS, read=True)
def commands(device_id: str) -> ResponseReturnValue:
    """What one charger was asked, and the commands to ask."""
    charger, now = access.charger_or_404(device_id), utcnow()
    wanted = command_list.Filter(charger_id=charger.id)
    found = command_list.page(db.session, charger.operator_id, wanted, lists.text("cursor", 500), lists.size())
    return page(
        "chargers/commands.html",
        "commands/_log.html",
        found=found,
        wanted=wanted,
        list=lists.Address("chargers.commands", {"size": lists.size_in_address()}, device_id=device_id),
        asks=command_views.offered(),
        calls=command_views.every_call(charger),
        uploads=diagnostics.of_charger(db.session(), charger.id, 6),
        upload_words=lambda upload: diagnostics.sentence(upload, now),
        local_list=local_lists.look(db.session(), charger),
        cards=local_lists.difference(db.session(), charger),
        reserved=reservations.all_of(db.session(), charger.operator_id, charger.id, is_open=True, limit=10),
        **command_views.words(now),
        **frame(charger, "OCPP Manage Service", now),
    )


def frame(charger: Charger, tab: str, now: datetime) -> dict[str, Any]:
    """What the head of every page about one charger needs."""
    row = charger_list.some(db.session, charger.operator_id, [charger.id], now)[0]
    running = charger_story.running_sessions(db.session, charger.id)
    return {
        "row": row,
        "charger": charger,
        "station": row.station,
        "zone": row.station.time_zone,
        "lead": connection_words(charger, row.station.name, now),
        "tabs": tabs(charger),
        "tab": tab,
        "running": running,
        "now": now,
        "reasons": reasons(row.word, bool(running)),
    }


def tabs(charger: Charger) -> list[tuple[str, str, None]]:
    return [
        (name, url_for(endpoint, device_id=charger.device_id), None)
        for name, endpoint in TABS
        if navigation.is_open(endpoint)
    ]


def connection_words(charger: Charger, station: str, now: datetime) -> str:
    """ "Harbour Garage. OCPP 1.6-J over TLS, connected 6 d 4 h" """
    version = f"OCPP {charger.ocpp_version}" if charger.ocpp_version else "OCPP version not known yet"
    if charger.is_connected and charger.connected_at:
        since = f"connected {duration(int((now - charger.connected_at).total_seconds()))}"
    elif charger.disconnected_at:
        since = f"disconnected {duration(int((now - charger.disconnected_at).total_seconds()))} ago"
    else:
        since = "has never connected"
    return f"{station}. {version}, {since}"


def reasons(word: ChargerWord, is_charging: bool) -> dict[str, str]:
    """Why a command of the head is not possible now; empty where it is."""
    offline = "" if word not in (ChargerWord.OFFLINE, ChargerWord.NEVER_CONNECTED) else "The charger is offline."
    return {
        "stop": offline or ("" if is_charging else "Nothing is charging."),
        "unlock": offline,
        "reboot": offline,
    }


def _overview(charger: Charger, now: datetime) -> dict[str, Any]:
    zone = charger.station.time_zone
    latest = charger_story.latest_session(db.session, charger.id)
    values = charger_story.curve(db.session, latest.id) if latest else []
    chart = charts.power_and_battery(
        [(each.at, each.power_w / 1000) for each in values if each.power_w is not None],
        [(each.at, each.soc_percent) for each in values if each.soc_percent is not None],
        zone,
    )
    plugs = charger_story.plugs(db.session, charger, station_days.midnight(zone, now))
    return {
        "plugs": plugs,
        "costs": {
            plug.running.id: billing.cost_so_far(db.session, plug.running, now) for plug in plugs if plug.running
        },
        "latest": latest,
        "chart": chart,
        "chart_text": _chart_text(latest, values),
        "happenings": [_shown(each) for each in charger_story.timeline(db.session, charger)],
    }


def _chart_text(latest: ChargingSession | None, values: list[Any]) -> str:
    powers = [each.power_w for each in values if each.power_w is not None]
    if latest is None or not powers:
        return "No readings."
    return f"From {min(powers) / 1000:.1f} to {max(powers) / 1000:.1f} kW, {latest.energy_wh / 1000:.1f} kWh."


def _aside(charger: Charger, now: datetime) -> dict[str, Any]:
    station = charger.station
    tariff = tariff_book.in_force(db.session, station.id, now)
    since = station_days.midnight(station.time_zone, now, WEEK_DAYS - 1)
    return {
        "tariff": tariff,
        "price": price_words.of_station(station, tariff, now) if tariff else None,
        "week": charger_story.week(db.session, charger, now),
        "week_totals": station_days.charger_totals(db.session, charger.id, since),
    }


# kind -> icon and tone of a happening; the tone of commands and statuses follows their word
ICONS = {
    "boot": ("power", "busy"),
    "connected": ("plug-connected", "ok"),
    "disconnected": ("wifi-off", "off"),
    "takeover": ("plug-connected", "warn"),
    "firmware": ("cloud-upload", "busy"),
    "diagnostics": ("file-text", "busy"),
    "security": ("shield-check", "warn"),
    "data_transfer": ("send", "off"),
    "flag": ("flag", "warn"),
    "status": ("activity", "off"),
    "start": ("bolt", "busy"),
    "stop": ("square", "off"),
    "refused": ("circle-x", "bad"),
    "hold": ("credit-card", "ok"),
    "command": ("cpu", "busy"),
}


def _shown(each: charger_story.Happening) -> dict[str, Any]:
    icon, tone = ICONS.get(each.kind, ("info-circle", "off"))
    title, text = each.title, each.text
    if each.kind == "hold":
        minor, currency = each.title.split("|")
        title = f"Card hold {money(int(minor), currency)} confirmed"
    if each.kind == "command":
        text = f"{each.text}, {each.word}"
        tone = {"accepted": "ok", "queued": "off", "sent": "busy"}.get(each.word, "bad")
    if each.kind == "status" and "Faulted" in title:
        icon, tone = "alert-triangle", "bad"
    return {"icon": icon, "tone": tone, "title": title, "text": text, "at": each.at}
