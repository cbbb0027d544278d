"""Cards that Stripe keeps for a driver: typed once on Stripe's page, charged later with the driver's consent."""

from typing import Any

import stripe

from domain.payment_provider import BindingRequest, HoldRequest, Opened, PaymentFacts, SavedCard
from providers.stripe import calls, words
from providers.stripe.amounts import to_stripe
from providers.stripe.facts import INTENT, REFERENCE, intent_facts


class Cards:
    """The saved cards of one account. Cards belong to a customer, Stripe's word for a driver with an account."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1

    def start_binding(self, request: BindingRequest) -> Opened:
        customer = request.customer or self._new_customer(request)
        metadata = {REFERENCE: request.operation.reference}
        params: Any = {
            "mode": "setup",
            "allowed_payment_method_types": ["card"],
            "customer": customer,
            "setup_intent_data": {"metadata": metadata},
            "metadata": metadata,
            "success_url": request.return_url,
            "cancel_url": request.return_url,
        }
        with calls.writing():
            made = self._v1.checkout.sessions.create(params, {"idempotency_key": request.operation.key})
        return Opened(made.id, made.url or "")

    def bound_card(self, ref: str) -> SavedCard | None:
        with calls.reading():
            made: Any = self._v1.checkout.sessions.retrieve(ref, {"expand": ["setup_intent.payment_method"]})
        intent = made.setup_intent
        if made.status != "complete" or intent is None or intent.status != "succeeded":
            return None
        return _card(made.customer, intent.payment_method)

    def saved_cards(self, customer: str) -> list[SavedCard]:
        with calls.reading():
            found = self._v1.payment_methods.list({"customer": customer, "type": "card", "limit": 100})
            return [_card(customer, each) for each in found.auto_paging_iter()]

    def detach_card(self, card: SavedCard) -> None:
        with calls.reading():
            found = self._v1.payment_methods.retrieve(card.ref)
        if found.customer is not None:
            with calls.writing():
                self._v1.payment_methods.detach(card.ref)

    def hold_saved_card(self, request: HoldRequest, card: SavedCard) -> PaymentFacts:
        params: Any = {
            "amount": to_stripe(request.amount_minor, request.currency),
            "currency": request.currency.lower(),
            "customer": card.customer,
            "payment_method": card.ref,
            "allowed_payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
            "off_session": True,
            "description": request.description,
            "metadata": {REFERENCE: request.operation.reference},
            "expand": INTENT,
        }
        with calls.writing():
            intent = self._v1.payment_intents.create(params, {"idempotency_key": request.operation.key})
        return intent_facts(intent.id, intent)

    def _new_customer(self, request: BindingRequest) -> str:
        params: Any = {"metadata": {REFERENCE: request.operation.reference}}
        if request.email:
            params["email"] = request.email
        with calls.writing():
            key = f"{request.operation.key}:customer"
            return self._v1.customers.create(params, {"idempotency_key": key}).id


def _card(customer: str, method: Any) -> SavedCard:
    card = method.card
    return SavedCard(customer, method.id, words.card_name(card), card.last4, f"{card.exp_month:02d}/{card.exp_year}")
