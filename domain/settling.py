"""Write, call, write: what was decided is asked of the provider, and its answer recorded.

The only functions of domain that commit. No transaction is open while a provider is called; each step before and
after the call has its own. Whatever stops in between, the next run goes on: a row whose `next_try_at` has come is
due, whoever claims it moves that time by a lease, and a call made twice carries the same key.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from domain import books, installation, orders, payment_accounts, payments, refunds
from domain.catalogues import spoken, translated
from domain.db import writing
from domain.models.payments import Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.payment_provider import (
    CredentialsRefused,
    HoldRequest,
    Opened,
    Operation,
    PaymentFacts,
    PaymentProvider,
    ProviderDeclined,
    ProviderGone,
    ProviderMisuse,
    Providers,
    ProviderTrouble,
    ProviderUnknown,
    RefundFacts,
)

log = logging.getLogger(__name__)

P = PaymentStatus

LOOK_AT_CHECKOUT_EVERY = timedelta(seconds=15)
# A page that somebody looks at asks no more often than that, and not while a call is under way.
LOOK_AT_ONCE_EVERY = timedelta(seconds=2)
LOOK_AT_HOLD_EVERY = timedelta(hours=6)
BATCH = 100
# A capture that was decided so short a while ago is asked for without a look first.
FRESH = timedelta(minutes=1)
NOT_AVAILABLE = spoken("Payment is not available at this station at the moment.")
_EARLY = LOOK_AT_CHECKOUT_EVERY - LOOK_AT_ONCE_EVERY


@dataclass(frozen=True)
class Till:
    """What it takes to move money: a database, the registry of providers, and the address drivers come back to."""

    open_db: Callable[[], Session]
    providers: Providers
    public_url: str

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction of its own, committed unless it raises."""
        with writing(), self.open_db() as db:
            yield db
            db.commit()


def due_payments(db: Session, now: datetime) -> list[int]:
    """The payments that a provider has to be asked about now."""
    due = select(Payment.id).where(Payment.next_try_at <= now)
    return list(db.scalars(due.order_by(Payment.next_try_at).limit(BATCH)))


def due_refunds(db: Session, now: datetime) -> list[int]:
    """The refunds that a provider has to be asked about now."""
    due = select(Refund.id).where(Refund.next_try_at <= now)
    return list(db.scalars(due.order_by(Refund.next_try_at).limit(BATCH)))


def settle_payment(till: Till, payment_id: int, now: datetime, *, at_once: bool = False) -> None:
    """The provider was asked what became of the payment and to do what is decided; its answer is recorded.

    Args:
        till: where to write and whom to call.
        payment_id: nothing happens if it has ended, is not due, or somebody else is at it.
        now: the present moment.
        at_once: sooner than it is due, as far as `may_look` allows: somebody waits in front of the page.
    """
    with till.transaction() as db:
        if not _claim(db, Payment, payment_id, now, at_once=at_once):
            return
        payment = payments.locked(db, payment_id)
        account = payment_accounts.holder(db, payment.payment_account_id)
        code = installation.code(db)
    answer = _answer(lambda: _ask_about(till, till.providers.provider_for(account), payment, code, now))
    with till.transaction() as db:
        _flag_account(db, account, answer, now)
        payment = payments.locked(db, payment_id)
        _record_payment(payment, answer, now)
        books.keep(db, payment, now)
        orders.refresh_status(db, payment_id)


def may_look(payment: Payment, now: datetime) -> bool:
    """Whether the provider may be asked for somebody in front of the page: not again at once, not during a call."""
    return payment.next_try_at is not None and payment.next_try_at <= now + _EARLY


def settle_refund(till: Till, refund_id: int, now: datetime) -> None:
    """The provider was asked for the refund, or what became of it; its answer is recorded."""
    with till.transaction() as db:
        if not _claim(db, Refund, refund_id, now):
            return
        refund, payment = refunds.locked(db, refund_id)
        account = payment_accounts.holder(db, payment.payment_account_id)
        code = installation.code(db)
    answer = _answer(lambda: _ask_refund(till.providers.provider_for(account), refund, payment, code))
    with till.transaction() as db:
        _flag_account(db, account, answer, now)
        refund, _ = refunds.locked(db, refund_id)
        _record_refund(db, refund, answer, now)


