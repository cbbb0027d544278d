"""PayPal: an order with intent AUTHORIZE, approved by the driver on PayPal's page; its hold is captured or voided.

A payment's reference is the id of its PayPal order; authorisation, captures and refunds are read from the order each
time, so nothing of them has to be remembered here. PayPal holds nothing when the driver approves, only when it is
asked to authorise: `fetch` does that.

Not used: captures above the hold, and a second authorisation after the first three days (domain/holds.py lets go
before that). Saved PayPal accounts are not offered.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from paypalserversdk.models.amount_with_breakdown import AmountWithBreakdown
from paypalserversdk.models.capture_request import CaptureRequest
from paypalserversdk.models.checkout_payment_intent import CheckoutPaymentIntent
from paypalserversdk.models.money import Money
from paypalserversdk.models.order_request import OrderRequest
from paypalserversdk.models.payment_source import PaymentSource
from paypalserversdk.models.paypal_wallet import PaypalWallet
from paypalserversdk.models.paypal_wallet_experience_context import PaypalWalletExperienceContext
from paypalserversdk.models.purchase_unit_request import PurchaseUnitRequest
from paypalserversdk.models.refund_request import RefundRequest

from domain.catalogues import spoken
from domain.clock import utcnow
from domain.models.payments import PaymentAccount, PaymentStatus, RefundStatus
from domain.payment_provider import (
    About,
    CredentialField,
    CredentialsRefused,
    DisputeFacts,
    EventRefused,
    HoldRequest,
    Opened,
    Operation,
    PaymentFacts,
    Probe,
    ProviderDeclined,
    ProviderEvent,
    ProviderKind,
    ProviderMisuse,
    ProviderUnavailable,
    ProviderUnknown,
    RefundFacts,
    SettlementLine,
)
from providers import paypal_books, paypal_webhooks
from providers.paypal_amounts import to_value
from providers.paypal_calls import TIMEOUT_S, Line, Refusal
from providers.paypal_facts import TAKEN, add_part, of, parts, payment_facts, refund_facts, time_of

P = PaymentStatus

# An approval that nobody asked about for longer is left to lapse: its driver has gone.
AUTHORISE_WITHIN = timedelta(minutes=30)
WHOLE = "return=representation"
NOT_YET_APPROVED = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})
CERTIFICATES = paypal_webhooks.Certificates()  # of PayPal's, for all accounts
ALREADY = frozenset({"ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_COMPLETED"})


class PayPal:
    """Implements domain.payment_provider.PaymentProvider for one merchant."""

    name = "paypal"

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        is_test: bool,
        base_url: str | None = None,
        timeout_s: tuple[float, float] = TIMEOUT_S,
        clock: Callable[[], datetime] = utcnow,
        webhook_id: str | None = None,
        certificates: paypal_webhooks.Certificates | None = None,
    ) -> None:
        self._client_id, self._is_test = client_id, is_test
        self._webhook_id, self._certificates = webhook_id, certificates or CERTIFICATES
        self._line = Line(client_id, client_secret, is_test=is_test, base_url=base_url, timeout_s=timeout_s)
        self._clock = clock

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, str]) -> "PayPal":
        """The provider of a payment account, from what is typed for FIELDS."""
        return cls(
            credentials["client_id"],
            credentials["client_secret"],
            is_test=credentials["environment"] == "sandbox",
            webhook_id=credentials.get("webhook_id"),
        )

    # --- What Voltdesk asks ---------------------------------------------------------------------------------

    def open_payment(self, request: HoldRequest) -> Opened:
        amount = AmountWithBreakdown(request.currency, to_value(request.amount_minor, request.currency))
        page = PaypalWalletExperienceContext(
            return_url=request.return_url,
            cancel_url=request.return_url,
            shipping_preference="NO_SHIPPING",
            user_action="PAY_NOW",
            payment_method_preference="IMMEDIATE_PAYMENT_REQUIRED",  # no cheques that clear days later
            **({"locale": request.locale.replace("_", "-")} if request.locale else {}),
        )
        unit = PurchaseUnitRequest(
            amount=amount, description=request.description, custom_id=request.operation.reference
        )
        body = OrderRequest(
            intent=CheckoutPaymentIntent.AUTHORIZE,
            purchase_units=[unit],
            payment_source=PaymentSource(paypal=PaypalWallet(experience_context=page)),
        )
        order = self._line.do("orders.create_order", request.operation.key, body=body, prefer=WHOLE)
        links = {each.rel: each.href for each in of(order, "links") or []}
        address = links.get("payer-action") or links.get("approve")
        if address is None:
            raise ProviderUnknown(f"the order {order.id} cannot be approved any more", key_is_spent=True)
        return Opened(order.id, address)

    def fetch(self, ref: str) -> PaymentFacts:
        """As it is now; a hold is asked for once the driver has approved."""
        order = self._order(ref)
        if order.status == "APPROVED" and not parts(order, "authorizations"):
            return self._authorise(order)
        return self._facts(order)

    def capture(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> PaymentFacts:
        order = self._order(ref)
        before = self._facts(order)
        if before.status is not P.AUTHORISED:
            return before
        if currency != before.currency or not 0 < amount_minor <= before.authorised_minor:
            raise ProviderMisuse(f"{ref}: cannot capture {amount_minor} {currency} of {before}")
        body = CaptureRequest(amount=Money(currency, to_value(amount_minor, currency)), final_capture=True)
        asked = {"authorization_id": parts(order, "authorizations")[-1].id, "body": body, "prefer": WHOLE}
        try:
            made = self._line.do("payments.capture_authorized_payment", operation.key, **asked)
        except Refusal as refusal:
            return self._unless_still(P.AUTHORISED, ref, refusal)
        add_part(order, "captures", made)
        after = self._facts(order)
        if after.status is P.CAPTURE_FAILED:
            raise ProviderDeclined(after.failure or "PayPal declined the capture.")
        return after

    def release(self, ref: str, operation: Operation) -> PaymentFacts:
        order = self._order(ref)
        facts = self._facts(order)
        if facts.status is P.ACTION_REQUIRED:
            return replace(facts, status=P.RELEASED)  # nothing is held, and nobody will ask to authorise it
        if facts.status not in (P.AUTHORISED, P.AUTH_PENDING):
            return facts
        authorisation = parts(order, "authorizations")[-1]
        try:
            self._line.do("payments.void_payment", operation.key, authorization_id=authorisation.id)
        except Refusal as refusal:
            return self._unless_still(facts.status, ref, refusal)
        return replace(facts, status=P.RELEASED)

    def refund(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> RefundFacts:
        taken = [each for each in parts(self._order(ref), "captures") if each.status in TAKEN]
        if not taken:
            raise ProviderDeclined("PayPal took nothing that could be refunded.")
        body = RefundRequest(amount=Money(currency, to_value(amount_minor, currency)), custom_id=operation.reference)
        asked = {"capture_id": taken[-1].id, "body": body, "prefer": WHOLE}
        return refund_facts(self._line.do("payments.refund_captured_payment", operation.key, **asked))

    def find_refund(self, ref: str, reference: str) -> RefundFacts | None:
        ids = [each.id for each in parts(self._order(ref), "refunds")]
        known = [self._line.ask("payments.get_refund", refund_id=each) for each in ids]
        found = [refund_facts(each) for each in known if of(each, "custom_id") == reference]
        living = [each for each in found if each.status is not RefundStatus.FAILED]
        wanted = living or found
        return wanted[-1] if wanted else None

    # --- The account ----------------------------------------------------------------------------------------

    def probe_credentials(self) -> Probe:
        try:
            self._line.probe()
        except ProviderDeclined as refusal:
            raise CredentialsRefused(str(refusal)) from refusal
        return Probe(self._client_id, self._is_test)  # the REST app is all that PayPal's SDK tells of the merchant

    def parse_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        if not self._webhook_id:
            raise EventRefused("This account has no webhook id.")
        try:
            event = paypal_webhooks.read_event(headers, body, self._webhook_id, self._certificates, now)
        except paypal_webhooks.NotFromPayPal as why:
            raise EventRefused(str(why)) from why
        except paypal_webhooks.CannotTell as why:
            raise ProviderUnavailable(str(why)) from why
        refs = (event.ref,) if event.ref else ()
        return ProviderEvent(event.id, event.kind, About(event.about), refs, event.reference, event.said_at)

    def list_settlement_lines(self, since: datetime, until: datetime) -> list[SettlementLine]:
        """What moved on the account, oldest first; PayPal tells it up to three hours late."""
        return list(paypal_books.lines(self._line, since, until))

    def fetch_dispute(self, ref: str) -> DisputeFacts:
        raise ProviderUnavailable(f"PayPal's SDK tells nothing of disputes: look at {ref} on PayPal's own pages.")

    def close(self) -> None:
        """Connections that were kept open are closed."""
        self._line.close()

    # --- Asking ---------------------------------------------------------------------------------------------

    def _order(self, ref: str) -> Any:
        return self._line.ask("orders.get_order", id=ref)

    def _facts(self, order: Any) -> PaymentFacts:
        return payment_facts(order, self._clock())

    def _authorise(self, order: Any) -> PaymentFacts:
        facts = self._facts(order)
        if self._clock() - time_of(order.create_time) > AUTHORISE_WITHIN:
            return replace(facts, status=P.RELEASED)
        reference = of(order.purchase_units[0], "custom_id") or f"{order.id}:open:"
        key = reference.replace(":open:", ":authorise:") + ":1"
        try:
            return self._facts(self._line.do("orders.authorize_order", key, id=order.id, prefer=WHOLE))
        except Refusal as refusal:
            if refusal.issues & ALREADY:
                return self._facts(self._order(order.id))
            if refusal.issues & NOT_YET_APPROVED:
                return facts
            return replace(facts, status=P.DECLINED, failure=str(refusal))

    def _unless_still(self, status: PaymentStatus, ref: str, refusal: Refusal) -> PaymentFacts:
        """What happened meanwhile explains the refusal; otherwise it stands."""
        now = self._facts(self._order(ref))
        if now.status is status:
            raise refusal
        return now


FIELDS = (
    CredentialField(
        "environment",
        "Environment",
        "Type live, or sandbox for a test account of PayPal's.",
        is_secret=False,
        looks_like="live|sandbox",
        wrong="Type live or sandbox.",
    ),
    CredentialField(
        "client_id",
        "Client ID",
        "At PayPal under Apps & Credentials: the client ID of your REST app.",
        is_secret=False,
        looks_like="[A-Za-z0-9_-]{16,200}",
        wrong="A client ID of PayPal is a long row of letters and digits.",
    ),
    CredentialField(
        "client_secret",
        "Secret",
        "Next to the client ID at PayPal.",
        looks_like="[A-Za-z0-9_-]{16,200}",
        wrong="A secret of PayPal is a long row of letters and digits.",
    ),
    CredentialField(
        "webhook_id",
        "Webhook ID",
        "May follow later: the address to enter at PayPal is shown after saving.",
        is_secret=False,
        is_required=False,
        looks_like="[A-Za-z0-9]{10,40}",
        wrong="A webhook ID of PayPal has letters and digits only.",
    ),
)


def paypal_kind() -> ProviderKind:
    """PayPal for the registry."""

    def make(_account: PaymentAccount, credentials: Mapping[str, str]) -> PayPal:
        return PayPal.from_credentials(credentials)

    return ProviderKind(
        name=PayPal.name,
        label="PayPal",
        drivers_label=spoken("PayPal"),
        make=make,
        fields=FIELDS,
        sends_events=True,
        about="PayPal accounts and cards on PayPal's own page, through your own PayPal business account.",
    )
