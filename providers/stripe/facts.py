"""What Stripe's objects say, in the words of domain."""

from datetime import UTC, datetime
from typing import Any

from domain.models.payments import PaymentStatus, RefundStatus
from domain.payment_provider import PaymentFacts, RefundFacts
from providers.stripe import words
from providers.stripe.amounts import from_stripe

P = PaymentStatus

REFERENCE = "voltdesk"  # the metadata in which our reference travels
INTENT = ["latest_charge"]  # what to expand of a PaymentIntent
_INTENT_WORDS = {
    "requires_payment_method": P.DECLINED,
    "requires_confirmation": P.ACTION_REQUIRED,
    "requires_action": P.ACTION_REQUIRED,
    "processing": P.AUTH_PENDING,
    "requires_capture": P.AUTHORISED,
    "succeeded": P.CAPTURED,
}
_REFUND_WORDS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def reference_of(thing: Any) -> str | None:
    """Our reference on an object of Stripe's, if it carries one."""
    # The SDK's objects are no dicts, and have no attribute for what is not there.
    return getattr(getattr(thing, "metadata", None), REFERENCE, None)


def intent_facts(ref: str, intent: Any) -> PaymentFacts:
    """What a PaymentIntent with its latest charge says."""
    currency = str(intent.currency).upper()
    charge = intent.latest_charge
    # What is only for people may be missing: that must not keep an answer about money from being recorded.
    card = getattr(getattr(charge, "payment_method_details", None), "card", None)
    before = getattr(card, "capture_before", None)
    status = _status(intent, charge)
    error = getattr(intent, "last_payment_error", None)
    held = intent.amount_capturable if status is P.AUTHORISED else intent.amount if status is P.CAPTURED else 0
    return PaymentFacts(
        ref=ref,
        status=status,
        currency=currency,
        authorised_minor=from_stripe(held, currency),
        captured_minor=from_stripe(intent.amount_received or 0, currency),
        instrument=words.card_name(card) if card else None,
        last4=getattr(card, "last4", None),
        capture_before=datetime.fromtimestamp(before, UTC) if before else None,
        failure=words.decline(error) if error is not None else None,
    )


def _status(intent: Any, charge: Any) -> PaymentStatus:
    if intent.status != "canceled":
        return _INTENT_WORDS[intent.status]
    # Stripe cancels by itself what was held for too long.
    return (
        P.EXPIRED if charge is not None and getattr(intent, "cancellation_reason", None) == "automatic" else P.RELEASED
    )


def refund_facts(refund: Any) -> RefundFacts:
    """What a Refund says."""
    currency, status = str(refund.currency).upper(), _REFUND_WORDS[refund.status]
    return RefundFacts(
        ref=refund.id,
        status=status,
        currency=currency,
        amount_minor=from_stripe(refund.amount, currency),
        failure=words.refund_failure(getattr(refund, "failure_reason", None))
        if status is RefundStatus.FAILED
        else None,
    )
