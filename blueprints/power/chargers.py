"""Charger -> Maximum power: limits of the charger and of its connectors, and what the charger makes of them."""

from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm

from blueprints import access
from blueprints.chargers.detail import frame
from blueprints.database import db
from blueprints.power import bp, words
from blueprints.power.forms import LimitForm, RatingForm, shown, whole
from blueprints.sidecar import ring
from blueprints.web import dialog, done, page
from domain import power, power_delivery, power_messages, power_schedule, power_units
from domain.clock import utcnow
from domain.errors import DomainError, NotFound, Refused
from domain.models.chargers import Charger, Connector
from domain.models.power import LimitUnit, PowerAbility, PowerProfile
from domain.power_schedule import Wish
from domain.rights import Right


@bp.get("/chargers/<device_id>/power")
@access.require(Right.STATIONS, read=True)
def charger(device_id: str) -> ResponseReturnValue:
    """Maximum power of the charger and of its connectors."""
    found, now = access.charger_or_404(device_id), utcnow()
    return page("power/charger.html", "power/_charger_live.html", **_about(found, now))


@bp.get("/chargers/<device_id>/power/live")
@access.require(Right.STATIONS, read=True)
def charger_live(device_id: str) -> ResponseReturnValue:
    """The parts of the page that change."""
    found, now = access.charger_or_404(device_id), utcnow()
    return page("power/_charger_live.html", **_about(found, now))


