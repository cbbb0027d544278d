"""Charging station -> Map: where it is, checked by eye, by hand or by the phone of who stands there."""

from decimal import Decimal, InvalidOperation

from flask import Blueprint, current_app, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField

from blueprints import access
from blueprints.database import db
from blueprints.stations import frame
from blueprints.web import done, page
from domain import setup as station_setup
from domain import stations
from domain.clock import utcnow
from domain.errors import Refused
from domain.models.station_checks import CheckedStep
from domain.models.stations import Station
from domain.rights import Right
from domain.settings import Settings

bp = Blueprint("station_map", __name__)


class PositionForm(FlaskForm):
    latitude = StringField("Latitude")
    longitude = StringField("Longitude")


@bp.get("/stations/<int:station_id>/map")
@access.require(Right.STATIONS, read=True)
def index(station_id: int) -> ResponseReturnValue:
    """The station on a map."""
    station = access.station_or_404(station_id)
    shown = {"latitude": _text(station.latitude), "longitude": _text(station.longitude)}
    return _page(station, PositionForm(formdata=None, data=shown))


@bp.post("/stations/<int:station_id>/map", endpoint="change")
@access.require(Right.STATIONS)
def change(station_id: int) -> ResponseReturnValue:
    """The station is there."""
    station, form = access.station_or_404(station_id), PositionForm()
    if form.validate_on_submit():
        try:
            place = {name: _degrees(form[name].data, name) for name in ("latitude", "longitude")}
            now, by = utcnow(), current_user.email
            stations.change(db.session(), station, place, by=by, now=now)
            station_setup.check(db.session(), station, CheckedStep.LOCATION, by=by, now=now)
        except Refused as refusal:
            db.session.rollback()
            for name, sentence in refusal.errors:
                form[name].errors = [sentence]
        else:
            db.session.commit()
            return done(
                url_for("station_map.index", station_id=station.id), f"The position of {station.name} is saved."
            )
    return _page(station, form)


def _page(station: Station, form: PositionForm) -> ResponseReturnValue:
    settings: Settings = current_app.extensions["settings"]
    has_tiles = bool(settings.map_tiles_url and settings.map_attribution)
    return page(
        "station_map/index.html",
        status=422 if form.errors else 200,
        form=form,
        tiles=settings.map_tiles_url if has_tiles else None,
        attribution=settings.map_attribution if has_tiles else None,
        **frame(station, "Map", utcnow()),
    )


def _degrees(text: str | None, name: str) -> Decimal:
    try:
        degrees = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        degrees = Decimal("NaN")
    if not degrees.is_finite():
        raise Refused("Type degrees.", [(name, "Type degrees such as 60.1675, or choose the place on the map.")])
    return degrees


def _text(degrees: float | None) -> str:
    return "" if degrees is None else f"{degrees:.6f}".rstrip("0").rstrip(".")
