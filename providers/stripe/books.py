"""Stripe's side of the books: movements on the balance, disputes, and what a key may do."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import stripe

from domain.models.disputes import DisputeStatus
from domain.payment_provider import DisputeFacts, SettlementLine
from providers.stripe import calls
from providers.stripe.amounts import from_stripe
from providers.stripe.facts import reference_of

_KINDS = {
    "adjustment": "dispute",  # corrected below where the source is no dispute
    "charge": "charge",
    "payment": "charge",
    "payment_refund": "refund",
    "payout": "payout",
    "refund": "refund",
    "stripe_fee": "fee",
}
_NOBODY = "voltdesk_asks_only"  # no id of Stripe's looks so


def check_permissions(v1: Any) -> None:
    """The key may do all that payments need. Writes are tried on objects that do not exist.

    Raises: CredentialsRefused.
    """
    asks: tuple[Callable[[], Any], ...] = (
        lambda: v1.checkout.sessions.list({"limit": 1}),
        lambda: v1.checkout.sessions.expire(f"cs_{_NOBODY}"),
        lambda: v1.payment_intents.capture(f"pi_{_NOBODY}"),
        lambda: v1.refunds.create({"payment_intent": f"pi_{_NOBODY}"}),
        lambda: v1.refunds.list({"limit": 1}),
        lambda: v1.balance_transactions.list({"limit": 1}),
        lambda: v1.disputes.list({"limit": 1}),
    )
    for ask in asks:
        with calls.reading():
            try:
                ask()
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise


def settlement_lines(v1: Any, since: datetime, until: datetime) -> list[SettlementLine]:
    """Every balance transaction created in that time."""
    params: Any = {
        "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
        "expand": ["data.source"],
        "limit": 100,
    }
    with calls.reading():
        return [_line(each) for each in v1.balance_transactions.list(params).auto_paging_iter()]


def _line(found: Any) -> SettlementLine:
    currency, source = str(found.currency).upper(), found.source
    is_object = source is not None and not isinstance(source, str)
    kind = _KINDS.get(found.type, found.type)
    if found.type == "adjustment" and (not is_object or source.object != "dispute"):
        kind = "adjustment"
    return SettlementLine(
        ref=found.id,
        kind=kind,
        amount_minor=from_stripe(found.amount, currency),
        fee_minor=from_stripe(found.fee, currency),
        net_minor=from_stripe(found.net, currency),
        currency=currency,
        at=datetime.fromtimestamp(found.created, UTC),
        source=source.id if is_object else source,
        reference=reference_of(source),
        payout=source.id if is_object and source.object == "payout" else None,
    )


def dispute(v1: Any, ref: str) -> DisputeFacts:
    """The dispute as Stripe has it, with our reference of the payment that it is about."""
    with calls.reading():
        found = v1.disputes.retrieve(ref, {"expand": ["payment_intent"]})
    currency, intent = str(found.currency).upper(), found.payment_intent
    due = found.evidence_details.due_by if found.evidence_details else None
    moved = sum(each.amount for each in found.balance_transactions or [])
    return DisputeFacts(
        ref=found.id,
        status=_dispute_status(found.status),
        currency=currency,
        amount_minor=from_stripe(found.amount, currency),
        payment_refs=tuple(each for each in (intent.id if intent else None, found.charge) if isinstance(each, str)),
        reference=reference_of(intent),
        reason=str(found.reason).replace("_", " "),
        is_withdrawn=moved < 0,
        answer_before=datetime.fromtimestamp(due, UTC) if due else None,
    )


def _dispute_status(word: str) -> DisputeStatus:
    if word == "lost":
        return DisputeStatus.LOST
    return DisputeStatus.WON if word in ("won", "warning_closed", "prevented") else DisputeStatus.OPEN
