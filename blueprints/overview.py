"""Overview: what today brought, and what wants a person, each with its next step."""

from typing import Any, NamedTuple

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, setup
from blueprints.database import db
from blueprints.formats import kwh, money
from blueprints.web import page
from domain import attention, charger_list, station_days, station_list
from domain.attention import Matter
from domain.charging_flags import SENTENCES
from domain.clock import utcnow
from domain.models.stations import Station
from domain.rights import Right

bp = Blueprint("overview", __name__)


class Line(NamedTuple):
    """One matter as it is shown: with the step to take."""

    icon: str
    tone: str
    title: str
    text: str
    url: str
    action: str
    at: Any
    zone: str


@bp.get("/overview")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """Today, and what wants attention."""
    now, operator_id = utcnow(), current_user.operator_id
    matters = attention.matters(db.session, operator_id, now, with_money=access.may(Right.ORDERS))
    stations = station_list.described(db.session, _stations(), now)
    return page(
        "overview/index.html",
        "overview/_live.html",
        now=now,
        zone=station_days.operator_zone(db.session, operator_id),
        summary=charger_list.summary(db.session, operator_id, now),
        today=station_days.totals(db.session, operator_id, now),
        week=station_days.totals(db.session, operator_id, now, days=7),
        lines=[line(each) for each in matters],
        stations=stations,
        to_set_up=setup.short(stations),
    )


def _stations() -> list[Station]:
    return list(db.session.scalars(access.own(Station).order_by(Station.name).limit(10)))


def line(matter: Matter) -> Line:
    """The matter in words, with its next step."""
    place = matter.charger.station
    where = f"{matter.charger.label}, {place.name}"
    charger_url = url_for("chargers.detail", device_id=matter.charger.device_id)
    if matter.kind == "faulted":
        title, text = f"{where} is faulted", matter.text or "The charger gave no reason."
        return Line(
            "alert-triangle", "bad", title, text, charger_url, "Look at the charger", matter.at, place.time_zone
        )
    if matter.kind in ("offline", "late"):
        title = f"{where} is offline" if matter.kind == "offline" else f"{where} is silent"
        text = "It cannot be started, stopped or rebooted from here. Check power and network on site."
        return Line("wifi-off", "off", title, text, charger_url, "Look at the charger", matter.at, place.time_zone)
    order, charging = matter.order, matter.charging
    if order is not None:
        amount, url = money(order.gross_minor, order.currency), url_for("billings.detail", number=order.number)
        if matter.kind == "review":
            title, text = (
                f"{order.number}, {amount}, waits for a look",
                "Its readings look odd, so no money was taken yet.",
            )
            return Line("flag", "warn", title, text, url, "Decide", matter.at, place.time_zone)
        if matter.kind == "refund":
            title, text = (
                f"The refund of {order.number}, {amount}, failed",
                matter.text or "The provider gave no reason.",
            )
            return Line("receipt-refund", "bad", title, text, url, "Look at the refund", matter.at, place.time_zone)
        title, text = f"{order.number}, {amount}, was not paid", matter.text or "The provider took nothing."
        return Line("credit-card", "bad", title, text, url, "Look at the order", matter.at, place.time_zone)
    if charging is None:
        raise ValueError(f"{matter.kind} is about nothing")
    title = f"Session {charging.id} at {where}, {kwh(charging.energy_wh)}, is flagged"
    text = " ".join(SENTENCES.get(flag, flag) for flag in charging.flags)
    url = url_for("sessions.detail", charging_session_id=charging.id)
    return Line("flag", "warn", title, text, url, "Look at the session", matter.at, place.time_zone)
