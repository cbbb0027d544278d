"""How a person likes it: light or dark, and whether the / key leads to the search field. Kept in cookies."""

from flask import Blueprint, Response, abort, current_app, redirect, request
from flask.typing import ResponseReturnValue

from blueprints import access, addresses

bp = Blueprint("preferences", __name__)
YEAR_S = 31_536_000
THEMES = ("light", "dark")


def theme_now() -> str | None:
    """light or dark as chosen, None for the system's setting."""
    chosen = request.cookies.get("theme")
    return chosen if chosen in THEMES else None


def keys_on() -> bool:
    return request.cookies.get("keys") != "off"


@bp.post("/theme")
@access.public
def theme() -> ResponseReturnValue:
    """Light or dark from now on."""
    if request.form.get("theme") not in THEMES:
        abort(400)
    return remember("theme", request.form["theme"])


@bp.post("/keys")
@access.public
def keys() -> ResponseReturnValue:
    """The / key on or off."""
    return remember("keys", "off" if request.form.get("keys") == "off" else "on")


def remember(name: str, value: str) -> Response:
    """That cookie is kept for a year, and the person is back where the form was."""
    response = redirect(addresses.safe(request.form.get("next")), 303)
    is_secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(name, value, max_age=YEAR_S, secure=is_secure, samesite="Lax")  # app.js sets it too
    return response
