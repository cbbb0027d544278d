"""One QR code: where it leads, where it led, associate UUID, unbind, and its picture."""

import io

from flask import request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import joinedload
from wtforms import FileField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from blueprints import access
from blueprints.database import db
from blueprints.qr_codes import bp
from blueprints.qr_codes.files import public_url
from blueprints.web import dialog, done, page
from domain import qr_codes, qr_files, qr_images, qr_reading, station_days
from domain.clock import utcnow
from domain.errors import DomainError, NotFound
from domain.models.chargers import Charger, QrCode
from domain.qr_codes import HasCodes, Others
from domain.rights import Right


class AssociateForm(FlaskForm):
    uuid = StringField("Charger uuid")
    photo = FileField("Or a photo of the code on the charger")
    connector = StringField("Connector")
    others = RadioField(
        "The code that leads there already",
        choices=[
            SelectChoice("keep", "stays: both lead to the charger"),
            SelectChoice("free", "becomes free for another charger"),
        ],
        validate_choice=False,
    )


@bp.get("/qr-codes/<code>")
@access.require(Right.STATIONS, read=True)
def detail(code: str) -> ResponseReturnValue:
    """One code."""
    found = code_or_404(code)
    return page("qr_codes/detail.html", **about(found))


@bp.route("/qr-codes/<code>/associate", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def associate(code: str) -> ResponseReturnValue:
    """The code leads to the charger with that uuid."""
    found = code_or_404(code)
    form = AssociateForm() if request.method == "POST" else AssociateForm(formdata=None)
    asks_about_others = False
    if form.validate_on_submit():
        try:
            charger = _charger_meant(form)
            plug, others = _plug(form), _others(form)
            qr_codes.associate(db.session(), found, charger, plug, others, by=current_user.email, now=utcnow())
        except HasCodes as refusal:
            db.session.rollback()
            asks_about_others = True
            form.others.errors = [str(refusal)]
        except DomainError as refusal:
            db.session.rollback()
            field = form.connector if any(name == "connector" for name, _ in refusal.errors) else form.uuid
            field.errors = [str(refusal)]
        else:
            db.session.commit()
            where = url_for("qr_codes.detail", code=found.code)
            return done(where, f"{found.code} leads to {charger.label} now.")
    context = {"code": found, "form": form, "asks_about_others": asks_about_others}
    return dialog("qr_codes/_associate.html", 422 if form.errors else 200, title="associate UUID", **context)


@bp.route("/qr-codes/<code>/unbind", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def unbind(code: str) -> ResponseReturnValue:
    """The code leads nowhere until it is associated again."""
    found, form = code_or_404(code), FlaskForm()
    if request.method == "POST" and form.validate_on_submit():
        if found.charger_id is not None:
            qr_codes.unbind(db.session(), found, by=current_user.email, now=utcnow())
            db.session.commit()
        return done(url_for("qr_codes.detail", code=found.code), f"{found.code} is free.")
    return dialog("qr_codes/_unbind.html", title="Unbind QR code", code=found, form=form)


@bp.get("/qr-codes/<code>/picture.<any(png, svg):kind>")
@access.require(Right.STATIONS, read=True)
def picture(code: str, kind: str) -> ResponseReturnValue:
    """The code as PNG or SVG; `?show=1` for the page itself."""
    label = qr_files.label_of(code_or_404(code), public_url())
    content = qr_images.png(label.address) if kind == "png" else qr_images.svg(label.address)
    return send_file(
        io.BytesIO(content),
        mimetype="image/png" if kind == "png" else "image/svg+xml",
        as_attachment="show" not in request.args,
        download_name=f"{qr_files.picture_name(label)}.{kind}",
    )


def code_or_404(code: str) -> QrCode:
    """The operator's code with what it leads to."""
    statement = access.own(QrCode).where(QrCode.code == code.upper())
    found = db.session.scalar(statement.options(joinedload(QrCode.charger).joinedload(Charger.station)))
    if found is None:
        raise NotFound("There is no such QR code.")
    return found


def about(code: QrCode) -> dict[str, object]:
    return {
        "code": code,
        "charger": code.charger,
        "zone": (
            code.charger.station.time_zone
            if code.charger
            else station_days.operator_zone(db.session, current_user.operator_id)
        ),
        "address": f"{public_url()}/c/{code.code}",
        "history": qr_codes.history(db.session(), code),
    }


def _charger_meant(form: AssociateForm) -> Charger:
    """Raises: NotFound, Refused."""
    photo = form.photo.data
    if photo and photo.filename and not (form.uuid.data or "").strip():
        # The transaction would hold the database's only write lock while the photo is read.
        db.session.rollback()
        form.uuid.data = qr_reading.only_text(photo.read())
    typed = (form.uuid.data or "").strip()
    if not typed:
        raise NotFound("Type or paste the charger's uuid, or take a photo of its code.")
    return qr_codes.find_charger(db.session(), current_user.operator_id, typed[:300])


def _plug(form: AssociateForm) -> int | None:
    text = (form.connector.data or "").strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _others(form: AssociateForm) -> Others | None:
    return Others(form.others.data) if form.others.data in set(Others) else None
