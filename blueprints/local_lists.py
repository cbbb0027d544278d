"""Charger -> local list: version here and there, what is missing, sync now or by itself; and its uploads."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access
from blueprints.chargers.detail import frame
from blueprints.database import db
from blueprints.sidecar import ring
from blueprints.web import done, page
from domain import audit, commands, configuration, local_lists
from domain.clock import utcnow
from domain.models.chargers import Charger
from domain.rights import Right

bp = Blueprint("local_lists", __name__)

MOST_SHOWN = 200


@bp.get("/chargers/<device_id>/local-list")
@access.require(Right.STATIONS, read=True)
def of_charger(device_id: str) -> ResponseReturnValue:
    """The list of cards that this charger keeps."""
    return page("local_lists/of_charger.html", "local_lists/_state.html", **_shown(access.charger_or_404(device_id)))


@bp.get("/chargers/<device_id>/local-list/live")
@access.require(Right.STATIONS, read=True)
def live(device_id: str) -> ResponseReturnValue:
    """How far the sync is."""
    return render_template("local_lists/_state.html", **_shown(access.charger_or_404(device_id)))


def _shown(charger: Charger) -> dict[str, Any]:
    found = local_lists.look(db.session(), charger)
    difference = local_lists.difference(db.session(), charger)
    features = configuration.features(db.session(), charger.id)
    return {
        "found": found,
        "difference": difference,
        "held": len(difference.wanted) - len(difference.missing) + len(difference.extra),
        "changes": [
            *((tag, "is missing") for tag in difference.missing),
            *((tag, "has changed") for tag in difference.changed),
            *((tag, "is to go") for tag in difference.extra),
        ][:MOST_SHOWN],
        "is_moving": local_lists.is_going_on(db.session(), found),
        "most": configuration.whole(db.session(), charger.id, "LocalAuthListMaxLength"),
        "part": configuration.whole(db.session(), charger.id, "SendLocalListMaxLength"),
        "lacks": features is not None and "localauthlistmanagement" not in features,
        **frame(charger, "OCPP Manage Service", utcnow()),
    }


@bp.post("/chargers/<device_id>/local-list/<any(sync, full, version, keep, leave):verb>")
@access.require(Right.CONFIGURE)
def change(device_id: str, verb: str) -> ResponseReturnValue:
    """Sync now, in whole or what is missing; ask for the version; keep in step or not."""
    charger, now, by = access.charger_or_404(device_id), utcnow(), current_user.email
    here = url_for("local_lists.of_charger", device_id=device_id)
    if verb in ("keep", "leave"):
        local_lists.keep_in_step(db.session(), charger, verb == "keep")
        audit.record(
            db.session(), "kept in step" if verb == "keep" else "no longer kept in step", "local_list", charger.id,
            operator_id=charger.operator_id, by=by, now=now,
        )  # fmt: skip
        said = (
            "Changes of cards are sent by themselves from now on." if verb == "keep" else "Nothing is sent by itself."
        )
    elif verb == "version":
        commands.queue(db.session(), charger, local_lists.ASK_VERSION, {}, by=by, now=now)
        said = "The charger is asked for its version."
    else:
        sent = local_lists.sync(db.session(), charger, by=by, now=now, is_full=verb == "full")
        said = "The list is on its way." if sent else "The charger has every card already."
    db.session.commit()
    ring()
    return done(here, said)


@bp.get("/chargers/<device_id>/local-list/cards")
@access.require(Right.STATIONS, read=True)
def cards(device_id: str) -> ResponseReturnValue:
    """Every card that the charger has accepted."""
    charger = access.charger_or_404(device_id)
    text = request.args.get("q", "")[:40].strip().upper()
    held = [each for each in local_lists.held(db.session(), charger.id) if text in each.id_tag.upper()]
    return page(
        "local_lists/cards.html",
        "local_lists/_cards.html",
        held=held[:MOST_SHOWN],
        count=len(held),
        most=MOST_SHOWN,
        text=request.args.get("q", "")[:40],
        **frame(charger, "OCPP Manage Service", utcnow()),
    )
