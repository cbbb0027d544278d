"""Disputes: told by the provider, locked against refunds, booked."""

from dataclasses import replace

import pytest

from domain import disputes, manual_refunds, payment_accounts, refunds
from domain.errors import Refused
from domain.models.disputes import DisputeStatus
from domain.models.payments import CollectionMode
from domain.payment_provider import DisputeFacts
from tests.domain.money.test_ledger import balances, collected_by
from tests.money_world import World

D = DisputeStatus


def facts(world: World, order: object, status: DisputeStatus = D.OPEN, **values: object) -> DisputeFacts:
    payment = world.payment_of(order)
    return replace(
        DisputeFacts(
            ref="dp_1",
            status=status,
            currency="EUR",
            amount_minor=502,
            payment_refs=(payment.provider_ref,),
            reference=None,
            reason="fraudulent",
            is_withdrawn=True,
        ),
        **values,
    )


def tell(world: World, order: object, status: DisputeStatus = D.OPEN, **values: object) -> object:
    payment, told = world.payment_of(order), facts(world, order, status, **values)
    account = payment_accounts.holder(world.db, payment.payment_account_id)
    dispute = disputes.record(world.db, account, told, world.now)
    world.db.commit()
    return dispute


@pytest.fixture
def order(world: World) -> object:
    collected_by(world, CollectionMode.PLATFORM)
    return world.paid_order()


def test_an_open_dispute_holds_the_money_and_locks_the_order(world: World, order: object) -> None:
    tell(world, order)

    assert balances(world) == {"dispute_held": 502, "operator_payable": -502}
    with pytest.raises(Refused, match="bank disputes this payment"):
        refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    with pytest.raises(Refused, match="bank disputes this payment"):
        manual_refunds.propose(
            world.db, order, amount_minor=100, bank_reference="R", reason="r", nonce="n", by="ann", now=world.now
        )


def test_a_lost_dispute_is_the_operators_loss(world: World, order: object) -> None:
    tell(world, order)
    tell(world, order, D.LOST)

    assert balances(world) == {}


def test_a_won_dispute_brings_the_money_back(world: World, order: object) -> None:
    tell(world, order)
    tell(world, order, D.WON, is_withdrawn=False)

    assert balances(world) == {"provider_clearing": 502, "operator_payable": -502}
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)


def test_late_and_repeated_news_change_nothing(world: World, order: object) -> None:
    first = tell(world, order, D.LOST)
    again = tell(world, order, D.OPEN)
    tell(world, order, D.LOST)

    assert again is first
    assert first.status is D.LOST
    assert balances(world) == {}


def test_an_inquiry_moves_nothing_until_the_money_is_withdrawn(world: World, order: object) -> None:
    tell(world, order, is_withdrawn=False)
    assert balances(world) == {"provider_clearing": 502, "operator_payable": -502}

    tell(world, order, is_withdrawn=True)
    assert balances(world) == {"dispute_held": 502, "operator_payable": -502}


def test_a_dispute_about_an_unknown_payment_is_none_of_ours(world: World, order: object) -> None:
    assert tell(world, order, payment_refs=("pi_of_somebody_else",)) is None
