"""What chargers fetch: a release's file, under an address that is dead as soon as the charger's upgrade is over."""

import base64
from threading import BoundedSemaphore

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address

from blueprints import access
from blueprints.database import db
from blueprints.files import send
from blueprints.limits import limiter
from domain import firmware_upgrades, secret_links
from domain.clock import utcnow
from domain.db import writing
from domain.models.firmware import FirmwareUpgrade
from domain.models.secret_links import Purpose

bp = Blueprint("firmware_download", __name__)
access.public_blueprint(bp)  # the secret in the address is the key; no cookie is read

AGAIN_AFTER_S = 30
# Slow lines keep a thread each; pages must find one, too.
# A few more than are asked at once: a place is given back a moment after the charger has its last byte.
_room = BoundedSemaphore(firmware_upgrades.MOST_FETCHING + 8)


def _by_secret() -> str:
    return str((request.view_args or {}).get("secret", ""))[:100]


def _is_guess(response: Response) -> bool:
    return response.status_code == 404


@bp.get("/fw/<secret>/<path:name>")
@limiter.limit("600/minute", key_func=_by_secret)
@limiter.limit("30/minute", key_func=get_remote_address, deduct_when=_is_guess)
def file(secret: str, name: str) -> ResponseReturnValue:  # noqa: ARG001 - the name is for the charger's own folder
    """The file, whole or in ranges, as often as the charger needs while its upgrade is under way."""
    if not _room.acquire(blocking=False):
        return Response("Too many chargers fetch firmware now.", 503, {"Retry-After": str(AGAIN_AFTER_S)})
    try:
        response = send(_opened(secret).release.file)
    except BaseException:
        _room.release()
        raise
    digest = base64.b64encode(bytes.fromhex(response.get_etag()[0] or "")).decode()
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    response.direct_passthrough = False  # else the server takes the bare file, and nobody hears that it is closed
    response.call_on_close(_room.release)
    return response


def _opened(secret: str) -> FirmwareUpgrade:
    now = utcnow()
    if request.method == "HEAD":  # looks, takes nothing
        link = secret_links.find(db.session(), Purpose.FIRMWARE, secret, now)
        return db.session.get_one(FirmwareUpgrade, link.subject_id)
    with writing():
        upgrade = firmware_upgrades.fetch(db.session(), secret, now)
        upgrade.release.file  # noqa: B018 - loaded while the transaction lasts
        db.session.commit()
    return upgrade
