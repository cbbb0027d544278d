"""Query parameters: what a list may be asked for."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import request

from blueprints.api import cursors, values
from domain.errors import Refused
from domain.tariffs.fields import Fields

LONGEST = 500
MOST_ON_A_PAGE, USUAL_ON_A_PAGE = 200, 50


class InvalidQuery(Refused):
    """The address asks for something that this call does not know."""


@dataclass(frozen=True)
class Parameter:
    """One query parameter; `read` raises ValueError with a sentence for what it refuses."""

    name: str
    about: str
    schema: dict[str, Any]
    read: Callable[[str], Any]
    default: Any = None


def read(list_name: str, known: Iterable[Parameter]) -> dict[str, Any]:
    """The values of all known parameters, `None` or the default where one is absent or empty.

    Raises:
        InvalidQuery: naming every parameter that is wrong.
    """
    by_name = {parameter.name: parameter for parameter in known}
    errors = [(name, "This parameter is not known here.") for name in request.args if name not in by_name]
    found: dict[str, Any] = {}
    for name, parameter in by_name.items():
        given = request.args.getlist(name)
        try:
            found[name] = _one(parameter, given, list_name)
        except ValueError as error:
            errors.append((name, str(error)))
    if errors:
        raise InvalidQuery("The query is not what this call takes. " + ": ".join(errors[0]), errors)
    return found


def refuse_all() -> None:
    """
    Raises:
        InvalidQuery: there is any parameter.
    """
    if request.args:
        read("", ())


def _one(parameter: Parameter, given: list[str], list_name: str) -> Any:
    if len(given) > 1:
        raise ValueError("Give this once.")
    if not given or not given[0]:
        return parameter.default
    if len(given[0]) > LONGEST or not given[0].isprintable():
        raise ValueError(f"Use up to {LONGEST} printable characters.")
    if parameter is CURSOR:
        return cursors.read(list_name, given[0])
    return parameter.read(given[0])


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= MOST_ON_A_PAGE:
        raise ValueError(f"This must be a whole number from 1 to {MOST_ON_A_PAGE}.")
    return int(text)


def _moment(text: str) -> Any:
    fields = Fields()
    # A plus sign that was not escaped arrives as a space.
    moment = fields.moment(text.replace(" ", "+"), "")
    if moment is None:
        raise ValueError(fields.errors[0][1])
    return moment


def text(name: str, about: str) -> Parameter:
    """A filter by an id or name; what does not exist finds nothing."""
    return Parameter(name, about, {"type": "string", "maxLength": LONGEST}, str)


def row(name: str, about: str) -> Parameter:
    """A filter by the id of a row; an id that no row can have finds nothing."""
    return Parameter(name, about, {"type": "string", "maxLength": LONGEST}, values.number_in_filter)


def choice(name: str, about: str, words: Iterable[str]) -> Parameter:
    """A filter by one of these words, or members of an enum."""
    known = {str(word): word for word in words}

    def read_word(given: str) -> str:
        if given not in known:
            raise ValueError(f"This must be {' or '.join(known)}.")
        return known[given]

    return Parameter(name, about, {"type": "string", "enum": list(known)}, read_word)


def seconds(name: str, about: str, most: int) -> Parameter:
    """A time to wait, fractions allowed."""

    def read_seconds(given: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,30})?", given) or float(given) > most:
            raise ValueError(f"This must be a number of seconds from 0 to {most}.")
        return float(given)

    return Parameter(name, about, {"type": "number", "minimum": 0, "maximum": most, "default": 0}, read_seconds, 0.0)


LIMIT = Parameter(
    "limit",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": USUAL_ON_A_PAGE},
    _limit,
    USUAL_ON_A_PAGE,
)
CURSOR = Parameter("cursor", "`next_cursor` of the page before.", {"type": "string", "maxLength": LONGEST}, str)
SINCE = Parameter("since", "At this time or later.", {"type": "string", "format": "date-time"}, _moment)
UNTIL = Parameter("until", "Before this time.", {"type": "string", "format": "date-time"}, _moment)
DEVICE = text("device_id", "Of this charger.")
STATION = row("station_id", "Of this station.")
PAGING = (LIMIT, CURSOR)
PERIOD = (SINCE, UNTIL)
