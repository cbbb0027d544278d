"""Events of payment providers: kept once, then what they are about is asked for at once.

An event is a hint (money.md §2): no amount and no state is read from it, so it may be late, twice, out of order or
missing. Whatever is about a dispute waits in `waiting` until the provider was asked (domain/settling_disputes.py).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain import payment_accounts, payments
from domain.models.payments import Payment, PaymentAccount, ProviderEvent, Refund
from domain.payment_provider import About
from domain.payment_provider import ProviderEvent as Event


def receive(db: Session, account: PaymentAccount, event: Event, now: datetime) -> bool:
    """The event is kept and what it is about is due; False, and nothing done, if it was here before."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "provider": account.provider,
        "payment_account_id": account.id,
        "event_id": event.event_id,
        "kind": event.kind,
        "about": event.about,
        "ref": event.refs[0] if event.refs else None,
        "reference": event.reference,
        "said_at": event.said_at,
        "received_at": now,
        "done_at": None if event.about is About.DISPUTE else now,
    }
    once = ["provider", "payment_account_id", "event_id"]
    keep = insert(ProviderEvent).values(values).on_conflict_do_nothing(index_elements=once).returning(ProviderEvent.id)
    event_id = db.scalar(keep)
    if event_id is None:
        return False
    payment_id = payment_of(db, account.provider, payment_accounts.rows_of(account), event.refs, event.reference)
    if payment_id is not None:
        db.execute(update(ProviderEvent).where(ProviderEvent.id == event_id).values(payment_id=payment_id))
        _make_due(db, payment_id, event.about, now)
    return True


def waiting(db: Session, about: About) -> list[ProviderEvent]:
    """The events of that kind that nobody has taken in yet, the oldest first."""
    found = select(ProviderEvent).where(ProviderEvent.about == about.value, ProviderEvent.done_at.is_(None))
    return list(db.scalars(found.order_by(ProviderEvent.id).limit(100)))


def done(db: Session, event_id: int, now: datetime) -> None:
    """Somebody asked the provider about it and took its answer in."""
    db.execute(update(ProviderEvent).where(ProviderEvent.id == event_id).values(done_at=now))


def forget(db: Session, before: datetime) -> None:
    """Events that were taken in before that moment are gone; providers repeat them for a few days only."""
    db.execute(delete(ProviderEvent).where(ProviderEvent.received_at < before, ProviderEvent.done_at.is_not(None)))


def payment_of(db: Session, provider: str, rows: Select[int], refs: Sequence[str], reference: str | None) -> int | None:
    """The payment that the provider means, by its own ids or by our reference; None if it is none of those accounts.

    Args:
        rows: the ids of the payment accounts through which it may have been paid.
    """
    mine = select(Payment.id).where(Payment.provider == provider, Payment.payment_account_id.in_(rows))
    found = db.scalar(mine.where(Payment.provider_ref.in_(refs))) if refs else None
    if found is not None or reference is None:
        return found
    # "vd:<installation>:<verb>:<row>"; a row number alone proves nothing, so it must be of this account.
    verb, _, number = reference.rpartition(":")
    if not number.isdigit() or len(number) > 18:
        return None
    if verb.endswith(":refund"):
        return db.scalar(mine.join(Refund, Refund.payment_id == Payment.id).where(Refund.id == int(number)))
    return db.scalar(mine.where(Payment.id == int(number)))


def _make_due(db: Session, payment_id: int, about: About, now: datetime) -> None:
    if about is About.PAYMENT:
        alive = update(Payment).where(Payment.id == payment_id, Payment.status.not_in(payments.ENDED))
        db.execute(alive.where(Payment.alarm.is_(None)).values(next_try_at=now))
    elif about is About.REFUND:
        alive_refund = update(Refund).where(Refund.payment_id == payment_id, Refund.status != "failed")
        db.execute(alive_refund.where(Refund.alarm.is_(None)).values(next_try_at=now))
