"""Associating many codes from a CSV or XLSX file: a look at every row first."""

import base64
import binascii

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import FileField, HiddenField

from blueprints import access
from blueprints.database import db
from blueprints.qr_codes import bp
from blueprints.web import done, page
from domain import qr_import
from domain.clock import utcnow
from domain.errors import DomainError
from domain.qr_import import Verdict
from domain.rights import Right
from domain.sheets import reading

MOST_SHOWN = 200


class FileForm(FlaskForm):
    file = FileField("CSV or XLSX file")
    # The file as it was looked at: what is confirmed is what was shown.
    looked_at = HiddenField()


@bp.route("/qr-codes/associate-list", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def associate_list() -> ResponseReturnValue:
    """A file with codes and uuids: first the verdict of each row, then the good ones at once."""
    form = FileForm() if request.method == "POST" else FileForm(formdata=None)
    verdicts: list[Verdict] | None = None
    if form.validate_on_submit():
        try:
            data = _data(form)
            # The transaction would hold the database's only write lock while the file is read.
            db.session.rollback()
            rows = reading.read_rows(data, most_rows=qr_import.MOST_ROWS)
            verdicts = qr_import.judged(db.session(), current_user.operator_id, rows)
            if form.looked_at.data:
                count = qr_import.apply(db.session(), verdicts, by=current_user.email, now=utcnow())
                db.session.commit()
                return done(url_for("qr_codes.index", view="associated"), f"{count:,} codes are associated.")
            form.looked_at.data = base64.b64encode(data).decode()
        except DomainError as refusal:
            db.session.rollback()
            form.file.errors = [str(refusal)]
    context = {"form": form, "verdicts": verdicts, "most_shown": MOST_SHOWN}
    context["good"] = sum(not each.problem for each in verdicts or [])
    return page("qr_codes/associate_list.html", "qr_codes/_associate_list.html", 422 if form.errors else 200, **context)


def _data(form: FileForm) -> bytes:
    """Raises: Refused."""
    if form.looked_at.data:
        try:
            return base64.b64decode(form.looked_at.data, validate=True)
        except (binascii.Error, ValueError):
            return b""
    given = form.file.data
    return given.read(reading.MOST_BYTES + 1) if given else b""
