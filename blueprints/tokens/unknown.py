"""Cards that were shown to a charger and that nobody knows: one step gives one to a person."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, lists
from blueprints.database import db
from blueprints.tokens import bp
from blueprints.tokens.cards import frame
from blueprints.web import done, page
from domain import sightings
from domain.errors import NotFound
from domain.rights import Right


@bp.get("/cards/unknown", endpoint="unknown")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """The tags that nobody knows, the latest first."""
    text = lists.text("q")
    found = sightings.unknown(db.session, current_user.operator_id, text, lists.text("cursor", 500), lists.size())
    address = lists.Address("tokens.unknown", {"q": text, "size": lists.size_in_address()})
    return page(
        "tokens/unknown.html", "tokens/_unknown.html", found=found, text=text, list=address, **frame("Unknown cards")
    )


@bp.post("/cards/<uid:uid>/forget")
@access.require(Right.STATIONS)
def forget(uid: str) -> ResponseReturnValue:
    """The tag leaves the list until it is shown again."""
    seen = sightings.find_unknown(db.session, current_user.operator_id, uid)
    if seen is None:
        raise NotFound("There is no such card.")
    sightings.forget(db.session, seen)
    db.session.commit()
    return done(url_for("tokens.unknown"), "It is off the list until it is shown again.")
