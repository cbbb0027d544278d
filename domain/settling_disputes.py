"""Write, call, write, for disputes: an event makes us ask the provider, whose answer is recorded."""

import logging
from datetime import datetime

from domain import disputes, money_items, payment_accounts, payments, provider_events
from domain.models.disputes import Dispute
from domain.models.payments import PaymentAccount, ProviderEvent
from domain.payment_provider import DisputeFacts, ProviderGone, ProviderMisuse, ProviderTrouble
from domain.settling import Till

log = logging.getLogger(__name__)


def take_in_event(till: Till, event_id: int, now: datetime) -> None:
    """The dispute that the event is about is as the provider has it; the event is done.

    An event that names no dispute, and one whose dispute the provider does not know, is done too. Trouble leaves it
    for the next run.
    """
    with till.transaction() as db:
        event = db.get_one(ProviderEvent, event_id)
        account, ref = db.get_one(PaymentAccount, event.payment_account_id), event.ref
    facts = _ask(till, account, ref) if ref else None
    if isinstance(facts, ProviderTrouble) and not isinstance(facts, ProviderGone):
        return
    with till.transaction() as db:
        if isinstance(facts, DisputeFacts) and disputes.record(db, account, facts, now) is None:
            money_items.add_unknown_dispute(db, account, facts, now)
        provider_events.done(db, event_id, now)


def look_again(till: Till, dispute_id: int, now: datetime) -> None:
    """The open dispute is as the provider has it now: an event may never have come."""
    with till.transaction() as db:
        dispute = db.get_one(Dispute, dispute_id)
        payment = payments.locked(db, dispute.payment_id)
        dispute.next_look_at = now + disputes.LOOK_EVERY
        account = payment_accounts.holder(db, payment.payment_account_id)
        ref = dispute.provider_ref
    facts = _ask(till, account, ref)
    if isinstance(facts, DisputeFacts):
        with till.transaction() as db:
            disputes.record(db, account, facts, now)


def _ask(till: Till, account: PaymentAccount, ref: str) -> DisputeFacts | ProviderTrouble | None:
    try:
        return till.providers.provider_for(account).fetch_dispute(ref)
    except ProviderTrouble as trouble:
        log.warning("dispute %s: %r", ref, trouble)
        return trouble
    except ProviderMisuse as misuse:
        log.critical("dispute %s: %r", ref, misuse)
        return None
