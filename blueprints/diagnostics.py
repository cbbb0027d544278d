"""Charger -> diagnostics: what it was asked to upload, and what came."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access
from blueprints.database import db
from blueprints.files import send, store
from blueprints.web import done
from domain import audit, diagnostics
from domain.clock import utcnow
from domain.errors import NotFound
from domain.models.chargers import Charger
from domain.models.diagnostics import DiagnosticsUpload
from domain.rights import Right

bp = Blueprint("diagnostics", __name__)


@bp.get("/chargers/<device_id>/diagnostics")
@access.require(Right.STATIONS, read=True)
def live(device_id: str) -> ResponseReturnValue:
    """The uploads of one charger, live while one is under way."""
    charger, now = access.charger_or_404(device_id), utcnow()
    return render_template("diagnostics/_uploads.html", charger=charger, now=now, **about(charger))


def about(charger: Charger) -> dict[str, Any]:
    """What the list of uploads needs."""
    now = utcnow()
    return {
        "uploads": diagnostics.of_charger(db.session(), charger.id, 6),
        "upload_words": lambda upload: diagnostics.sentence(upload, now),
    }


@bp.get("/chargers/<device_id>/diagnostics/<int:upload_id>/file")
@access.require(Right.CONFIGURE)
def file(device_id: str, upload_id: int) -> ResponseReturnValue:
    """The file that came, as a download only."""
    upload = _upload_or_404(device_id, upload_id)
    return send(upload.stored_file)


@bp.post("/chargers/<device_id>/diagnostics/<int:upload_id>/delete")
@access.require(Right.CONFIGURE)
def delete(device_id: str, upload_id: int) -> ResponseReturnValue:
    """The file is gone."""
    upload = _upload_or_404(device_id, upload_id)
    diagnostics.delete(db.session(), store(), upload)
    audit.record(
        db.session(), "deleted", "diagnostics_upload", upload.id,
        operator_id=upload.operator_id, by=current_user.email, now=utcnow(),
    )  # fmt: skip
    db.session.commit()
    return done(url_for("chargers.commands", device_id=device_id), "The file is deleted.")


def _upload_or_404(device_id: str, upload_id: int) -> DiagnosticsUpload:
    charger = access.charger_or_404(device_id)
    upload = access.own_or_404(DiagnosticsUpload, "upload", id=upload_id, charger_id=charger.id)
    if upload is None:
        raise NotFound("There is no such upload.")
    return upload
