"""Who is asking, what they may open, and which rows are theirs. Views without a declaration answer 403.

A view says `@access.require(Right.STATIONS, read=True)`, `@access.signed_in` or `@access.public`; blueprints that check
their callers themselves (the API with its keys) say `access.public_blueprint(bp)`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from flask import Blueprint, Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import Select, select

from blueprints.database import db
from domain import rights
from domain.errors import NotFound
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.commands import Command
from domain.models.orders import Order
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.rights import Right

View = TypeVar("View", bound=Callable[..., Any])
Row = TypeVar("Row")

# What a person may open whose role asks for a second factor, until there is one.
BEFORE_SECOND_FACTOR = {"second_factor.index", "second_factor.begin", "second_factor.confirm", "auth.sign_out"}


class Requirement(NamedTuple):
    """What a view asks for; `right` None means any signed-in person."""

    is_public: bool = False
    right: Right | None = None
    is_read: bool = False


PUBLIC = Requirement(is_public=True)
PUBLIC_BLUEPRINTS: set[str] = set()
# What a person with a one-time password may open before choosing their own.
BEFORE_NEW_PASSWORD = {"auth.password", "auth.password_change", "auth.sign_out"}


def public(view: View) -> View:
    """Strangers may open this."""
    return _declare(view, PUBLIC)


def signed_in(view: View) -> View:
    """Everybody who signed in may open this."""
    return _declare(view, Requirement())


def require(right: Right, *, read: bool = False) -> Callable[[View], View]:
    """Roles with that right may open this; with `read` also those who only read."""
    return lambda view: _declare(view, Requirement(right=right, is_read=read))


def public_blueprint(bp: Blueprint) -> None:
    """The blueprint's views check their callers themselves."""
    PUBLIC_BLUEPRINTS.add(bp.name)


def _declare(view: View, requirement: Requirement) -> View:
    view.requirement = requirement  # type: ignore[attr-defined]
    return view


def requirement_of(app: Flask, endpoint: str) -> Requirement | None:
    """What that endpoint asks for, or None when nobody declared it."""
    if endpoint == "static" or endpoint.split(".")[0] in PUBLIC_BLUEPRINTS:
        return PUBLIC
    return getattr(app.view_functions[endpoint], "requirement", None)


def is_met(requirement: Requirement | None) -> bool:
    """Whether the present person meets it."""
    if requirement is None:
        return False
    if requirement.is_public:
        return True
    if not current_user.is_authenticated:
        return False
    if requirement.right is None:
        return True
    allowed = rights.may_see if requirement.is_read else rights.may
    return allowed(current_user.role, requirement.right)


def may(right: Right, read: bool = False) -> bool:
    """For templates: whether to show the button."""
    return is_met(Requirement(right=right, is_read=read))


def init_app(app: Flask) -> None:
    app.before_request(check)
    app.jinja_env.globals.update(may=may, Right=Right)


def check() -> ResponseReturnValue | None:
    """Strangers go to the sign-in page, people without the right are refused."""
    if request.endpoint is None:
        return None  # the 404 page
    requirement = requirement_of(current_app, request.endpoint)
    if requirement is not None and requirement.is_public:
        return None
    if not current_user.is_authenticated:
        return current_app.login_manager.unauthorized()
    if current_user.must_change_password and request.endpoint not in BEFORE_NEW_PASSWORD:
        return redirect(url_for("auth.password"), 303)
    if request.endpoint not in BEFORE_SECOND_FACTOR | BEFORE_NEW_PASSWORD and current_user.lacks_second_factor:
        return redirect(url_for("second_factor.index"), 303)
    if not is_met(requirement):
        abort(403)
    return None


# --- One row, or 404 -----------------------------------------------------------------------------------------


def own(model: type[Row]) -> Select[tuple[Row]]:
    """All rows of the present person's operator; none for people without one. Start every list from this."""
    return select(model).where(model.operator_id == current_user.operator_id)  # type: ignore[attr-defined]


def own_or_404(model: type[Row], noun: str, **values: Any) -> Row:
    """The operator's row with those values; a foreign one is as unknown as a missing one."""
    row = db.session.scalar(own(model).filter_by(**values))
    if row is None:
        raise NotFound(f"There is no such {noun}.")
    return row


def station_or_404(station_id: int) -> Station:
    return own_or_404(Station, "charging station", id=station_id)


def charger_or_404(device_id: str) -> Charger:
    return own_or_404(Charger, "charger", device_id=device_id)


def charging_session_or_404(charging_session_id: int) -> ChargingSession:
    return own_or_404(ChargingSession, "session", id=charging_session_id)


def order_or_404(number: str) -> Order:
    return own_or_404(Order, "order", number=number)


def tariff_or_404(tariff_id: int) -> Tariff:
    return own_or_404(Tariff, "price list", id=tariff_id)


def command_or_404(command_id: int) -> Command:
    command = db.session.scalar(
        select(Command).join(Charger).where(Command.id == command_id, Charger.operator_id == current_user.operator_id)
    )
    if command is None:
        raise NotFound("There is no such command.")
    return command
