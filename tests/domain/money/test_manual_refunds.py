"""Partial refunds by bank transfer: a second person, never more than what was paid."""

import threading

import pytest

from domain import manual_refunds, refunds
from domain.errors import Conflict, Refused
from domain.models.manual_refunds import ManualRefundStatus
from domain.models.orders import Order
from domain.models.payments import CollectionMode
from tests.domain.money.test_ledger import balances, collected_by
from tests.money_world import World


def propose(
    world: World, order: object, amount: int = 200, nonce: str = "n1", db: object = None, **words: str
) -> object:
    typed = {"bank_reference": "RF18 5390", "reason": "Stopped early", "by": "ann"} | words
    return manual_refunds.propose(db or world.db, order, amount_minor=amount, nonce=nonce, now=world.now, **typed)


@pytest.fixture
def order(world: World) -> object:
    collected_by(world, CollectionMode.PLATFORM)
    return world.paid_order()


def test_it_counts_once_a_second_person_confirmed_it(world: World, order: object) -> None:
    manual = propose(world, order)
    before = balances(world)

    manual_refunds.confirm(world.db, order, manual.id, by="ben", now=world.now)
    world.db.commit()

    assert before == {"provider_clearing": 502, "operator_payable": -502}
    assert balances(world) == {"provider_clearing": 502, "operator_payable": -302, "bank": -200}
    assert world.fresh(order).status == "paid"


def test_nobody_confirms_their_own(world: World, order: object) -> None:
    manual = propose(world, order)

    with pytest.raises(Refused, match="Another person has to confirm"):
        manual_refunds.confirm(world.db, order, manual.id, by="ann", now=world.now)


def test_the_same_form_sent_twice_is_one_transfer(world: World, order: object) -> None:
    assert propose(world, order) is propose(world, order)


@pytest.mark.parametrize("amount", [0, -1, 503, 10**15])
def test_absurd_amounts_are_refused(world: World, order: object, amount: int) -> None:
    with pytest.raises(Refused, match=r"above zero|more than what was paid"):
        propose(world, order, amount)


def test_all_parts_together_are_never_more_than_what_was_paid(world: World, order: object) -> None:
    propose(world, order, 300)

    with pytest.raises(Refused, match="more than what was paid"):
        propose(world, order, 203, nonce="n2")
    propose(world, order, 202, nonce="n2")


def test_one_that_was_withdrawn_does_not_count(world: World, order: object) -> None:
    manual = propose(world, order, 502)

    manual_refunds.withdraw(world.db, order, manual.id, by="ann", now=world.now)

    assert manual.status is ManualRefundStatus.WITHDRAWN
    propose(world, order, 502, nonce="n2")
    with pytest.raises(Conflict):
        manual_refunds.confirm(world.db, order, manual.id, by="ben", now=world.now)


def test_a_full_refund_and_a_part_exclude_each_other(world: World, order: object) -> None:
    manual = propose(world, order)
    with pytest.raises(Refused, match="given back by bank transfer"):
        refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)

    manual_refunds.withdraw(world.db, order, manual.id, by="ann", now=world.now)
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    with pytest.raises(Refused, match="refunded already"):
        propose(world, order, nonce="n2")


def test_after_a_failed_refund_the_whole_may_be_sent_by_hand(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    order = world.paid_order(card="refund_fails")
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    for _ in range(6):
        world.later(minutes=30)
        world.settle()

    manual = propose(world, order, 502)
    manual_refunds.confirm(world.db, order, manual.id, by="ben", now=world.now)
    world.db.commit()

    assert balances(world) == {"provider_clearing": 502, "bank": -502}


def test_what_an_operator_sends_from_its_own_bank_moves_nothing_here(world: World) -> None:
    collected_by(world, CollectionMode.OPERATOR)
    order = world.paid_order()

    manual = propose(world, order)
    manual_refunds.confirm(world.db, order, manual.id, by="ben", now=world.now)
    world.db.commit()

    assert balances(world) == {"provider_clearing": 502, "operator_direct": -502}


def test_a_full_refund_and_a_part_at_the_same_moment_never_both(world: World, order: object) -> None:
    order_id, won = order.id, []
    world.db.commit()
    both = threading.Barrier(2)

    def act(do: object) -> None:
        with world.open_db() as db:
            mine = db.get_one(Order, order_id)
            db.commit()
            both.wait()
            try:
                do(db, mine)
                db.commit()
                won.append(do)
            except Refused:
                db.rollback()

    acts = (
        lambda db, mine: propose(world, mine, 502, db=db),
        lambda db, mine: refunds.request(db, mine, reason="Goodwill", by="ben", now=world.now),
    )
    threads = [threading.Thread(target=act, args=(do,)) for do in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
