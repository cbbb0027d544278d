"""Reservations: all of the operator, those of one charger, making and cancelling."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from blueprints import access, lists
from blueprints.commands.asking import tell
from blueprints.commands.forms import DateTimeLocalField
from blueprints.database import db
from blueprints.forms import is_near
from blueprints.sidecar import ring
from blueprints.web import dialog, done, page
from domain import configuration, reservations
from domain.call_fields import local_moment
from domain.call_words import missing
from domain.clock import utcnow
from domain.errors import DomainError, Refused
from domain.models.chargers import Charger
from domain.models.reservations import Reservation, ReservationStatus
from domain.models.tokens import Token
from domain.rights import Right

bp = Blueprint("reservations", __name__)

MOST_SHOWN = 200
USUAL_LENGTH = timedelta(minutes=30)
WORDS = {
    ReservationStatus.ASKED: "Asked",
    ReservationStatus.ACTIVE: "Reserved",
    ReservationStatus.REFUSED: "Refused",
    ReservationStatus.USED: "Used",
    ReservationStatus.CANCELLED: "Cancelled",
    ReservationStatus.EXPIRED: "Expired",
}


class ReserveForm(FlaskForm):
    connector = SelectField("Plug", coerce=int)
    card = StringField("Card number (idTag)", [InputRequired("Give the number of a card."), Length(max=20)])
    until = DateTimeLocalField("Until", [InputRequired("Say until when."), is_near])


@bp.get("/reservations")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """Reservations of all chargers, the latest first."""
    return page("reservations/list.html", "reservations/_rows.html", **_shown())


@bp.get("/reservations/live")
@access.require(Right.STATIONS, read=True)
def live() -> ResponseReturnValue:
    """The rows anew."""
    return render_template("reservations/_rows.html", **_shown())


def _shown() -> dict[str, Any]:
    device_id, shows_all = lists.text("charger"), lists.text("view") == "all"
    charger = access.charger_or_404(device_id) if device_id else None
    found = reservations.all_of(
        db.session(),
        current_user.operator_id or 0,
        charger.id if charger else None,
        is_open=not shows_all,
        limit=MOST_SHOWN,
    )
    address = lists.Address("reservations.index", {"charger": device_id, "view": "all" if shows_all else None})
    return {
        "found": found,
        "charger": charger,
        "shows_all": shows_all,
        "list": address,
        "words": WORDS,
        "is_moving": any(each.status in reservations.OPEN for each in found),
        "chargers": lambda: db.session.scalars(access.own(Charger).order_by(Charger.label).limit(500)).all(),
    }


@bp.route("/chargers/<device_id>/reserve", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def make(device_id: str) -> ResponseReturnValue:
    """Ask the charger to keep a plug free for a card."""
    charger, now = access.charger_or_404(device_id), utcnow()
    zone = ZoneInfo(charger.station.time_zone)
    form = ReserveForm() if request.method == "POST" else ReserveForm(formdata=None)
    plugs = [each for each in charger.connectors if each.number > 0]
    form.connector.choices = [
        *(
            SelectChoice(each.number, f"Connector {each.number}" + (f", {each.kind}" if each.kind else ""))
            for each in plugs
        ),
        SelectChoice(0, "Any plug"),
    ]
    if request.method == "GET":
        form.until.data = (now + USUAL_LENGTH).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    elif form.validate():
        try:
            until = local_moment(form.until.data, zone)
            if until is None:
                sentence = "The station's clock never shows this time."
                raise Refused(sentence, [("until", sentence)])
            reservations.make(
                db.session(), charger, form.connector.data, form.card.data, until, by=current_user.email, now=now
            )
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            ring()
            return done(url_for("reservations.index"), f"{charger.label} is asked to keep the plug free.")
    return dialog(
        "reservations/_make.html",
        422 if request.method == "POST" else 200,
        title="Reserve",
        charger=charger,
        form=form,
        cards=db.session.scalars(access.own(Token).order_by(Token.name).limit(200)).all(),
        reason=missing("ReserveNow", configuration.features(db.session(), charger.id)),
    )


@bp.post("/reservations/<int:reservation_id>/cancel")
@access.require(Right.CONFIGURE)
def cancel(reservation_id: int) -> ResponseReturnValue:
    """Ask the charger to give the plug free."""
    found = access.own_or_404(Reservation, "reservation", id=reservation_id)
    reservations.cancel(db.session(), found, found.charger, by=current_user.email, now=utcnow())
    db.session.commit()
    ring()
    return done(url_for("reservations.index"), f"{found.charger.label} is asked to give the plug free.")
