"""Payments: the one state machine for all providers, and the steps that need no provider.

`domain/settling.py` makes the calls between these steps.
"""

import hmac
import logging
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from domain import station_merchants, turns
from domain.catalogues import spoken
from domain.errors import Conflict, NotFound, Refused
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.payments import Payment, PaymentAccount, PaymentStatus
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.payment_provider import PaymentFacts

log = logging.getLogger(__name__)

P = PaymentStatus

# Any other step is ignored: events arrive twice, late and out of order.
STEPS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    P.CREATED: frozenset({P.ACTION_REQUIRED, P.DECLINED, P.ABANDONED}),
    P.ACTION_REQUIRED: frozenset({P.AUTH_PENDING, P.AUTHORISED, P.AUTH_UNKNOWN, P.DECLINED, P.ABANDONED}),
    P.AUTH_PENDING: frozenset({P.ACTION_REQUIRED, P.AUTHORISED, P.AUTH_UNKNOWN, P.DECLINED, P.ABANDONED}),
    P.AUTH_UNKNOWN: frozenset({P.ACTION_REQUIRED, P.AUTH_PENDING, P.AUTHORISED, P.DECLINED, P.ABANDONED}),
    P.AUTHORISED: frozenset({P.CAPTURE_PENDING, P.RELEASE_PENDING, P.EXPIRED}),
    P.CAPTURE_PENDING: frozenset({P.CAPTURED, P.CAPTURE_FAILED, P.CAPTURE_UNKNOWN, P.EXPIRED}),
    P.CAPTURE_UNKNOWN: frozenset({P.CAPTURE_PENDING, P.CAPTURED, P.CAPTURE_FAILED, P.EXPIRED}),
    P.RELEASE_PENDING: frozenset({P.RELEASED, P.RELEASE_UNKNOWN, P.EXPIRED}),
    P.RELEASE_UNKNOWN: frozenset({P.RELEASE_PENDING, P.RELEASED, P.EXPIRED}),
}

BEFORE_HOLD = frozenset({P.CREATED, P.ACTION_REQUIRED, P.AUTH_PENDING, P.AUTH_UNKNOWN})
CAPTURING = frozenset({P.CAPTURE_PENDING, P.CAPTURE_UNKNOWN})
RELEASING = frozenset({P.RELEASE_PENDING, P.RELEASE_UNKNOWN})
ENDED = frozenset({P.CAPTURED, P.DECLINED, P.ABANDONED, P.RELEASED, P.EXPIRED, P.CAPTURE_FAILED})

ABANDON_AFTER = timedelta(minutes=15)
START_WITHIN = timedelta(minutes=3)
# Whoever is about to call the provider has the row for so long; after that the sweep takes over.
LEASE = timedelta(seconds=30)
FIRST_CALL_WITHIN = timedelta(seconds=10)


def move(payment: Payment, to: PaymentStatus, now: datetime) -> bool:
    """True and done if the step is allowed from where the payment is; otherwise nothing changed."""
    if to == payment.status:
        return False
    if to not in STEPS.get(payment.status, frozenset()):
        log.warning("payment %s: %s after %s is ignored", payment.id, to, payment.status)
        return False
    payment.status, payment.status_at = to, now
    if to is P.AUTHORISED:
        payment.authorised_at = now
    if to is P.CAPTURED:
        payment.captured_at = now
    if to in ENDED:
        payment.ended_at, payment.next_try_at = now, None
    return True


