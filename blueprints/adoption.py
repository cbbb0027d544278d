"""Connection doctor -> Waiting to be adopted: chargers that tried to connect and that nobody has.

Platform staff see all of them. An operator types the device id that is printed on its charger: device ids of others
are never listed, and of what is found only the network of the address is told.
"""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from blueprints import access, connect
from blueprints.database import db
from blueprints.forms import tell
from blueprints.limits import limiter
from blueprints.waiting import LOOKS, waiting
from blueprints.web import dialog, done, page
from domain import chargers, unknown_chargers
from domain.clock import utcnow
from domain.errors import DomainError, NotFound
from domain.models.stations import Station
from domain.rights import Right

bp = Blueprint("adoption", __name__)


class AdoptForm(FlaskForm):
    station_id = SelectField("Charging station", [InputRequired("Choose a charging station.")], coerce=int)
    device_account = StringField("Device account")
    label = StringField("Name on the charger")


@bp.get("/handshakes/waiting")
@access.require(Right.HANDSHAKES, read=True)
@limiter.limit(LOOKS)
def index() -> ResponseReturnValue:
    """Who waits to be adopted."""
    return page("adoption/list.html", "adoption/_waiting.html", **waiting())


@bp.route("/handshakes/adopt", methods=["GET", "POST"])
@access.require(Right.STATIONS)
@limiter.limit(LOOKS)
def adopt() -> ResponseReturnValue:
    """The charger belongs to one of the operator's stations; its connect page shows its password."""
    device_id, now = request.args.get("device_id", "")[:255].replace("\0", ""), utcnow()
    unknown = unknown_chargers.find(db.session, device_id, now)
    if unknown is None:
        raise NotFound("No unknown charger with exactly this device id has tried to connect within a month.")
    form = _prepared(AdoptForm() if request.method == "POST" else AdoptForm(formdata=None))
    if request.method == "POST" and form.validate_on_submit():
        try:
            station = access.station_or_404(form.station_id.data)
            charger, key = chargers.add(
                db.session, station, unknown.device_id, device_account=(form.device_account.data or "").strip() or None,
                label=(form.label.data or "").strip() or None, by=current_user.email, now=now,
            )  # fmt: skip
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            return done(connect.hand_over(charger, key, now), f"{charger.label} is added. Copy its password now.")
    status = 422 if request.method == "POST" else 200
    return dialog("adoption/_adopt.html", status, title="Adopt the charger", unknown=unknown, form=form)


def _prepared(form: AdoptForm) -> AdoptForm:
    stations = db.session.scalars(access.own(Station).order_by(Station.name))
    form.station_id.choices = [SelectChoice(each.id, each.name) for each in stations]
    return form
