"""What drivers read that no template says: refusals, reasons of providers, errors, in their language."""

from typing import NamedTuple

from babel.lists import format_list
from flask_babel import get_locale, gettext

from blueprints import driver_language
from domain.catalogues import is_spoken
from domain.models.payments import Payment, Refund


class Words(NamedTuple):
    title: str
    text: str


def told(sentence: str | None, otherwise: str) -> str:
    """A sentence from the rules or a provider in the reader's language; `otherwise` if it is in no catalogue."""
    if not sentence:
        return otherwise
    known = gettext(sentence)
    is_readable = known != sentence or driver_language.now() == "en"
    return known if is_readable else otherwise


def refusal(error: Exception) -> str:
    """Why what the driver wanted is not possible."""
    return told(str(error), gettext("This is not possible right now. Nothing was changed. Try again in a moment."))


def why_declined(payment: Payment) -> str:
    """Why there is no hold, as the bank or the provider says."""
    return told(payment.failure, gettext("The payment was declined."))


def why_not_refunded(refund: Refund) -> str:
    """Why a refund did not arrive, or nothing if nobody has said it in words."""
    return told(refund.failure, "") if is_spoken(refund.failure or "") else ""


def plug_kind(kind: str) -> str:
    """The kind of a plug as people there call it."""
    return {"Type 2": gettext("Type 2")}.get(kind, kind)


def listed(words: list[str]) -> str:
    """
    >>> listed(["10", "25.5"])
    '10 and 25.5'
    """
    return format_list(words, locale=get_locale() or "en")


def of_error(status: int) -> Words:
    """What went wrong, and what to do now."""
    fault = Words(
        gettext("Something broke on our side"),
        gettext("It is on record, and a charge that runs is not touched by it. Try again in a minute."),
    )
    incomplete = Words(
        gettext("This could not be read"),
        gettext("Your phone sent something incomplete. Go back, reload the page, then press again."),
    )
    known = {
        404: Words(
            gettext("Nothing is here"),
            gettext("This link does not lead anywhere. Scan the code on the charger to begin."),
        ),
        405: Words(gettext("This cannot be opened directly"), gettext("Go back and use the button on the page.")),
        409: Words(gettext("Something changed meanwhile"), gettext("Go back, look again, then press again.")),
        413: Words(gettext("The file is too large"), gettext("Choose a smaller file. Nothing was changed.")),
        429: Words(gettext("Too many requests"), gettext("Wait a minute, then try again.")),
        503: Words(
            gettext("We cannot answer at the moment"),
            gettext("A charge that runs goes on. Try again in a minute."),
        ),
    }
    return known.get(status, fault if status >= 500 else incomplete)


FILTERS = (plug_kind, why_declined, why_not_refunded, listed)