def create(
    db: Session,
    charger: Charger,
    connector_number: int,
    tariff: Tariff,
    *,
    token: str,
    locale: str | None,
    now: datetime,
    account_id: int | None = None,
    hold_minor: int | None = None,
) -> Payment:
    """A payment for that plug exists, not yet known to any provider; the same token gives the same payment again.

    Args:
        account_id: the payment account that the driver chose; otherwise the station's preferred one that works.
        hold_minor: the most that the driver wants it to cost, at most the station's amount, which it is otherwise.

    Raises:
        Refused: the station cannot take payments.
        Conflict: somebody else has just paid for the plug.
    """
    # Two clicks in the same instant, or two drivers at one plug: one after the other.
    turns.at_charger(db, charger.id)
    known = by_token(db, token)
    if known is not None:
        return known
    station = charger.station
    account = _account(db, station, account_id)
    if is_paid_for(db, charger.id, connector_number):
        raise Conflict(
            spoken("Somebody has just paid for this plug. Choose another one or try again in a few minutes.")
        )
    payment = Payment(
        operator_id=charger.operator_id,
        payment_account_id=account.id,
        charger_id=charger.id,
        connector_number=connector_number,
        token=token,
        id_tag=new_id_tag(),
        provider=account.provider,
        collection_mode=account.collection_mode,
        is_test=account.is_test,
        status=P.CREATED,
        status_at=now,
        currency=tariff.currency,
        hold_minor=min(hold_minor or station.hold_minor, station.hold_minor),
        tariff_id=tariff.id,
        locale=locale,
        created_at=now,
        next_try_at=now + FIRST_CALL_WITHIN,  # whoever creates it calls the provider next
    )
    db.add(payment)
    db.flush()
    return payment


def _account(db: Session, station: Station, account_id: int | None) -> PaymentAccount:
    known = station_merchants.of_station(db, station)
    if not known:
        raise Refused(spoken("This station cannot take payments yet."))
    working = [each.account for each in known if each.can_take_payments]
    chosen = [each for each in working if account_id is None or each.id == account_id]
    if not chosen:
        raise Refused(
            spoken("Payment is not available at this station at the moment.")
            if not working
            else spoken("This way to pay is not available at the moment. Choose another one.")
        )
    return chosen[0]


def secret_token(secret_key: str, nonce: str, charger_id: int, connector_number: int) -> str:
    """The token of the form with this nonce and plug: a second click on Pay leads to the same payment."""
    return hmac.new(secret_key.encode(), f"pay:{charger_id}:{connector_number}:{nonce}".encode(), sha256).hexdigest()[
        :40
    ]


def new_id_tag() -> str:
    """A one-time idTag of 18 characters.

    V is no hexadecimal digit, so no RFID card can have it; chargers may append up to two characters.
    """
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "VD" + "".join(secrets.choice(alphabet) for _ in range(16))


def by_token(db: Session, token: str) -> Payment | None:
    """The payment whose page has that secret address."""
    return db.scalar(select(Payment).where(Payment.token == token))


def keep_language(db: Session, payment_id: int, language: str) -> None:
    """The payment's pages and the provider's are in that language from now on.

    Not while the provider is first asked: the same request again, with another language in it, would be refused.
    """
    payment = locked(db, payment_id)
    if payment.status is not P.CREATED:
        payment.locale = language
    db.flush()


def locked(db: Session, payment_id: int) -> Payment:
    """The payment as it is now, kept from everybody else until the transaction ends.

    Raises: NotFound.
    """
    statement = select(Payment).where(Payment.id == payment_id).with_for_update()
    payment = db.scalar(statement.execution_options(populate_existing=True))
    if payment is None:
        raise NotFound(spoken("There is no such payment."))
    return payment


def is_paid_for(db: Session, charger_id: int, connector_number: int) -> bool:
    """Whether a hold stands for a plug on which nothing has started yet."""
    waiting = select(Payment.id).where(
        Payment.charger_id == charger_id,
        Payment.connector_number == connector_number,
        Payment.status == P.AUTHORISED,
        ~exists().where(ChargingSession.payment_id == Payment.id),
    )
    return db.scalar(waiting.limit(1)) is not None


