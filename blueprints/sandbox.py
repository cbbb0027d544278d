"""The sandbox provider's own page, where a driver pays with test money. It plays a real provider's hosted checkout."""

from typing import Any, Protocol, cast

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints import access, driver_language
from blueprints.till import till
from blueprints.web import page
from domain.errors import NotFound
from domain.models.payments import PaymentAccount

bp = Blueprint("sandbox", __name__)


class TestCheckout(Protocol):
    """What the sandbox offers beyond the Protocol of all providers: the deeds of a driver at its page."""

    __test__ = False

    cards: dict[str, Any]

    def checkout(self, ref: str) -> Any: ...
    def pay(self, ref: str, card_id: str) -> None: ...
    def confirm(self, ref: str, is_confirmed: bool) -> None: ...
    def give_up(self, ref: str) -> None: ...


@bp.get("/sandbox/checkout/<ref>")
@access.public
def checkout(ref: str) -> ResponseReturnValue:
    """Choose a test card, or answer the bank's question."""
    found = _checkout(ref)
    if not found.is_open:
        return redirect(found.back_to, 303)
    return page("sandbox/checkout.html", checkout=found, cards=_sandbox().cards.values(), is_test=True)


@bp.post("/sandbox/checkout/<ref>", endpoint="pay")
@access.public
def pay(ref: str) -> ResponseReturnValue:
    """Pay with the chosen test card."""
    found = _checkout(ref)
    card = request.form.get("card", "")
    if card not in _sandbox().cards:
        sentence = gettext("Choose a card first.")
        return page(
            "sandbox/checkout.html",
            status=422,
            checkout=found,
            cards=_sandbox().cards.values(),
            is_test=True,
            refusal=sentence,
        )
    _sandbox().pay(ref, card)
    return _on(ref)


@bp.post("/sandbox/checkout/<ref>/confirm")
@access.public
def confirm(ref: str) -> ResponseReturnValue:
    """The driver's answer to the bank."""
    _checkout(ref)
    _sandbox().confirm(ref, request.form.get("answer") == "yes")
    return _on(ref)


@bp.post("/sandbox/checkout/<ref>/cancel")
@access.public
def cancel(ref: str) -> ResponseReturnValue:
    """Back without paying."""
    _checkout(ref)
    _sandbox().give_up(ref)
    return _on(ref)


def _on(ref: str) -> ResponseReturnValue:
    found = _checkout(ref)
    here = url_for("sandbox.checkout", ref=ref)
    return redirect(here if found.needs_confirmation else found.back_to, 303)


def _sandbox() -> TestCheckout:
    return cast(TestCheckout, till().providers.provider_for(PaymentAccount(provider="sandbox")))


def _checkout(ref: str) -> Any:
    found = _sandbox().checkout(ref)
    if found is None:
        raise NotFound(gettext("There is no such test payment."))
    driver_language.know(found.locale)
    return found