def recheck_account(till: Till, account_id: int, now: datetime, *, by: str = "worker") -> bool:
    """Whether the provider takes the account's credentials; the account is flagged or out of trouble accordingly.

    A provider that does not answer at all changes nothing, and counts as no.
    """
    with till.transaction() as db:
        account = payment_accounts.holder(db, account_id)
    answer = _answer(lambda: till.providers.provider_for(account).probe_credentials())
    with till.transaction() as db:
        _flag_account(db, account, answer, now)
        if not isinstance(answer, ProviderTrouble | ProviderMisuse):
            payment_accounts.clear(db, account.id, now, by=by)
            return True
    return False


def _flag_account(db: Session, account: PaymentAccount, answer: Any, now: datetime) -> None:
    if isinstance(answer, CredentialsRefused):
        payment_accounts.flag(db, account.id, str(answer), now)


def _claim(db: Session, model: type[Payment] | type[Refund], row_id: int, now: datetime, at_once: bool = False) -> bool:
    claim = update(model).where(model.id == row_id).values(next_try_at=now + payments.LEASE)
    if model is Payment:
        claim = claim.where(Payment.status.not_in(payments.ENDED))
    claim = claim.where(model.next_try_at <= (now + _EARLY if at_once else now))
    result = db.execute(claim.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _answer(call: Callable[[], Any]) -> Any:
    # Trouble is an answer, too: it decides how to go on.
    try:
        return call()
    except (ProviderTrouble, ProviderMisuse) as trouble:
        return trouble


def _ask_about(
    till: Till, provider: PaymentProvider, payment: Payment, code: str, now: datetime
) -> Opened | PaymentFacts | None:
    is_too_late = now - payment.created_at >= payments.ABANDON_AFTER
    if payment.provider_ref is None:
        return None if is_too_late else provider.open_payment(_hold_request(till, payment, code))
    if payment.status is P.CAPTURE_PENDING and now - payment.status_at <= FRESH:
        return _capture(provider, payment, code)  # its key makes it harmless to ask twice
    facts = provider.fetch(payment.provider_ref)
    if payment.status in payments.BEFORE_HOLD:
        is_open = facts.status in (P.ACTION_REQUIRED, P.AUTH_PENDING)
        return _release(provider, payment, code) if is_open and is_too_late else facts
    if facts.status is P.AUTHORISED and payment.status in payments.CAPTURING:
        return _capture(provider, payment, code)
    if facts.status is P.AUTHORISED and payment.status in payments.RELEASING:
        return _release(provider, payment, code)
    return facts


def _capture(provider: PaymentProvider, payment: Payment, code: str) -> PaymentFacts:
    operation = Operation(code, "capture", payment.id, payment.attempt)
    amount_minor = payment.to_capture_minor or 0
    return provider.capture(str(payment.provider_ref), amount_minor, payment.currency, operation)


def _release(provider: PaymentProvider, payment: Payment, code: str) -> PaymentFacts:
    return provider.release(str(payment.provider_ref), Operation(code, "release", payment.id, payment.attempt))


def _hold_request(till: Till, payment: Payment, code: str) -> HoldRequest:
    return HoldRequest(
        operation=Operation(code, "open", payment.id, payment.attempt),
        amount_minor=payment.hold_minor,
        currency=payment.currency,
        description=translated(spoken("EV charging"), payment.locale),
        return_url=f"{till.public_url}/s/{payment.token}",
        locale=payment.locale,
    )


def _record_payment(
    payment: Payment, answer: Opened | PaymentFacts | ProviderTrouble | ProviderMisuse | None, now: datetime
) -> None:
    if isinstance(answer, ProviderMisuse):
        # To try again blindly would break the same rule again, with money.
        log.critical("payment %s, %s: %r", payment.id, payment.status, answer)
        payment.alarm, payment.next_try_at = str(answer), None
        return
    payment.alarm = None
    if isinstance(answer, Opened):
        payment.provider_ref, payment.checkout_url = answer.ref, answer.checkout_url
        payments.move(payment, P.ACTION_REQUIRED, now)
    elif isinstance(answer, PaymentFacts):
        payments.record_facts(payment, answer, now)
    elif isinstance(answer, ProviderTrouble):
        _record_trouble(payment, answer, now)
    else:  # nobody ever got its checkout address
        payments.move(payment, P.ABANDONED, now)
    payment.next_try_at = _next_look(payment, now)


def _record_trouble(payment: Payment, trouble: ProviderTrouble, now: datetime) -> None:
    log.warning("payment %s, %s: %r", payment.id, payment.status, trouble)
    if isinstance(trouble, ProviderGone):
        _record_gone(payment, now)
        return
    unknown, failed = {
        P.ACTION_REQUIRED: (P.AUTH_UNKNOWN, None),
        P.AUTH_PENDING: (P.AUTH_UNKNOWN, None),
        P.CREATED: (None, P.DECLINED),
        P.CAPTURE_PENDING: (P.CAPTURE_UNKNOWN, P.CAPTURE_FAILED),
        P.CAPTURE_UNKNOWN: (None, P.CAPTURE_FAILED),
        P.RELEASE_PENDING: (P.RELEASE_UNKNOWN, None),
    }.get(payment.status, (None, None))
    if isinstance(trouble, ProviderUnknown):
        payment.attempt += trouble.key_is_spent
        if unknown:
            payments.move(payment, unknown, now)
    elif isinstance(trouble, ProviderDeclined) and failed:
        payment.failure = str(trouble)
        payments.move(payment, failed, now)
    elif isinstance(trouble, CredentialsRefused) and payment.status is P.CREATED:
        # Nobody can pay here until somebody has mended it; the driver need not wait for that.
        payment.failure = NOT_AVAILABLE
        payments.move(payment, P.DECLINED, now)


def _record_gone(payment: Payment, now: datetime) -> None:
    # A provider may need a moment until it finds what it has just made. Of a hold its word alone does not count: with
    # the credentials of another account it knows none of them.
    is_open = payment.status in (P.ACTION_REQUIRED, P.AUTH_UNKNOWN)
    if is_open and now - payment.created_at >= payments.ABANDON_AFTER:
        payments.move(payment, P.ABANDONED, now)


def _next_look(payment: Payment, now: datetime) -> datetime | None:
    if payment.status in payments.ENDED:
        return None
    if payment.status is P.AUTHORISED:
        return now + LOOK_AT_HOLD_EVERY
    if payment.status in payments.BEFORE_HOLD:
        has_news = payment.status_at == now or payment.provider_ref is None
        return now + (_EARLY if has_news else LOOK_AT_CHECKOUT_EVERY)
    return now + payments.pause_before_next_try(payment.status_at, now)


def _ask_refund(provider: PaymentProvider, refund: Refund, payment: Payment, code: str) -> RefundFacts | None:
    operation = Operation(code, "refund", refund.id, refund.attempt)
    found = provider.find_refund(str(payment.provider_ref), operation.reference)
    if found is None and refund.status in (RefundStatus.REQUESTED, RefundStatus.UNKNOWN):
        return provider.refund(str(payment.provider_ref), refund.amount_minor, refund.currency, operation)
    return found


def _record_refund(
    db: Session, refund: Refund, answer: RefundFacts | ProviderTrouble | ProviderMisuse | None, now: datetime
) -> None:
    if isinstance(answer, ProviderMisuse):
        log.critical("refund %s, %s: %r", refund.id, refund.status, answer)
        refund.alarm, refund.next_try_at = str(answer), None
        return
    refund.alarm = None
    if isinstance(answer, RefundFacts):
        refunds.record_facts(db, refund, answer, now)
        return
    if isinstance(answer, ProviderDeclined):
        refunds.record_decline(db, refund, str(answer), now)
        return
    log.warning("refund %s, %s: %r", refund.id, refund.status, answer)
    if isinstance(answer, ProviderUnknown):
        refund.attempt += answer.key_is_spent
        if refund.status is RefundStatus.REQUESTED:
            refunds.move(refund, RefundStatus.UNKNOWN, now)
    refund.next_try_at = now + payments.pause_before_next_try(refund.requested_at, now)
