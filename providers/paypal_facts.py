"""What PayPal's orders, authorisations, captures and refunds mean in our words (one table for all of it)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from paypalserversdk.models.payment_collection import PaymentCollection

from domain.catalogues import spoken
from domain.models.payments import PaymentStatus, RefundStatus
from domain.payment_provider import PaymentFacts, ProviderUnavailable, RefundFacts
from providers.paypal_amounts import from_value

P = PaymentStatus

HONOURED_FOR = timedelta(days=3)  # PayPal promises the money for so long, whatever the authorisation's own expiry

OPEN_ORDER = frozenset({"CREATED", "SAVED", "APPROVED", "PAYER_ACTION_REQUIRED"})
TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
NOT_TAKEN = frozenset({"DECLINED", "FAILED"})
AUTHORISATION = {
    "CREATED": P.AUTHORISED,
    "PENDING": P.AUTH_PENDING,
    "DENIED": P.DECLINED,
    "VOIDED": P.RELEASED,
    "EXPIRED": P.EXPIRED,
}
REFUND = {
    "PENDING": RefundStatus.PENDING,
    "COMPLETED": RefundStatus.SUCCEEDED,
    "FAILED": RefundStatus.FAILED,
    "CANCELLED": RefundStatus.FAILED,
}
DECLINED = spoken("PayPal declined the payment.")
CAPTURE_FAILED = spoken("PayPal declined to take the money from the hold.")
REFUND_FAILED = spoken("PayPal could not send the money back.")


def of(thing: Any, name: str) -> Any:
    """A field that PayPal may have left out; the SDK then has no attribute."""
    return getattr(thing, name, None)


def time_of(text: str) -> datetime:
    """One of PayPal's times, in UTC."""
    told = datetime.fromisoformat(text)
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)


def parts(order: Any, kind: str) -> list[Any]:
    """The order's authorizations, captures or refunds, oldest first."""
    payments = of(order.purchase_units[0], "payments")
    return list(of(payments, kind) or [])


def add_part(order: Any, kind: str, part: Any) -> None:
    """The order as it is after the part was made."""
    unit = order.purchase_units[0]
    if of(unit, "payments") is None:
        unit.payments = PaymentCollection()
    others = [each for each in parts(order, kind) if each.id != part.id]
    setattr(unit.payments, kind, [*others, part])


def payment_facts(order: Any, now: datetime) -> PaymentFacts:
    """
    Raises:
        ProviderUnavailable: PayPal tells half of it; the rest comes later.
        ValueError: an amount that is none.
    """
    authorisations, captures = parts(order, "authorizations"), parts(order, "captures")
    last = authorisations[-1] if authorisations else None
    amount = of(last, "amount") or order.purchase_units[0].amount
    currency = amount.currency_code
    status = _status(order, last, captures, now)
    holds = status in (P.AUTHORISED, P.CAPTURE_PENDING, P.CAPTURED, P.CAPTURE_FAILED)
    return PaymentFacts(
        ref=order.id,
        status=status,
        currency=currency,
        authorised_minor=from_value(amount.value, currency) if holds else 0,
        captured_minor=sum(from_value(each.amount.value, currency) for each in captures if each.status in TAKEN),
        instrument="PayPal" if last is not None else None,
        capture_before=_capture_before(last) if holds else None,
        failure=_failure(status, [last] if status is P.DECLINED else captures),
    )


def refund_facts(refund: Any) -> RefundFacts:
    """
    Raises:
        ProviderUnavailable: a state that PayPal has not documented.
    """
    status = REFUND.get(refund.status)
    if status is None:
        raise ProviderUnavailable(f"PayPal tells the state {refund.status!r} of the refund {refund.id}")
    currency = refund.amount.currency_code
    return RefundFacts(
        ref=refund.id,
        status=status,
        currency=currency,
        amount_minor=from_value(refund.amount.value, currency),
        failure=_said([refund]) or REFUND_FAILED if status is RefundStatus.FAILED else None,
    )


def _status(order: Any, last: Any, captures: list[Any], now: datetime) -> PaymentStatus:
    if last is None:
        return _before_hold(order)
    states = {each.status for each in captures}
    if states & TAKEN:
        return P.CAPTURED
    if "PENDING" in states:
        return P.CAPTURE_PENDING
    status = AUTHORISATION.get(last.status)
    if status is None:  # captured, or partially: ours are always final; the capture itself is not told yet
        raise ProviderUnavailable(f"PayPal tells no capture of the order {order.id}, {last.status}")
    if status is not P.AUTHORISED:
        return status
    expires = of(last, "expiration_time")
    if expires and time_of(expires) <= now:
        return P.EXPIRED
    return P.CAPTURE_FAILED if states & NOT_TAKEN else P.AUTHORISED


def _before_hold(order: Any) -> PaymentStatus:
    if order.status in OPEN_ORDER:
        return P.ACTION_REQUIRED
    if order.status == "VOIDED":
        return P.RELEASED
    raise ProviderUnavailable(f"PayPal tells no authorisation of the order {order.id}, {order.status}")


def _capture_before(authorisation: Any) -> datetime:
    honoured = time_of(authorisation.create_time) + HONOURED_FOR
    expires = of(authorisation, "expiration_time")
    return min(honoured, time_of(expires)) if expires else honoured


def _failure(status: PaymentStatus, where: Iterable[Any]) -> str | None:
    usual = {P.DECLINED: DECLINED, P.CAPTURE_FAILED: CAPTURE_FAILED}.get(status)
    return (_said(where) or usual) if usual else None


def _said(where: Iterable[Any]) -> str | None:
    """PayPal's own word for why, made readable: BUYER_COMPLAINT is `Buyer complaint.`"""
    reasons = [of(of(each, "status_details"), "reason") for each in where]
    word = next((reason for reason in reversed(reasons) if reason), None)
    return f"{str(word).replace('_', ' ').capitalize()}." if word else None
