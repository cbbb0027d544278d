"""The list of QR codes, the dialog that generates more, and a charger's own codes."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from blueprints import access, lists
from blueprints.chargers.detail import frame
from blueprints.database import db
from blueprints.qr_codes import bp
from blueprints.qr_codes.narrowing import narrowed
from blueprints.web import dialog, done, page
from domain import audit, qr_codes, qr_list, station_days
from domain.clock import utcnow
from domain.errors import Refused
from domain.models.stations import Station
from domain.qr_list import View
from domain.rights import Right

VIEW_NAMES = {View.ALL: "All", View.FREE: "Free", View.ASSOCIATED: "Associated"}


class GenerateForm(FlaskForm):
    count = StringField("Number of QR codes", [InputRequired("Say how many.")])


@bp.get("/qr-codes")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """All codes, the newest first."""
    wanted, address = narrowed()
    found = qr_list.page(db.session(), current_user.operator_id, wanted, lists.text("cursor", 500), lists.size())
    return page(
        "qr_codes/list.html",
        "qr_codes/_list.html",
        found=found,
        wanted=wanted,
        list=address,
        counts=qr_list.counts(db.session(), current_user.operator_id, wanted),
        up_to=qr_list.COUNT_UP_TO,
        view_names=VIEW_NAMES,
        stations=db.session.scalars(access.own(Station).order_by(Station.name)).all(),
        now=utcnow(),
        zone=station_days.operator_zone(db.session, current_user.operator_id),
    )


@bp.route("/qr-codes/generate", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def generate() -> ResponseReturnValue:
    """More codes, bound to nothing yet."""
    form = GenerateForm() if request.method == "POST" else GenerateForm(formdata=None, count="10")
    if form.validate_on_submit():
        now, text = utcnow(), form.count.data.strip()
        try:
            count = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
            qr_codes.make(db.session(), current_user.operator_id, count, now=now)
        except Refused as refusal:
            form.count.errors = [str(refusal)]
        else:
            operator_id, by = current_user.operator_id, current_user.email
            audit.record(
                db.session(), "generated", "qr_code", "several", operator_id=operator_id, by=by, now=now, count=count
            )
            db.session.commit()
            made = url_for("qr_codes.index", view="free", made=now.isoformat())
            return done(made, "1 QR code is generated." if count == 1 else f"{count:,} QR codes are generated.")
    return dialog("qr_codes/_generate.html", 422 if form.errors else 200, title="Generate QR code", form=form)


@bp.get("/chargers/<device_id>/qr-codes")
@access.require(Right.STATIONS, read=True)
def of_charger(device_id: str) -> ResponseReturnValue:
    """The codes that lead to one charger."""
    charger, now = access.charger_or_404(device_id), utcnow()
    codes = qr_codes.all_of_charger(db.session(), charger)
    return page("qr_codes/of_charger.html", codes=codes, **frame(charger, "QR codes", now))
