"""Batch import devices: the template, the upload, and the files handed in before."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField
from wtforms.validators import InputRequired

from blueprints import access, batches, lists
from blueprints.devices import bp
from blueprints.devices.adding import offer_stations, whole_or_none
from blueprints.devices.listing import stations
from blueprints.web import page
from domain import device_batches
from domain.clock import utcnow
from domain.models.batches import BatchKind
from domain.rights import Right


class BatchForm(FlaskForm):
    station_id = SelectField(
        "Charging station", [InputRequired("Choose the charging station.")], coerce=whole_or_none, validate_choice=False
    )
    file = FileField("File", [FileRequired("Choose the filled-in template, or a CSV file.")])


@bp.route("/devices/import", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def batch() -> ResponseReturnValue:
    """Batch import devices: select a station, upload, OK; what each row would do is shown before anything is done."""
    found = stations()
    form = BatchForm() if request.method == "POST" else BatchForm(formdata=None)
    offer_stations(form.station_id, found)
    if request.method == "GET":
        form.station_id.data = lists.whole("station") or (found[0].id if len(found) == 1 else None)
    station = next((each for each in found if each.id == form.station_id.data), None)
    if request.method == "POST" and form.validate():
        if station is None:
            form.station_id.errors = ["Choose one of your charging stations."]
        else:
            answer = batches.taken(form, BatchKind.DEVICES, station)
            if answer is not None:
                return answer
    return page(
        "devices/import.html",
        "devices/_import.html",
        422 if request.method == "POST" else 200,
        form=form,
        stations=found,
        recent=batches.recent(BatchKind.DEVICES),
        now=utcnow(),
        **batches.about(),
    )


@bp.get("/devices/import/template.xlsx")
@access.require(Right.STATIONS, read=True)
def template() -> ResponseReturnValue:
    """Download the device import template."""
    return batches.template_answer(BatchKind.DEVICES, "Devices", device_batches.HELP, "device import template.xlsx")
