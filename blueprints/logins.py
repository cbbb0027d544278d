"""Account -> Where you are signed in: each browser, and the end of each."""

import re

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access
from blueprints.database import db
from blueprints.web import page
from domain import audit, logins, station_days
from domain.clock import utcnow
from domain.models.operators import LoginSession

bp = Blueprint("logins", __name__)

# The first that fits: browsers name those they descend from, too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@bp.get("/signed-in")
@access.signed_in
def index() -> ResponseReturnValue:
    """Every browser in which this person is signed in."""
    operator_id = current_user.operator_id
    return page(
        "logins/list.html",
        logins=logins.living(db.session(), current_user.id, utcnow()),
        device=device,
        zone=station_days.operator_zone(db.session(), operator_id) if operator_id else "UTC",
    )


@bp.post("/signed-in/<int:login_id>/end")
@access.signed_in
def end(login_id: int) -> ResponseReturnValue:
    """That browser is signed out."""
    logins.end_own(db.session(), current_user.id, login_id, utcnow())
    _record("browser signed out")
    db.session.commit()
    flash("That browser is signed out.")
    return redirect(url_for("logins.index"), 303)


@bp.post("/signed-in/end-others")
@access.signed_in
def end_others() -> ResponseReturnValue:
    """Only this browser stays signed in."""
    logins.end_others(db.session(), current_user.id, current_user.login_id, utcnow())
    _record("other browsers signed out")
    db.session.commit()
    flash("All your other browsers are signed out.")
    return redirect(url_for("logins.index"), 303)


def device(login: LoginSession) -> tuple[str, str]:
    """What kind of device it is, and its icon.

    >>> device(LoginSession(user_agent="Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"))
    ('Firefox on Windows', 'world')
    """
    text = login.user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in text), None)
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    words = " on ".join(name for name in (browser, system) if name)
    is_small = re.search(r"iPhone|iPad|Android|Mobile", text)
    return words or "Unknown device", "device-ipad" if is_small else "world"


def _record(verb: str) -> None:
    user = current_user.user
    audit.record(db.session(), verb, "user_account", user.id, operator_id=user.operator_id, by=user.email, now=utcnow())
