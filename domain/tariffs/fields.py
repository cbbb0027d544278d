"""Reads a JSON body that nobody has checked, and collects everything that is wrong with it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_TOO_LARGE = 10**10
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_MAX_ERRORS = 100
_MAX_NAME = 60


class Fields:
    """One body being read. Every method answers None (or nothing) for what it refuses, and notes why."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def wrong(self, path: str, sentence: str) -> None:
        """The sentence is noted under the path; the hundredth is the last."""
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append((path, sentence))

    def members(self, value: object, path: str, known: frozenset[str] | None = None) -> Mapping[str, Any]:
        """A JSON object, with a complaint for each member that is not known."""
        if not isinstance(value, Mapping):
            self.wrong(path, "This must be an object.")
            return {}
        if known is not None:
            for name in value:
                if name not in known:
                    self.wrong(path, f"Only these members are known here: {', '.join(sorted(known))}.")
                    break
        return value

    def items(self, value: object, path: str, at_most: int, at_least: int = 1) -> Iterator[tuple[str, Any]]:
        """The items of a JSON array, each with its path; none if there are too many or too few."""
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            self.wrong(path, "This must be a list.")
        elif not at_least <= len(value) <= at_most:
            self.wrong(path, f"This list must have {at_least} to {at_most} entries.")
        else:
            yield from ((f"{path}[{position}]", item) for position, item in enumerate(value))

    def decimal(self, value: object, path: str) -> Decimal | None:
        """A number that is not negative: text, or a whole JSON number. JSON fractions are inexact: refused."""
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _TOO_LARGE:
            return Decimal(value)
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            return Decimal(value)
        self.wrong(path, 'This must be a number in quotes such as "0.49", with up to 10 digits and 6 decimals.')
        return None

    def whole(self, value: object, path: str) -> int | None:
        """A whole number that is not negative."""
        number = value if not isinstance(value, str) or not re.fullmatch("[0-9]{1,10}", value) else int(value)
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _TOO_LARGE:
            return number
        self.wrong(path, "This must be a whole number, not negative, of up to 10 digits.")
        return None

    def flag(self, value: object, path: str) -> bool | None:
        """True or false."""
        if isinstance(value, bool):
            return value
        self.wrong(path, "This must be true or false.")
        return None

    def choice(self, value: object, path: str, choices: Collection[str], named: str = "") -> str | None:
        """One of the choices; `named` describes them when they are too many to list."""
        if isinstance(value, str) and value in choices:
            return str(value)
        self.wrong(path, f"This must be {named or 'one of: ' + ', '.join(choices)}.")
        return None

    def name(self, value: object, path: str) -> str:
        """A short text for people; empty if there is none."""
        if value is None or (isinstance(value, str) and len(value) <= _MAX_NAME and value.isprintable()):
            return value or ""
        self.wrong(path, f"This must be a text of up to {_MAX_NAME} characters.")
        return ""

    def minute(self, value: object, path: str) -> int | None:
        """A time of day HH:MM, as minutes since midnight."""
        match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if match:
            return int(match[1]) * 60 + int(match[2])
        self.wrong(path, "This must be a time from 00:00 to 23:59.")
        return None

    def day(self, value: object, path: str) -> date | None:
        """A date YYYY-MM-DD."""
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        self.wrong(path, "This must be a date such as 2026-12-24.")
        return None

    def moment(self, value: object, path: str) -> datetime | None:
        """A timestamp with its offset, in UTC."""
        if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
            except (ValueError, OverflowError):
                moment = None
            if moment and _FIRST_YEAR <= moment.year <= _LAST_YEAR:
                return moment
        self.wrong(
            path, f"This must be a time with offset such as 2026-03-17T10:00:00Z, {_FIRST_YEAR} to {_LAST_YEAR}."
        )
        return None
