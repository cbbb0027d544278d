"""Charging station -> Photos: what drivers look for when they arrive."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import joinedload
from wtforms import FileField, StringField

from blueprints import access
from blueprints.database import db
from blueprints.files import send, store
from blueprints.stations import frame
from blueprints.web import dialog, done, page
from domain import photos
from domain.clock import utcnow
from domain.db import read_only
from domain.errors import NotFound, Refused
from domain.models.stations import Station, StationPhoto
from domain.rights import Right

bp = Blueprint("station_photos", __name__)


class PhotoForm(FlaskForm):
    photo = FileField("Photo")
    caption = StringField("What it shows")


@bp.url_value_preprocessor
def take_large_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A photo that is too large is still read, so that its form can say so and keep what was typed."""
    if request.method != "POST" or request.endpoint != "station_photos.add":
        return
    with read_only():
        may_add = access.may(Right.STATIONS)
        db.session.rollback()
    if may_add:
        request.max_content_length = 4 * photos.MOST_BYTES


@bp.get("/stations/<int:station_id>/photos")
@access.require(Right.STATIONS, read=True)
def index(station_id: int) -> ResponseReturnValue:
    """The station's photos."""
    return _page(access.station_or_404(station_id), PhotoForm(formdata=None))


@bp.post("/stations/<int:station_id>/photos", endpoint="add")
@access.require(Right.STATIONS)
def add(station_id: int) -> ResponseReturnValue:
    """One photo more."""
    station, form = access.station_or_404(station_id), PhotoForm()
    if form.validate_on_submit():
        given = form.photo.data
        data = given.read(photos.MOST_BYTES + 1) if given else b""
        if given:
            given.close()  # a large one lies in a file
        caption, by = form.caption.data or "", current_user.email
        # The transaction would hold the database's only write lock while the picture is made small.
        db.session.rollback()
        try:
            picture = photos.small(data)
            photos.add(db.session(), station, store(), picture, caption, by=by, now=utcnow())
        except Refused as refusal:
            db.session.rollback()
            for name, sentence in refusal.errors:
                form[name].errors = [sentence]
        else:
            db.session.commit()
            return done(url_for("station_photos.index", station_id=station.id), "The photo is added.")
    return _page(station, form)


@bp.route("/station-photos/<int:photo_id>/remove", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def remove(photo_id: int) -> ResponseReturnValue:
    """The photo goes."""
    photo = access.own_or_404(StationPhoto, "photo", id=photo_id)
    form, station_id = FlaskForm(), photo.station_id
    if request.method == "POST" and form.validate_on_submit():
        photos.remove(db.session(), photo, by=current_user.email, now=utcnow())
        db.session.commit()
        return done(url_for("station_photos.index", station_id=station_id), "The photo is removed.")
    return dialog("station_photos/_remove.html", title="Remove photo", photo=photo, form=form)


@bp.get("/station-photos/<int:photo_id>.jpg")
@access.public
def show(photo_id: int) -> ResponseReturnValue:
    """The photo itself: drivers see it too."""
    photo = db.session.get(StationPhoto, photo_id, options=[joinedload(StationPhoto.file)])
    if photo is None:
        raise NotFound("There is no such photo.")
    return send(photo.file, inline=True)


def _page(station: Station, form: PhotoForm) -> ResponseReturnValue:
    return page(
        "station_photos/index.html",
        status=422 if form.errors else 200,
        form=form,
        photos=photos.of_station(db.session(), station),
        most=photos.MOST,
        **frame(station, "Photos", utcnow()),
    )
