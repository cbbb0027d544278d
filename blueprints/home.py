"""The address without a path: each role lands on its own first page."""

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from blueprints import access, navigation
from blueprints.web import page

bp = Blueprint("home", __name__)


@bp.get("/")
@access.signed_in
def index() -> ResponseReturnValue:
    """The first page that this role may open."""
    sections = navigation.sections()
    if sections:
        return redirect(sections[0].links[0].url, 303)
    return page("home/nothing.html")
