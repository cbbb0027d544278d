"""Refunds: the full amount, once, and what happens when the bank says no."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain import refunds, settling
from domain.errors import Refused
from domain.models.orders import Order, OrderStatus
from domain.models.payments import RefundStatus

RACERS = 4
ROUNDS = 3


def ask(world, order):
    refund = refunds.request(world.db, order, reason="Charger fault", by="alice@example.com", now=world.now)
    world.db.commit()
    return refund


def test_a_refund_gives_everything_back(world):
    order = world.paid_order()

    refund = ask(world, order)
    asked = world.fresh(order).status
    world.settle()

    assert asked is OrderStatus.REFUNDING
    assert (world.fresh(refund).status, refund.amount_minor) == (RefundStatus.SUCCEEDED, 502)
    assert world.fresh(order).status is OrderStatus.REFUNDED
    (at_provider,) = world.refunds_at_provider()
    assert at_provider["asked"]["amount"] == 502


def test_a_second_click_shows_the_first_refund(world):
    order = world.paid_order()

    first = ask(world, order)
    world.settle()
    second = ask(world, order)
    world.settle()

    assert first.id == second.id
    assert len(world.refunds_at_provider()) == 1


def test_an_unpaid_order_has_nothing_to_refund(world):
    world.charge(None, 10_000)
    (order,) = world.bill()

    with pytest.raises(Refused, match="No provider took money"):
        ask(world, order)


def test_an_order_whose_capture_is_under_way_is_not_refunded_yet(world):
    world.charge(world.pay(), 10_000)
    (order,) = world.bill()

    with pytest.raises(Refused, match="Only a paid order"):
        ask(world, order)


def test_a_refund_that_the_bank_sends_back_reopens_the_order(world):
    order = world.paid_order(card="refund_fails")

    refund = ask(world, order)
    world.settle()
    waiting = (world.fresh(refund).status, world.fresh(order).status)
    world.later(seconds=10)
    world.settle()

    assert waiting == (RefundStatus.PENDING, OrderStatus.REFUNDING)
    assert world.fresh(refund).status is RefundStatus.FAILED
    assert refund.failure == "The card is closed; the bank sent the money back."
    assert world.fresh(order).status is OrderStatus.REFUND_FAILED
    assert ask(world, order).id != refund.id


def test_a_refund_that_fails_after_it_succeeded_reopens_the_order(world):
    order = world.paid_order(card="success")
    refund = ask(world, order)
    world.settle()
    succeeded = world.fresh(refund).status
    world.set_card(world.payment_of(order), "refund_fails")

    world.later(days=1, minutes=1)
    world.settle()

    assert succeeded is RefundStatus.SUCCEEDED
    assert world.fresh(refund).status is RefundStatus.FAILED
    assert world.fresh(order).status is OrderStatus.REFUND_FAILED


def test_a_refund_is_watched_for_30_days_and_then_left_alone(world):
    order = world.paid_order()
    refund = ask(world, order)
    for _ in range(32):
        world.settle()
        world.later(days=1, seconds=1)

    assert world.fresh(refund).status is RefundStatus.SUCCEEDED
    assert refund.next_try_at is None


def test_many_people_pressing_refund_give_the_money_back_once(make_world):
    world = make_world(wrap=Counting)

    for round_number in range(ROUNDS):
        order = world.paid_order(token=f"{round_number:040d}")
        together = threading.Barrier(RACERS)

        def press(person: int, order_id: int = order.id, together: threading.Barrier = together) -> int:
            together.wait()
            with world.open_db() as db:
                wanted = db.get_one(Order, order_id)
                refund = refunds.request(db, wanted, reason="race", by=f"person {person}", now=world.now)
                db.commit()
            settling.settle_refund(world.till, refund.id, world.now)
            return refund.id

        with ThreadPoolExecutor(RACERS) as pool:
            answered = set(pool.map(press, range(RACERS)))

        assert len(answered) == 1
        assert world.fresh(order).status is OrderStatus.REFUNDED

    assert len(world.refunds()) == ROUNDS
    assert [each["asked"]["amount"] for each in world.refunds_at_provider()] == [502] * ROUNDS
    assert world.provider.refund_calls == ROUNDS


class Counting:
    """The sandbox, counting refunds asked for."""

    name = "sandbox"

    def __init__(self, provider):
        self._provider = provider
        self.refund_calls = 0

    def refund(self, *arguments):
        self.refund_calls += 1
        return self._provider.refund(*arguments)

    def __getattr__(self, name):
        return getattr(self._provider, name)
