"""What happened to an order's money, step by step, as its timeline shows it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from blueprints import order_words
from blueprints.formats import money
from domain.models.disputes import Dispute, DisputeStatus
from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import Payment, RefundStatus

Step = dict[str, Any]


def payment_steps(order: Order, transfers: Sequence[ManualRefund], disputed: Sequence[Dispute]) -> list[Step]:
    """The steps, newest first; none for an order that no provider pays."""
    if order.payment is None:
        return []
    found = [*_payment(order.payment), *_refunds(order.payment), *_transfers(transfers), *_disputes(disputed)]
    steps = sorted((step for step in found if step["at"] is not None), key=lambda step: step["at"])
    return steps[::-1]  # of one instant too the later step comes first


def _step(at: datetime | None, icon: str, tone: str, title: str, text: str = "") -> Step:
    return {"at": at, "icon": icon, "tone": tone, "title": title, "text": text}


def _payment(payment: Payment) -> Iterator[Step]:
    hold, taken = money(payment.hold_minor, payment.currency), money(payment.captured_minor, payment.currency)
    yield _step(payment.authorised_at, "credit-card", "ok", f"Hold {hold} confirmed", order_words.instrument(payment))
    rest = "The rest of the hold was released." if payment.captured_minor < payment.hold_minor else ""
    yield _step(payment.captured_at, "coin", "ok", f"{taken} captured", rest)
    if payment.captured_at is None:
        word = payment.status.value.replace("_", " ")
        yield _step(payment.ended_at, "circle-x", "off", word.capitalize(), payment.failure or "")


def _refunds(payment: Payment) -> Iterator[Step]:
    for each in payment.refunds:
        amount = money(each.amount_minor, each.currency)
        why = f"{each.reason}, asked by {each.asked_by}" + (f". {each.note}" if each.note else "")
        yield _step(each.requested_at, "receipt-refund", "warn", f"Refund of {amount} requested", why)
        if each.status is RefundStatus.SUCCEEDED:
            yield _step(each.ended_at, "arrow-back-up", "ok", f"{amount} refunded")
        elif each.status is RefundStatus.FAILED:
            yield _step(each.ended_at, "circle-x", "bad", "Refund failed", each.failure or "")


def _transfers(transfers: Sequence[ManualRefund]) -> Iterator[Step]:
    for each in transfers:
        if each.status is ManualRefundStatus.CONFIRMED:
            amount = money(each.amount_minor, each.currency)
            yield _step(each.decided_at, "building-bank", "ok", f"{amount} given back by bank transfer", each.reason)


def _disputes(disputed: Sequence[Dispute]) -> Iterator[Step]:
    for each in disputed:
        amount = money(each.amount_minor, each.currency)
        title = f"The driver's bank disputes {amount}"
        yield _step(each.opened_at, "alert-triangle", "bad", title, each.reason)
        if each.status is DisputeStatus.WON:
            yield _step(each.ended_at, "circle-check", "ok", "Dispute won", f"{amount} stays with the operator.")
        elif each.status is DisputeStatus.LOST:
            yield _step(each.ended_at, "circle-x", "bad", "Dispute lost", f"The driver's bank keeps {amount}.")
