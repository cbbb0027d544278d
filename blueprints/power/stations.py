"""Charging station -> Maximum power: a limit that all running sessions share, and who has how much of it."""

from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm

from blueprints import access
from blueprints.database import db
from blueprints.power import bp, words
from blueprints.power.forms import StationForm, station_values, whole
from blueprints.stations import frame
from blueprints.web import dialog, done, page
from domain import power, power_spots
from domain.clock import utcnow
from domain.errors import DomainError, NotFound, Refused
from domain.models.power import LimitUnit, StationLimit
from domain.models.stations import Station
from domain.power_spots import Spot
from domain.rights import Right


@bp.get("/stations/<int:station_id>/power")
@access.require(Right.STATIONS, read=True)
def station(station_id: int) -> ResponseReturnValue:
    """The station's limit and how it is shared."""
    found, now = access.station_or_404(station_id), utcnow()
    limit = power.station_limit(db.session(), found)
    form = StationForm(formdata=None, data=station_values(limit))
    return page("power/station.html", "power/_station_form.html", form=form, **_about(found, limit, now))


@bp.post("/stations/<int:station_id>/power")
@access.require(Right.CONFIGURE)
def set_station(station_id: int) -> ResponseReturnValue:
    """Set the station's limit."""
    return _save(access.station_or_404(station_id), utcnow())


@bp.get("/stations/<int:station_id>/power/live")
@access.require(Right.STATIONS, read=True)
def station_live(station_id: int) -> ResponseReturnValue:
    """Who has how much, now."""
    found, now = access.station_or_404(station_id), utcnow()
    return page("power/_sharing.html", oob=True, **_about(found, power.station_limit(db.session(), found), now))


@bp.route("/stations/<int:station_id>/power/remove", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def remove_station(station_id: int) -> ResponseReturnValue:
    """Stop sharing."""
    found, now, form = access.station_or_404(station_id), utcnow(), FlaskForm()
    limit = power.station_limit(db.session(), found)
    if limit is None or not limit.is_on:
        raise NotFound("There is no limit to remove.")
    if request.method == "POST" and form.validate_on_submit():
        version = whole(request.form.get("version"))
        power.remove_station_limit(db.session(), found, version=version, by=current_user.email, now=now)
        db.session.commit()
        return done(_url(found), "The limit is removed. Chargers are told to give what they can.")
    return dialog("power/_station_remove.html", title="Remove the limit", station=found, limit=limit, form=form,
                  amount_text=power.amount_text, running=_running(limit))  # fmt: skip


def _save(found: Station, now: datetime) -> ResponseReturnValue:
    form = StationForm()
    if form.validate_on_submit():
        try:
            wanted = form.budget()
            power.set_station_limit(
                db.session(), found, wanted, version=whole(form.version.data), by=current_user.email, now=now
            )
        except Refused as refusal:
            db.session.rollback()
            for name, sentence in refusal.errors or [("amount", str(refusal))]:
                form[name].errors = [*form[name].errors, sentence]
        except power.Stale as stale:
            db.session.rollback()
            form.stale_text = str(stale)
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            return done(_url(found), f"{power.amount_text(wanted.amount, wanted.unit)} are shared from now on.")
    context = _about(found, power.station_limit(db.session(), found), now)
    return page("power/station.html", "power/_station_form.html", 422, form=form, **context)


def _about(found: Station, limit: StationLimit | None, now: datetime) -> dict[str, Any]:
    is_on = limit is not None and limit.is_on
    seen = power_spots.spots(db.session(), limit) if limit is not None and is_on else []
    rows = [_row(spot, limit) for spot in seen] if limit is not None else []
    session = db.session()
    return {
        "limit": limit,
        "is_on": is_on,
        "rows": rows,
        "amount_text": power.amount_text,
        "newcomers": words.newcomers_text(limit) if limit is not None else "",
        "reserved": sum(spot.ceiling for spot in seen),
        "given": sum(spot.ceiling for spot in seen if spot.charging is not None),
        "used": _used(seen, limit) if limit is not None else 0,
        "sessions": sum(spot.charging is not None for spot in seen),
        "history": words.happenings(power.history(session, power.STATION_LOG, found.id, found.operator_id)),
        **frame(found, "Maximum power", now),
    }


def _row(spot: Spot, limit: StationLimit) -> dict[str, Any]:
    return {
        "spot": spot,
        "key": spot.connector.id,
        "now": power.amount_text(spot.ceiling, limit.unit),
        "ceiling": spot.ceiling,
        "target": spot.share.target if spot.share and spot.charging else None,
        "word": words.spot_word(spot),
        "text": words.spot_text(spot, limit),
        "power_w": spot.charging.power_w if spot.charging else None,
    }


def _used(seen: list[Spot], limit: StationLimit) -> int:
    """What flows by the last meter values, in the limit's unit; amperes as if on all phases alike."""
    watts = sum(spot.charging.power_w or 0 for spot in seen if spot.charging is not None)
    return watts if limit.unit is LimitUnit.KW else watts * 10 // 690


def _running(limit: StationLimit) -> int:
    return sum(spot.charging is not None for spot in power_spots.spots(db.session(), limit))


def _url(found: Station) -> str:
    return url_for("power.station", station_id=found.id)
