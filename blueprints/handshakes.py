"""Interoperability -> Connection doctor: every attempt of a charger to connect, and what to change if refused."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, lists
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.waiting import LOOKS, waiting
from blueprints.web import page, wants_fragment
from domain import handshake_list, station_days
from domain.clock import utcnow
from domain.handshake_list import Filter
from domain.models.chargers import Handshake, HandshakeOutcome
from domain.rights import Right

bp = Blueprint("handshakes", __name__)


class View(StrEnum):
    """The saved views."""

    ALL = "all"
    REFUSED = "refused"


class Words(NamedTuple):
    """An outcome as people read it, and what to change."""

    name: str
    advice: str


VIEW_NAMES = {View.ALL: "All", View.REFUSED: "Refused"}
OUTCOMES = {
    HandshakeOutcome.ACCEPTED: Words("Connected", ""),
    HandshakeOutcome.UNKNOWN_CHARGER: Words(
        "Unknown device id",
        "No charger in use has this device id. Add it, bring it back if it is retired, or correct the id in the "
        "charger; capitals and small letters differ.",
    ),
    HandshakeOutcome.WRONG_PASSWORD: Words(
        "Wrong password", "The password is not this charger's. Enter it in the charger again, or give it a new one."
    ),
    HandshakeOutcome.NO_PASSWORD: Words(
        "No password", "In the charger switch on HTTP Basic authentication (security profile 1) and enter its password."
    ),
    HandshakeOutcome.WRONG_USER: Words(
        "Wrong user name", "In the charger set the user name to its device id, capitals and small letters alike."
    ),
    HandshakeOutcome.BAD_IDENTITY: Words(
        "No device id in the address", "Set the charger's address to {address}/ with its device id at the end."
    ),
    HandshakeOutcome.NO_SUBPROTOCOL: Words(
        "No OCPP version offered",
        "Set the charger to OCPP 1.6 JSON. One that cannot say so may be let in: accepts_no_subprotocol in the API.",
    ),
    HandshakeOutcome.UNKNOWN_VERSION: Words(
        "OCPP version not spoken here", "Set the charger to OCPP 1.6 JSON; it offers only {offered}."
    ),
    HandshakeOutcome.WRONG_PROFILE: Words(
        "TLS needed", "This charger's security profile asks for TLS. Give it the address that begins with wss."
    ),
    HandshakeOutcome.RATE_LIMITED: Words(
        "Too many attempts", "It failed too often within a minute. Mend what was refused before, then wait a minute."
    ),
}


@bp.get("/handshakes")
@access.require(Right.HANDSHAKES, read=True)
@limiter.limit(LOOKS, exempt_when=lambda: "adopt" not in request.args)
def index() -> ResponseReturnValue:
    """All attempts to connect, the latest first."""
    beside = {} if wants_fragment() else waiting()
    return page("handshakes/list.html", "handshakes/_list.html", **beside | _shown(utcnow()))


@bp.get("/handshakes/live")
@access.require(Right.HANDSHAKES, read=True)
def live() -> ResponseReturnValue:
    """The first page's rows if they changed; `version` says what is shown. Later pages only hear the time."""
    context = _shown(utcnow())
    is_changed = "cursor" not in request.args and request.args.get("version") != context["version"]
    return render_template("handshakes/_live.html", is_changed=is_changed, **context)


def _shown(now: datetime) -> dict[str, Any]:
    view, outcome = lists.choice("view", View, View.ALL), lists.choice("outcome", HandshakeOutcome)
    wanted = Filter(is_refused=view == View.REFUSED, outcome=outcome, text=lists.text("q"))
    operator_id = None if current_user.role.is_platform else current_user.operator_id
    cursor = lists.text("cursor", 500)
    found = handshake_list.page(db.session, operator_id, wanted, cursor, lists.size())
    values = {
        "view": None if view == View.ALL else view,
        "outcome": outcome,
        "q": wanted.text,
        "size": lists.size_in_address(),
    }
    return {
        "list": lists.Address("handshakes.index", values),
        "cursor": cursor,
        "wanted": wanted,
        "view": view,
        "found": found,
        "version": handshake_list.version(found.rows),
        "view_names": VIEW_NAMES,
        "outcomes": OUTCOMES,
        "advice": advice,
        "is_platform": operator_id is None,
        "now": now,
        "zone": "UTC" if operator_id is None else station_days.operator_zone(db.session, operator_id),
    }


def advice(handshake: Handshake) -> str:
    """What to change, so that the next attempt succeeds."""
    address: str = current_app.extensions["settings"].ocpp_public_url
    offered = ", ".join(handshake.subprotocols)
    return OUTCOMES[handshake.outcome].advice.format(address=address, offered=offered)
