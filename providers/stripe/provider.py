"""One account at Stripe: guests pay on Stripe's own page, which holds; we capture, release and refund.

A payment's `ref` is that of its Checkout session (cs_…), or of its PaymentIntent (pi_…) when a saved card was held.
Every object carries our reference as metadata, so that nothing is lost with an answer.
Every method that writes is called after one that reads (`domain/settling.py`): a key older than 24 hours, which Stripe
may have forgotten, is never the only thing between us and doing it twice.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import stripe

from domain.models.payments import PaymentAccount, PaymentStatus
from domain.payment_provider import (
    DisputeFacts,
    EventRefused,
    HoldRequest,
    Opened,
    Operation,
    PaymentFacts,
    Probe,
    ProviderDeclined,
    ProviderEvent,
    ProviderMisuse,
    RefundFacts,
    SettlementLine,
)
from providers.stripe import books, calls, events
from providers.stripe.amounts import to_stripe
from providers.stripe.cards import Cards
from providers.stripe.facts import INTENT, REFERENCE, intent_facts, reference_of, refund_facts

P = PaymentStatus

LOCALES = frozenset(
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt ro ru sk sl sv th tr vi zh".split()  # noqa: SIM905
)
SESSION = ["payment_intent.latest_charge"]


class Stripe:
    """The account that these credentials open."""

    name = "stripe"

    def __init__(self, client: stripe.StripeClient, account: PaymentAccount, credentials: Mapping[str, str]) -> None:
        self._v1 = client.v1
        self._account = account
        self._secret_key = credentials["secret_key"]
        self._webhook_secret = credentials.get("webhook_secret")
        self.cards = Cards(client)

    # --- A driver pays --------------------------------------------------------------------------------------

    def open_payment(self, request: HoldRequest) -> Opened:
        metadata = {REFERENCE: request.operation.reference}
        # The same for every attempt with this key, or Stripe refuses: nothing here may depend on the clock.
        params: Any = {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": request.currency.lower(),
                        "unit_amount": to_stripe(request.amount_minor, request.currency),
                        "product_data": {"name": request.description},
                    },
                }
            ],
            "payment_intent_data": {"capture_method": "manual", "metadata": metadata},
            "metadata": metadata,
            "client_reference_id": request.operation.reference,
            "success_url": request.return_url,
            "cancel_url": request.return_url,
            "locale": request.locale if request.locale in LOCALES else "auto",
        }
        with calls.writing():
            made = self._v1.checkout.sessions.create(params, {"idempotency_key": request.operation.key})
        return Opened(made.id, made.url or "")

    def fetch(self, ref: str) -> PaymentFacts:
        if ref.startswith("pi_"):
            return intent_facts(ref, self._intent(ref))
        made = self._session(ref)
        if made.payment_intent is not None and made.status != "expired":
            facts = intent_facts(ref, made.payment_intent)
            # On its page a driver whose card was declined tries another one.
            is_open = made.status == "open" and facts.status is P.DECLINED
            return replace(facts, status=P.ACTION_REQUIRED) if is_open else facts
        status = {"open": P.ACTION_REQUIRED, "complete": P.AUTH_PENDING, "expired": P.RELEASED}[str(made.status)]
        return PaymentFacts(ref, status, str(made.currency).upper())

    # --- We take, let go, give back -------------------------------------------------------------------------

    def capture(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> PaymentFacts:
        intent_id = self._intent_id(ref)
        amount = to_stripe(amount_minor, currency)
        if amount == 0:
            raise ProviderDeclined("The amount is below the least that Stripe takes.")
        with calls.writing():
            intent = self._v1.payment_intents.capture(
                intent_id, {"amount_to_capture": amount, "expand": INTENT}, {"idempotency_key": operation.key}
            )
        return intent_facts(ref, intent)

    def release(self, ref: str, operation: Operation) -> PaymentFacts:
        if ref.startswith("cs_"):
            made = self._session(ref)
            if made.status == "open":
                # A key belongs to one kind of call.
                key = replace(operation, verb="expire").key
                with calls.writing():
                    self._v1.checkout.sessions.expire(ref, {}, {"idempotency_key": key})
                return PaymentFacts(ref, P.RELEASED, str(made.currency).upper())
        intent_id = self._intent_id(ref)
        with calls.writing():
            intent = self._v1.payment_intents.cancel(
                intent_id,
                {"cancellation_reason": "abandoned", "expand": INTENT},
                {"idempotency_key": operation.key},
            )
        return intent_facts(ref, intent)

    def refund(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> RefundFacts:
        params: Any = {
            "payment_intent": self._intent_id(ref),
            "amount": to_stripe(amount_minor, currency),
            "metadata": {REFERENCE: operation.reference},
        }
        with calls.writing():
            made = self._v1.refunds.create(params, {"idempotency_key": operation.key})
        return refund_facts(made)

    def find_refund(self, ref: str, reference: str) -> RefundFacts | None:
        intent_id = self._intent_id(ref)
        with calls.reading():
            known = self._v1.refunds.list({"payment_intent": intent_id, "limit": 100})
            for each in known.auto_paging_iter():
                if reference_of(each) == reference:
                    return refund_facts(each)
        return None

    # --- The account ----------------------------------------------------------------------------------------

    def probe_credentials(self) -> Probe:
        with calls.reading():
            account = self._v1.accounts.retrieve_current()
        books.check_permissions(self._v1)
        profile = account.business_profile
        is_test = self._secret_key[3:7] != "live"
        return Probe(account.id, is_test, (profile.name if profile else None) or None)

    def parse_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        if not self._webhook_secret:
            raise EventRefused("This account has no signing secret.")
        return events.parse(body, headers, self._webhook_secret, self._account, now)

    def list_settlement_lines(self, since: datetime, until: datetime) -> list[SettlementLine]:
        return books.settlement_lines(self._v1, since, until)

    def fetch_dispute(self, ref: str) -> DisputeFacts:
        return books.dispute(self._v1, ref)

    def _session(self, ref: str) -> Any:
        with calls.reading():
            return self._v1.checkout.sessions.retrieve(ref, {"expand": SESSION})

    def _intent(self, intent_id: str) -> Any:
        with calls.reading():
            return self._v1.payment_intents.retrieve(intent_id, {"expand": INTENT})

    def _intent_id(self, ref: str) -> str:
        if ref.startswith("pi_"):
            return ref
        intent = self._session(ref).payment_intent
        if intent is None:
            raise ProviderMisuse(f"{ref}: nobody has paid")
        return str(intent.id)