def record_facts(payment: Payment, facts: PaymentFacts, now: datetime) -> None:
    """What the provider says is what we know; contradictions that come late change nothing."""
    payment.instrument = facts.instrument or payment.instrument
    payment.last4 = facts.last4 or payment.last4
    payment.capture_before = facts.capture_before or payment.capture_before
    payment.failure = facts.failure or payment.failure
    if facts.currency != payment.currency:
        raise ValueError(f"payment {payment.id}: the provider holds {facts.authorised_minor} {facts.currency}")
    if payment.status in BEFORE_HOLD and facts.authorised_minor:
        # A bank may approve a part only: that is what may be used up, and what is shown.
        payment.hold_minor = min(payment.hold_minor, facts.authorised_minor)
    to = _step_for(payment, facts)
    if to is not None and move(payment, to, now) and to is P.CAPTURED:
        payment.captured_minor = facts.captured_minor


def _step_for(payment: Payment, facts: PaymentFacts) -> PaymentStatus | None:
    # A payment that was asked to do something still says "authorised" until it has done it.
    if facts.status is P.AUTHORISED and payment.status not in BEFORE_HOLD:
        return None
    if facts.status in (P.RELEASED, P.EXPIRED) and payment.status in BEFORE_HOLD:
        return P.ABANDONED
    if facts.status is P.RELEASED and payment.status is P.AUTHORISED:
        return P.EXPIRED  # let go by the provider, not by us
    if facts.status is P.RELEASED and payment.status in CAPTURING:
        return P.EXPIRED
    return facts.status


def ask_capture(payment: Payment, amount_minor: int, now: datetime) -> bool:
    """The decision to take that much of the hold stands; the provider is asked next."""
    if not 0 < amount_minor <= payment.hold_minor:
        raise ValueError(f"{amount_minor=} {payment.hold_minor=}")
    if not move(payment, P.CAPTURE_PENDING, now):
        return False
    payment.to_capture_minor = amount_minor
    payment.attempt, payment.next_try_at = 1, now
    return True


def ask_release(payment: Payment, reason: str, now: datetime) -> bool:
    """The decision to let the hold go stands; the provider is asked next.

    Args:
        reason: not_started, cancelled, nothing_used, waived or hold_expires.
    """
    if not move(payment, P.RELEASE_PENDING, now):
        return False
    payment.release_reason = reason
    payment.attempt, payment.next_try_at = 1, now
    return True


def start_deadline(payment: Payment) -> datetime:
    """Until when charging has to start. Pressing Start charging begins the wait anew."""
    since = max(filter(None, (payment.authorised_at, payment.start_requested_at)), default=payment.status_at)
    return since + START_WITHIN


def is_start_overdue(payment: Payment, now: datetime) -> bool:
    """Whether a hold has waited long enough for charging to start."""
    return payment.status is P.AUTHORISED and now >= start_deadline(payment)


def overdue_starts(db: Session, now: datetime) -> list[int]:
    """The payments whose hold waited too long for charging to start."""
    since = func.coalesce(Payment.start_requested_at, Payment.authorised_at)
    waiting = select(Payment.id).where(
        Payment.status == P.AUTHORISED,
        since <= now - START_WITHIN,
        ~exists().where(ChargingSession.payment_id == Payment.id),
    )
    return list(db.scalars(waiting))


def release_if_not_started(db: Session, payment_id: int, now: datetime) -> bool:
    """True if the hold is on its way back because nothing started in time."""
    payment = locked(db, payment_id)
    if not is_start_overdue(payment, now) or has_charging(db, payment_id):
        return False
    return ask_release(payment, "not_started", now)


def has_charging(db: Session, payment_id: int) -> bool:
    """Whether a charging session belongs to the payment."""
    return db.scalar(select(ChargingSession.id).where(ChargingSession.payment_id == payment_id)) is not None


def pause_before_next_try(since: datetime, now: datetime) -> timedelta:
    """How long to wait before asking the provider again: a quarter of the time it takes already, 5 s to 10 min."""
    return min(max((now - since) / 4, timedelta(seconds=5)), timedelta(minutes=10))
