"""The set-up checklist of a station: what is still to do, and where."""

from typing import NamedTuple

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, navigation
from blueprints.database import db
from blueprints.web import done
from domain import setup
from domain.clock import utcnow
from domain.models.station_checks import CheckedStep
from domain.models.stations import Station
from domain.rights import Right
from domain.setup import SetUp, Step
from domain.station_list import StationRow

bp = Blueprint("setup", __name__)


class Words(NamedTuple):
    """A step as people read it."""

    title: str
    missing: str  # what to do
    pages: tuple[str, ...]  # where it is done: the first one that is open
    checked: str = ""  # what the button says that a person can press


WORDS = {
    Step.LOCATION: Words(
        "Location checked",
        "Look at latitude and longitude on the map: drivers are sent there.",
        ("station_map.index", "stations.edit"),
        "The position is right",
    ),
    Step.HOURS: Words(
        "Business hours",
        "Say when drivers can charge, or that it is around the clock.",
        ("hours.index",),
        "Open around the clock",
    ),
    Step.PRICES: Words(
        "Prices", "Add a price under Electricity management. Without one nothing can be billed.", ("electricity.index",)
    ),
    Step.QR_CODES: Words(
        "QR codes bound",
        "Add chargers and bind their QR codes.",
        ("qr_codes.index", "devices.index", "stations.chargers"),
    ),
    Step.PAYMENT_SYSTEM: Words("Payment System chosen", "Choose where drivers' money goes.", ("payment_system.index",)),
    Step.TEST_CHARGE: Words("First test charge", "Charge once, with a card or as a driver.", ("stations.chargers",)),
}


class Line(NamedTuple):
    """One step as it is shown."""

    title: str
    text: str
    is_done: bool
    url: str | None
    check: str | None  # the button of a person who looked at it
    step: Step


def lines(row: StationRow) -> list[Line]:
    """The station's checklist."""
    return [_line(row.station, each) for each in setup.steps(db.session, row)]


def short(rows: list[StationRow]) -> list[tuple[StationRow, int, Line]]:
    """For the overview: stations where nobody has paid yet, with steps done and the next one."""
    shown = []
    for row, steps in setup.unfinished(db.session, rows):
        missing = [each for each in steps if not each.is_done]
        if missing:
            shown.append((row, len(steps) - len(missing), _line(row.station, missing[0])))
    return shown


@bp.post("/stations/<int:station_id>/setup/<any(location, hours):step>")
@access.require(Right.STATIONS)
def check(station_id: int, step: str) -> ResponseReturnValue:
    """Somebody looked at it and found it right."""
    station = access.station_or_404(station_id)
    setup.check(db.session, station, CheckedStep(step), by=current_user.email, now=utcnow())
    db.session.commit()
    return done(url_for("stations.detail", station_id=station.id), "Noted.")


def _line(station: Station, each: SetUp) -> Line:
    words = WORDS[each.step]
    page = next((name for name in words.pages if navigation.is_open(name)), None)
    is_list = page in ("qr_codes.index", "devices.index")
    url = url_for(page, **({} if is_list else {"station_id": station.id})) if page else None
    may_check = each.may_check and access.may(Right.STATIONS)
    return Line(words.title, _text(each, words), each.is_done, url, words.checked if may_check else None, each.step)


def _text(each: SetUp, words: Words) -> str:
    if each.step == Step.LOCATION:
        return (
            f"{each.text}{'' if each.is_done else '. ' + words.missing}" if each.text else "Set latitude and longitude."
        )
    if not each.is_done:
        return words.missing
    if each.step == Step.QR_CODES:
        return f"{each.text} associated"
    return (
        each.text
        if each.step in (Step.PRICES, Step.PAYMENT_SYSTEM)
        else "Seen"
        if each.step == Step.TEST_CHARGE
        else "Set"
    )
