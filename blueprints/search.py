"""The search field: chargers, stations, orders, sessions, and pages by their label."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, lists, navigation, order_words
from blueprints.database import db
from blueprints.web import page
from domain import search
from domain.clock import utcnow
from domain.rights import Right

bp = Blueprint("search", __name__)


@bp.get("/search")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """What the text may mean."""
    text = lists.text("q")
    found = search.Found()
    if text:
        found = search.find(
            db.session,
            current_user.operator_id,
            text,
            utcnow(),
            with_money=access.may(Right.ORDERS),
            with_drivers=access.may(Right.DRIVER_NAMES),
        )
    pages = [
        link
        for section in navigation.sections()
        for link in section.links
        if text and text.lower() in f"{section.heading or ''} {link.label}".lower()
    ]
    return page("search/index.html", "search/_found.html", text=text, found=found, pages=pages, words=order_words)
