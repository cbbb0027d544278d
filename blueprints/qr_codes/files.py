"""Download QR code: many at once as label sheet or ZIP; over two hundred become a job."""

import io

from flask import current_app, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice

from blueprints import access
from blueprints.database import db
from blueprints.qr_codes import bp
from blueprints.qr_codes.narrowing import narrowed
from blueprints.web import dialog, done
from domain import qr_files, qr_labels, qr_list
from domain.clock import utcnow
from domain.errors import Refused
from domain.models.chargers import QrCode
from domain.qr_files import Order
from domain.rights import Right


class DownloadForm(FlaskForm):
    kind = RadioField(
        "As",
        choices=[
            SelectChoice("labels", "Label sheet, PDF to print"),
            SelectChoice("png", "Pictures, PNG in a ZIP file"),
            SelectChoice("svg", "Pictures, SVG in a ZIP file"),
        ],
        default="labels",
    )
    size = RadioField(
        "Labels",
        choices=[SelectChoice(key, size.name) for key, size in qr_labels.SIZES.items()],
        default=next(iter(qr_labels.SIZES)),
    )
    start = StringField("First label at position", default="1")


@bp.route("/qr-codes/download", methods=["GET", "POST"])
@access.require(Right.STATIONS, read=True)
def download() -> ResponseReturnValue:
    """The picked codes, or all that the filter keeps, as one file."""
    wanted, address = narrowed()
    picked = request.values.getlist("pick")[: qr_files.MOST]
    code_ids = (
        _ids(picked) if picked else qr_list.ids(db.session(), current_user.operator_id, wanted, qr_files.MOST + 1)
    )
    form = DownloadForm() if request.method == "POST" and "kind" in request.form else DownloadForm(formdata=None)
    if "kind" in request.form and form.validate_on_submit():
        text = (form.start.data or "1").strip()
        start = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
        order = Order(form.kind.data, public_url(), form.size.data, start)
        try:
            qr_files.check(order, len(code_ids))
        except Refused as refusal:
            blamed = form.start if any(name == "start" for name, _ in refusal.errors) else form.kind
            blamed.errors = [str(refusal)]
        else:
            return _made(order, code_ids)
    context = {"form": form, "count": len(code_ids), "picked": picked, "list": address, "most": qr_files.MOST}
    return dialog("qr_codes/_download.html", 422 if form.errors else 200, title="download QR code", **context)


def _made(order: Order, code_ids: list[int]) -> ResponseReturnValue:
    operator_id = current_user.operator_id
    if len(code_ids) > qr_files.MOST_AT_ONCE:
        job = qr_files.queue(
            db.session(), order, code_ids, operator_id=operator_id, by=current_user.email, now=utcnow()
        )
        db.session.commit()
        return done(url_for("jobs.detail", job_id=job.id), f"{len(code_ids):,} codes are being drawn.")
    labels = qr_files.labels_of(db.session(), code_ids, operator_id, order.public_url)
    db.session.rollback()  # drawing takes a while: nobody waits for our lock meanwhile
    name, content_type = qr_files.file_name(order.kind)
    content = io.BytesIO(qr_files.made(order, labels))
    return send_file(content, mimetype=content_type, as_attachment=True, download_name=name)


def _ids(picked: list[str]) -> list[int]:
    return sorted(db.session.scalars(access.own(QrCode).where(QrCode.code.in_(picked)).with_only_columns(QrCode.id)))


def public_url() -> str:
    """What every code's address begins with."""
    return str(current_app.extensions["settings"].public_url)