@bp.route("/chargers/<device_id>/power/<int:number>", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def limit(device_id: str, number: int) -> ResponseReturnValue:
    """Set the maximum power of a connector, or with 0 of the whole charger."""
    found, now = access.charger_or_404(device_id), utcnow()
    zone, of = found.station.time_zone, power.outlet(found, number)
    row = power.find(db.session(), found, number)
    form, status = _form(row, zone), 200
    if request.method == "POST" and not request.form.get("add"):
        status = 422
        answer = _save(found, number, form, now)
        if answer is not None:
            return answer
    if not form.rows or not form.rows[-1].form.is_blank or request.form.get("add"):
        form.add_row()
    return page(
        "power/limit.html",
        "power/_limit.html",
        status,
        form=form,
        number=number,
        of=of,
        has_limit=row is not None and row.wish is not None,
        most={unit.value: f"{power_units.most(of, unit).normalize():f}" for unit in LimitUnit},
        **frame(found, "Maximum power", now),
    )


def _form(row: PowerProfile | None, zone: str) -> LimitForm:
    if request.method == "POST":
        return LimitForm()
    return LimitForm(formdata=None, data=shown(row, zone))


def _save(found: Charger, number: int, form: LimitForm, now: datetime) -> ResponseReturnValue | None:
    """The answer after success; None if the form is shown again."""
    if not form.validate_on_submit():
        return None
    wish = form.wish(found.station.time_zone)
    try:
        power_schedule.check(wish, power_units.most(power.outlet(found, number), wish.unit), now)
        if 0 in wish.limits and not form.confirmed.data:
            form.confirmed.errors = ["0 means that nobody can charge then. Tick this if that is what you want."]
            return None
        power.set_limit(
            db.session(), found, number, wish, version=whole(form.version.data), by=current_user.email, now=now
        )
        return _carried_out(found, now, f"{_name(number)}: {words.wish_lines(wish)[0]} is saved.")
    except Refused as refusal:
        db.session.rollback()
        form.tell(refusal)
    except power.Stale as stale:
        db.session.rollback()
        form.stale_text = str(stale)
    except DomainError as refusal:
        db.session.rollback()
        form.form_errors.append(str(refusal))
    return None


@bp.route("/chargers/<device_id>/power/<int:number>/remove", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def remove(device_id: str, number: int) -> ResponseReturnValue:
    """Remove the limit of a connector, or with 0 of the whole charger."""
    found, now, form = access.charger_or_404(device_id), utcnow(), FlaskForm()
    of, row = power.outlet(found, number), power.find(db.session(), found, number)
    if row is None or row.wish is None:
        raise NotFound("There is no limit to remove.")
    if request.method == "POST" and form.validate_on_submit():
        version = whole(request.form.get("version"))
        power.remove_limit(db.session(), found, number, version=version, by=current_user.email, now=now)
        return _carried_out(found, now, f"The limit of {_name(number).lower()} is removed.")
    return dialog("power/_remove.html", title="Remove the limit", charger=found, number=number, row=row, of=of,
                  name=_name(number), form=form)  # fmt: skip


@bp.route("/chargers/<device_id>/power/<int:number>/rating", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def rating(device_id: str, number: int) -> ResponseReturnValue:
    """Say what a connector can give."""
    found, now = access.charger_or_404(device_id), utcnow()
    connector = _connector(found, number)
    values = {
        "kind": connector.kind or "Type 2",
        "rating": "" if connector.max_power_w is None else f"{connector.max_power_w / 1000:g}",
    }
    form = RatingForm() if request.method == "POST" else RatingForm(formdata=None, data=values)
    if request.method == "POST" and form.validate_on_submit():
        try:
            power.set_rating(
                db.session(), found, connector, form.watts(), form.kind.data, by=current_user.email, now=now
            )
        except Refused as refusal:
            db.session.rollback()
            form.rating.errors = [str(refusal)]
        else:
            return _carried_out(found, now, f"Connector {number} is known to give {form.rating.data} kW.")
    status = 422 if request.method == "POST" else 200
    return dialog("power/_rating.html", status, title="Rated power", charger=found, connector=connector, form=form)


@bp.post("/chargers/<device_id>/power/<int:number>/ask")
@access.require(Right.CONFIGURE)
def ask(device_id: str, number: int) -> ResponseReturnValue:
    """Ask the charger for the schedule that it follows."""
    found, now = access.charger_or_404(device_id), utcnow()
    power.ask_schedule(db.session(), found, number, by=current_user.email, now=now)
    db.session.commit()
    ring()
    return done(_url(found), "The charger is asked for its schedule.", "power/_charger_live.html", **_about(found, now))


@bp.post("/chargers/<device_id>/power/again")
@access.require(Right.CONFIGURE)
def again(device_id: str) -> ResponseReturnValue:
    """Tell the charger everything again."""
    found, now = access.charger_or_404(device_id), utcnow()
    power.ask_again(db.session(), found, by=current_user.email, now=now)
    return _carried_out(found, now, "The limits are sent again.")


@bp.route("/chargers/<device_id>/power/others", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def clear_others(device_id: str) -> ResponseReturnValue:
    """Clear what the charger had from before."""
    found, now, form = access.charger_or_404(device_id), utcnow(), FlaskForm()
    if request.method == "POST" and form.validate_on_submit():
        try:
            power.clear_others(db.session(), found, by=current_user.email, now=now)
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            return _carried_out(found, now, "The charger is asked to forget limits that are not ours.")
    status = 422 if form.form_errors else 200
    return dialog("power/_others.html", status, title="Clear limits from before", charger=found, form=form)


def _carried_out(found: Charger, now: datetime, toast: str) -> ResponseReturnValue:
    """What is wished is told to the charger at once if it is there."""
    power_delivery.advance(db.session(), found.id, now)
    db.session.commit()
    ring()
    return done(_url(found), toast)


def _about(found: Charger, now: datetime) -> dict[str, Any]:
    session = db.session()
    zone, numbers = found.station.time_zone, [0, *(each.number for each in found.connectors if each.number > 0)]
    ability = session.get(PowerAbility, found.id)
    return {
        "places": [_place(found, number, now, zone) for number in numbers],
        "ability": ability,
        "stack": power_messages.SUPPOSED_STACK_LEVEL,
        "history": words.happenings(power.history(session, power.CHARGER_LOG, found.id, found.operator_id)),
        "shared": power.station_limit(session, found.station),
        "amount_text": power.amount_text,
        **frame(found, "Maximum power", now),
    }


def _place(found: Charger, number: int, now: datetime, zone: str) -> dict[str, Any]:
    row, of = power.find(db.session(), found, number), power.outlet(found, number)
    wish = power_schedule.from_json(row.wish) if row is not None and row.wish is not None else None
    question = power.latest_schedule(db.session(), found, number)
    return {
        "number": number,
        "name": _name(number),
        "of": of,
        "row": row,
        "wish": wish,
        "lines": words.wish_lines(wish) if wish else [],
        "converted": _converted(wish, of),
        "now": words.now_text(wish, now, zone) if wish else "No limit",
        "word": words.state_word(row, found.is_connected) if row else None,
        "text": words.state_text(row, found.is_connected) if row else "",
        "question": question,
        "reported": words.reported(question, zone),
    }


def _converted(wish: Wish | None, of: power_units.Outlet) -> str:
    return words.converted(wish.base, wish.unit, of) if wish and wish.base is not None and not wish.rows else ""


def _connector(found: Charger, number: int) -> Connector:
    power.outlet(found, number)
    known = [each for each in found.connectors if each.number == number and number > 0]
    if not known:
        raise NotFound("There is no such connector.")
    return known[0]


def _name(number: int) -> str:
    return f"Connector {number}" if number else "Whole charger"


def _url(found: Charger) -> str:
    return url_for("power.charger", device_id=found.device_id)
