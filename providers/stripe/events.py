"""Stripe's webhooks: proved by their signature over the raw body, read for what they are about and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from domain import json_text
from domain.errors import Refused
from domain.models.payments import PaymentAccount
from domain.payment_provider import About, EventRefused, ProviderEvent
from providers.stripe.facts import REFERENCE

TOLERANCE = timedelta(seconds=300)
MOST_TEXT = 255
# What to tick when the endpoint is made at Stripe.
WANTED = (
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)


def parse(
    body: bytes, headers: Mapping[str, str], secret: str, account: PaymentAccount, now: datetime
) -> ProviderEvent:
    """
    Raises:
        EventRefused: not signed with the endpoint's secret, not within five minutes, or about another account.
    """
    header = headers.get("Stripe-Signature", "")
    try:
        # The SDK compares with the clock of the machine; ours is handed in, and looks ahead as well as back.
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None)
        signed_at = int(next(part[2:] for part in header.split(",") if part.startswith("t=")))
        said = json_text.decode(body)
    except (stripe.SignatureVerificationError, Refused, ValueError, TypeError) as error:
        raise EventRefused("The signature does not fit the message.") from error
    if abs(now.timestamp() - signed_at) > TOLERANCE.total_seconds():
        raise EventRefused("The message is too old.")
    return _event(said, account)


def _event(said: Any, account: PaymentAccount) -> ProviderEvent:
    event_id, kind = _text(said, "id"), _text(said, "type")
    if event_id is None or kind is None:
        raise EventRefused("This is no event.")
    connected = _text(said, "account")
    if said.get("livemode") is not (not account.is_test) or connected not in (None, account.provider_account):
        raise EventRefused("The event is about another account.")
    data = said.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    created = said.get("created")
    return ProviderEvent(
        event_id=event_id,
        kind=kind,
        about=_about(kind),
        refs=tuple(ref for name in ("id", "payment_intent", "charge") if (ref := _text(thing, name)) is not None),
        reference=_text(thing.get("metadata"), REFERENCE) if isinstance(thing, dict) else None,
        said_at=datetime.fromtimestamp(created, UTC) if type(created) is int and 0 < created < 2**32 else None,
    )


def _about(kind: str) -> About:
    if kind.startswith("charge.dispute."):
        return About.DISPUTE
    if kind.startswith(("refund.", "charge.refund")):
        return About.REFUND
    return About.PAYMENT if kind.startswith(("checkout.session.", "payment_intent.", "charge.")) else About.OTHER


def _text(thing: Any, name: str) -> str | None:
    found = thing.get(name) if isinstance(thing, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= MOST_TEXT else None
