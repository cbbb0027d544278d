"""Which columns of a big list a person wants to see. Kept in a cookie, as other preferences of theirs.

The list is served whole and its table's class hides columns, so that live cells find their places. Columns are counted
from the end of a row, since the box to tick at its beginning is not there for everybody.
"""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from blueprints import access, preferences

bp = Blueprint("columns", __name__)
COOKIE = "columns"
# List -> (heading, its place from the end of the row) of those that may be hidden.
LISTS = {
    "chargers": (
        ("Charging station", 8),
        ("Status", 7),
        ("Connectors", 6),
        ("Power, last hour", 5),
        ("Now", 4),
        ("Firmware", 3),
        ("Last seen", 2),
    ),
    "sessions": (("Charger", 6), ("Started by", 5), ("Duration", 4), ("Energy", 3), ("Amount", 2), ("Status", 1)),
    "billings": (
        ("Paid with", 7),
        ("Charging station", 6),
        ("Energy", 5),
        ("Amount", 4),
        ("Payment", 3),
        ("Refund Status", 2),
    ),
    "stations": (("Chargers", 5), ("Price now", 4), ("Business hours now", 3), ("Payments", 2)),
}


def hidden(name: str) -> frozenset[int]:
    """The places of that list's columns that are not to be seen."""
    places = {str(place) for _, place in LISTS[name]}
    kept = dict(part.partition(":")[::2] for part in request.cookies.get(COOKIE, "").split("|"))
    return frozenset(int(place) for place in kept.get(name, "").split(".") if place in places)


def table_class(name: str) -> str:
    """The words in the table's class that hide them."""
    return "".join(f" hide-{place}" for place in sorted(hidden(name)))


@bp.post("/columns")
@access.signed_in
def choose() -> ResponseReturnValue:
    """Those columns are shown from now on."""
    name = request.form.get("list", "")
    if name not in LISTS:
        abort(400)
    shown = set(request.form.getlist("show"))
    now_hidden = {each: hidden(each) for each in LISTS}
    now_hidden[name] = frozenset(place for _, place in LISTS[name] if str(place) not in shown)
    text = "|".join(f"{each}:{'.'.join(map(str, sorted(places)))}" for each, places in now_hidden.items() if places)
    return preferences.remember(COOKIE, text)
