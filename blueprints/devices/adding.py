"""Add device: a charger that is there, with its password shown this once and the way on to connecting it."""

from flask import current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from blueprints import access, lists, navigation
from blueprints.database import db
from blueprints.devices import bp
from blueprints.devices.listing import stations
from blueprints.web import page
from domain import chargers
from domain.chargers import DeviceIdTaken
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.stations import Station
from domain.rights import Right


def whole_or_none(given: str | int | None) -> int | None:
    text = str(given or "")
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


class DeviceForm(FlaskForm):
    station_id = SelectField(
        "Charging station", [InputRequired("Choose the charging station.")], coerce=whole_or_none, validate_choice=False
    )
    device_id = StringField("device id", [InputRequired("Enter the device id that stands on the charger.")])
    device_account = StringField("device account")
    label = StringField("Label, optional")


def offer_stations(field: SelectField, found: list[Station]) -> None:
    """The stations to choose from; a single one is chosen already."""
    first = [] if len(found) == 1 else [SelectChoice("", "Choose a charging station")]
    field.choices = [*first, *(SelectChoice(station.id, station.name) for station in found)]


@bp.route("/devices/new", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def add() -> ResponseReturnValue:
    """Add device: station, device id, device account, OK."""
    found = stations()
    form = DeviceForm() if request.method == "POST" else DeviceForm(formdata=None)
    offer_stations(form.station_id, found)
    if request.method == "GET":
        form.station_id.data = lists.whole("station") or (found[0].id if len(found) == 1 else None)
        form.device_id.data = lists.text("device_id", 48)
        return page("devices/add.html", form=form, stations=found, known=None)
    known = None
    station = next((each for each in found if each.id == form.station_id.data), None)
    if form.validate() and station is None:
        form.station_id.errors = [*form.station_id.errors, "Choose one of your charging stations."]
    elif station is not None and not form.errors:
        try:
            charger, password = chargers.add(
                db.session,
                station,
                form.device_id.data.strip(),
                device_account=(form.device_account.data or "").strip() or None,
                label=(form.label.data or "").strip() or None,
                by=current_user.email,
                now=utcnow(),
            )
        except DomainError as refusal:
            known = _own(form.device_id.data.strip()) if isinstance(refusal, DeviceIdTaken) else None
            tell(form, refusal)
        else:
            db.session.commit()
            return page("devices/added.html", "devices/_added.html", **_added(charger, station, password))
    return page("devices/add.html", "devices/_add.html", 422, form=form, stations=found, known=known)


def tell(form: FlaskForm, refusal: DomainError) -> None:
    """Each sentence stands at its field."""
    for name, sentence in refusal.errors:
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors.append(sentence)
    if not refusal.errors:
        form.form_errors.append(str(refusal))


def connect_url(charger: Charger) -> str:
    """Where to go on with a charger that has never connected."""
    endpoint = "connect.index" if navigation.is_open("connect.index") else "chargers.detail"
    return url_for(endpoint, device_id=charger.device_id)


def _added(charger: Charger, station: Station, password: str) -> dict[str, object]:
    # The password is in this answer only: it is neither stored nor put into a cookie.
    address = current_app.extensions["settings"].ocpp_public_url
    return {
        "charger": charger,
        "station": station,
        "password": password,
        "address": f"{address}/{charger.device_id}",
        "connect_url": connect_url(charger),
        "has_connect": navigation.is_open("connect.index"),
    }


def _own(device_id: str) -> Charger | None:
    known = chargers.registered(db.session, [device_id]).get(device_id.lower())
    return db.session.scalar(access.own(Charger).where(Charger.id == known.charger_id)) if known else None
