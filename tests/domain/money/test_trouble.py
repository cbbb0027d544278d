"""Stopped, cut off or misunderstood at any call to the provider: the sweeps bring it to the same end, once."""

from contextlib import suppress

import pytest

from domain import journey, payments, refunds, settling
from domain.models.orders import OrderStatus
from domain.models.payments import PaymentStatus, RefundStatus
from domain.payment_provider import ProviderDeclined, ProviderUnavailable, ProviderUnknown

CALLS = ("open_payment", "fetch", "capture", "release", "refund", "find_refund")


class Killed(BaseException):
    """The process is gone."""


class Troublesome:
    """The sandbox, with trouble before or after the next call of one kind."""

    name = "sandbox"

    def __init__(self, provider):
        self._provider = provider
        self.plan = {}
        self.done = []

    def __getattr__(self, name):
        target = getattr(self._provider, name)
        if name not in CALLS:
            return target

        def call(*arguments):
            when, trouble = self.plan.pop(name, (None, None))
            if when == "before":
                raise trouble
            answer = target(*arguments)
            self.done.append(name)
            if when == "after":
                raise trouble
            return answer

        return call


TROUBLES = {
    "killed before": ("before", Killed()),
    "killed after": ("after", Killed()),
    "unavailable": ("before", ProviderUnavailable("connection refused")),
    "timed out, nothing happened": ("before", ProviderUnknown("timed out")),
    "timed out, it happened": ("after", ProviderUnknown("timed out")),
    "500, nothing happened": ("before", ProviderUnknown("500", key_is_spent=True)),
    "500, it happened": ("after", ProviderUnknown("500", key_is_spent=True)),
}


@pytest.fixture(params=TROUBLES)
def trouble(request):
    return TROUBLES[request.param]


@pytest.fixture
def world(make_world):
    return make_world(wrap=Troublesome)


def plan(world, call, trouble):
    world.provider.plan[call] = trouble


def sweep_until_quiet(world, minutes=2):
    for _ in range(minutes * 12):
        with suppress(Killed):
            world.settle()
        world.later(seconds=5)


def test_open(world, trouble):
    plan(world, "open_payment", trouble)
    with suppress(Killed):
        world.checkout()
    payment = world.choose()

    sweep_until_quiet(world)

    assert world.fresh(payment).status is PaymentStatus.ACTION_REQUIRED
    assert payment.checkout_url == f"/sandbox/checkout/{payment.provider_ref}"
    # After a 500 the key is spent; a checkout whose address nobody was given holds nothing and runs out.
    assert world.payments_at_provider() == (2 if trouble is TROUBLES["500, it happened"] else 1)


def test_fetch(world, trouble):
    payment = world.checkout()
    world.sandbox.pay(payment.provider_ref, "success")
    plan(world, "fetch", trouble)

    sweep_until_quiet(world)

    assert world.fresh(payment).status is PaymentStatus.AUTHORISED


def test_capture(world, trouble):
    payment = world.pay()
    world.charge(payment, 10_000)
    (order,) = world.bill()
    plan(world, "capture", trouble)

    sweep_until_quiet(world)

    assert (world.fresh(payment).status, payment.captured_minor) == (PaymentStatus.CAPTURED, 502)
    assert world.fresh(order).status is OrderStatus.PAID
    assert world.books(payment)["captured"] == 502
    assert [asked[0] for asked in world.books(payment)["calls"].values()] == ["capture"]


def test_release(world, trouble):
    payment = world.pay()
    journey.cancel(world.db, payment.id, world.now)
    world.db.commit()
    plan(world, "release", trouble)

    sweep_until_quiet(world)

    assert world.fresh(payment).status is PaymentStatus.RELEASED
    assert world.books(payment)["status"] == "released"


def test_abandoning(world, trouble):
    payment = world.checkout()
    world.later(minutes=15)
    plan(world, "release", trouble)

    sweep_until_quiet(world)

    assert world.fresh(payment).status is PaymentStatus.ABANDONED
    assert world.books(payment)["status"] == "released"


@pytest.mark.parametrize("call", ["refund", "find_refund"])
def test_refund(world, trouble, call):
    order = world.paid_order()
    refund = refunds.request(world.db, order, reason="fault", by="bob@example.com", now=world.now)
    world.db.commit()
    plan(world, call, trouble)

    sweep_until_quiet(world)

    assert world.fresh(refund).status is RefundStatus.SUCCEEDED
    assert world.fresh(order).status is OrderStatus.REFUNDED
    assert [each["asked"]["amount"] for each in world.refunds_at_provider()] == [502]


def test_the_card_that_loses_every_answer_pays_and_is_refunded_once(world):
    payment = world.pay("timeout")
    world.charge(payment, 10_000)
    (order,) = world.bill()
    world.settle()
    unknown = world.fresh(payment).status
    sweep_until_quiet(world)
    refund = refunds.request(world.db, order, reason="fault", by="bob@example.com", now=world.now)
    world.db.commit()
    sweep_until_quiet(world)

    assert unknown is PaymentStatus.CAPTURE_UNKNOWN
    assert world.fresh(payment).status is PaymentStatus.CAPTURED
    assert world.fresh(refund).status is RefundStatus.SUCCEEDED
    assert len(world.refunds_at_provider()) == 1


def test_a_refused_capture_leaves_the_order_unpaid_with_the_reason(world):
    payment = world.pay()
    world.charge(payment, 10_000)
    (order,) = world.bill()
    plan(world, "capture", ("before", ProviderDeclined("The card was reported stolen.")))

    world.settle()

    assert (world.fresh(payment).status, payment.captured_minor) == (PaymentStatus.CAPTURE_FAILED, 0)
    assert payment.failure == "The card was reported stolen."
    assert world.fresh(order).status is OrderStatus.UNPAID


def test_a_refused_refund_reopens_the_order(world):
    order = world.paid_order()
    refund = refunds.request(world.db, order, reason="fault", by="bob@example.com", now=world.now)
    world.db.commit()
    plan(world, "refund", ("before", ProviderDeclined("Too old.")))

    world.settle()

    assert (world.fresh(refund).status, refund.failure) == (RefundStatus.FAILED, "Too old.")
    assert world.fresh(order).status is OrderStatus.REFUND_FAILED


def test_a_checkout_that_never_reached_the_provider_is_given_up(world):
    payment = world.choose()
    world.later(minutes=15)

    world.settle()

    assert world.fresh(payment).status is PaymentStatus.ABANDONED
    assert world.payments_at_provider() == 0


def test_whoever_comes_second_leaves_the_call_to_the_first(world):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()
    plan(world, "capture", ("before", Killed()))
    with suppress(Killed):
        settling.settle_payment(world.till, payment.id, world.now)

    settling.settle_payment(world.till, payment.id, world.now)

    assert world.fresh(payment).status is PaymentStatus.CAPTURE_PENDING
    assert "capture" not in world.provider.done


def test_a_provider_that_is_down_is_asked_ever_less_often(world):
    since = world.now

    def pause(**time):
        world.later(**time)
        return payments.pause_before_next_try(since, world.now).total_seconds()

    assert [pause(seconds=1), pause(seconds=59), pause(minutes=9), pause(hours=2)] == [5, 15, 150, 600]
