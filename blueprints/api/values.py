"""How values look in the API: moments, amounts, ids."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from domain.currencies import exponent, from_minor, to_minor
from domain.errors import NotFound, Refused

_MOST = 2**63 - 1


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC.

    >>> moment(datetime(2026, 11, 20, 11, 4, tzinfo=UTC))
    '2026-11-20T11:04:00Z'
    """
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def amount(minor: int | None, currency: str) -> str | None:
    """Decimal text.

    >>> amount(1050, "EUR"), amount(700, "JPY")
    ('10.50', '700')
    """
    return None if minor is None else str(from_minor(minor, currency))


def minor(text: str, currency: str, field: str) -> int:
    """Minor units of a decimal text.

    Raises:
        Refused: it is no such text, or finer than the currency.

    >>> minor("45", "EUR", "hold")
    4500
    """
    if re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,3})?", text):
        found = to_minor(Decimal(text), currency)
        if from_minor(found, currency) == Decimal(text):
            return found
    sentence = f"This must be an amount such as 45.00, with {exponent(currency)} decimals at most."
    raise Refused(sentence, [(field, sentence)])


def number(text: str, noun: str) -> int:
    """The row's number behind an id.

    Raises:
        NotFound: no row can have that id.
    """
    if not re.fullmatch("[1-9][0-9]{0,18}", text) or int(text) > _MOST:
        raise NotFound(f"There is no such {noun}.")
    return int(text)


def number_in_filter(text: str) -> int:
    """The same for a filter: an id that no row can have finds nothing."""
    try:
        return number(text, "row")
    except NotFound:
        return -1
