"""Where chargers upload to: one address for one file, known to one charger. Public, for the address is the key."""

from io import BytesIO
from typing import BinaryIO

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints import access
from blueprints.database import db
from blueprints.files import store
from blueprints.limits import limiter
from domain import diagnostics
from domain.clock import utcnow
from domain.diagnostics import QuotaExceeded
from domain.errors import DomainError, NotFound
from domain.files import TooLarge, Written, safe_name

bp = Blueprint("uploads", __name__)
access.public_blueprint(bp)

MULTIPART_EXTRA_BYTES = 64 * 1024  # headers and other fields beside the file


@bp.route("/up/<key>", methods=["PUT", "POST"])
@bp.route("/up/<key>/", methods=["PUT", "POST"], endpoint="receive_in_folder")
@bp.route("/up/<key>/<path:name>", methods=["PUT", "POST"], endpoint="receive_named")
@limiter.limit("120/minute")
def receive(key: str, name: str | None = None) -> Response:
    """A charger's file, raw or as a form. Many take the address for a folder and add a name, even without a slash."""
    secret, added = key[: diagnostics.SECRET_LENGTH], key[diagnostics.SECRET_LENGTH :]
    try:
        diagnostics.check(db.session(), secret, utcnow())
        # Neither a slow charger nor a large file must hold the database.
        db.session.rollback()
        source, sent_name = _body()
        written = store().write(source, diagnostics.MOST_BYTES)
        _keep(secret, written, name or added or sent_name)
    except DomainError as refusal:
        db.session.rollback()
        return _told(str(refusal), _status(refusal))
    return _told("Received.", 201)


def _body() -> tuple[BinaryIO, str | None]:
    """What came, and the name that came with it, if any did."""
    request.max_content_length = diagnostics.MOST_BYTES + MULTIPART_EXTRA_BYTES
    if request.mimetype != "multipart/form-data":
        return request.stream, None  # type: ignore[return-value]
    sent = next(iter(request.files.values()), None)
    return (sent.stream, sent.filename) if sent else (BytesIO(), None)  # type: ignore[return-value]


def _keep(secret: str, written: Written, name: str | None) -> None:
    named = safe_name(name) if name else None
    try:
        diagnostics.receive(db.session(), store(), secret, written, named, utcnow())
        db.session.commit()
    except BaseException:
        store().drop(written)
        raise


def _status(refusal: DomainError) -> int:
    if isinstance(refusal, NotFound):
        return 404
    if isinstance(refusal, TooLarge):
        return 413
    return 507 if isinstance(refusal, QuotaExceeded) else 422


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    db.session.rollback()
    return _told(str(TooLarge(diagnostics.MOST_BYTES)), 413)


def _told(sentence: str, status: int) -> Response:
    return Response(sentence + "\n", status, content_type="text/plain; charset=utf-8")
