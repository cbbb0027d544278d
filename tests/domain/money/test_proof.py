"""The nightly proof finds what does not agree, and says nothing when everything does."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

import worker
from domain import money_items, money_watch, proof, proving, refunds
from domain.db import read_only
from domain.errors import Conflict, Refused
from domain.models.money_items import MoneyItem, MoneyItemKind, ProofRun
from domain.models.orders import Order, OrderLine
from domain.models.payments import CollectionMode, Payment, PaymentStatus, SandboxObject
from tests.domain.money.test_ledger import _without_guards, collected_by
from tests.money_world import World

K = MoneyItemKind


def items(world: World) -> list[tuple[MoneyItemKind, str]]:
    with read_only(), world.open_db() as db:
        rows = db.scalars(select(MoneyItem).where(MoneyItem.resolved_at.is_(None)).order_by(MoneyItem.id))
        return [(item.kind, item.key) for item in rows]


@pytest.fixture
def order(world: World) -> Order:
    collected_by(world, CollectionMode.PLATFORM)
    return world.paid_order()


def prove(world: World) -> ProofRun:
    return proving.run(world.till, world.now)


def test_books_that_agree_open_nothing(world: World, order: Order) -> None:
    world.paid_order(token="u" * 40, energy_wh=100_000)
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    world.settle()
    world.later(hours=12)

    run = prove(world)

    assert items(world) == []
    # Two captures and a refund at the provider; a capture and a refund (2), a capture and a shortfall and its end.
    assert run.counts == {"orders": 2, "payments": 2, "journals": 6, "lines": 3, "differences": 0}


def test_it_runs_once_a_day(world: World, order: Order) -> None:
    worker.prove(world.till, world.now)
    worker.prove(world.till, world.now + timedelta(hours=23))
    worker.prove(world.till, world.now + timedelta(hours=24))

    assert len(world.db.scalars(select(ProofRun)).all()) == 2


def test_a_missing_journal_is_found_and_closes_once_it_is_there(world: World, order: Order) -> None:
    with world.engine.begin() as connection:
        _without_guards(connection, "DELETE FROM posting", "DELETE FROM journal")
    prove(world)
    assert items(world) == [(K.BOOKS, f"books:ledger:{order.payment_id}")]

    worker.keep_books(world.till, world.now)
    prove(world)

    assert items(world) == []


def test_a_line_that_was_changed_by_hand_is_found(world: World, order: Order) -> None:
    world.db.execute(update(OrderLine).values(net_minor=401, gross_minor=503))
    world.db.commit()

    prove(world)

    assert items(world) == [(K.BOOKS, f"books:lines:order:{order.id}")]


def test_another_amount_in_the_payment_is_found(world: World, order: Order) -> None:
    world.db.execute(update(Payment).values(captured_minor=500))
    world.db.commit()
    world.later(hours=12)

    prove(world)

    assert {kind for kind, _ in items(world)} == {K.BOOKS, K.AMOUNT}


def test_what_the_provider_does_not_list_is_found(world: World, order: Order) -> None:
    world.db.execute(text("DELETE FROM sandbox_object"))
    world.db.commit()
    world.later(hours=12)

    prove(world)

    assert items(world) == [(K.MISSING_THERE, f"missing_there:charge:{order.payment_id}")]


def test_what_is_known_at_the_provider_only_is_found(world: World, order: Order) -> None:
    asked = {"amount": 900, "currency": "EUR", "description": "x", "back_to": "/"}
    state = {"asked": asked, "status": "captured", "captured": 900, "calls": {}, "captured_at": world.now.isoformat()}
    world.db.add(SandboxObject(ref="sbx_pay_x", idempotency_key="x", kind="payment", state=state, created_at=world.now))
    world.db.commit()
    world.later(hours=12)

    prove(world)

    assert [kind for kind, _ in items(world)] == [K.MISSING_HERE]


def test_a_session_that_was_never_billed_is_found(world: World) -> None:
    charging = world.charge(None, 10_000)
    world.later(hours=2)

    prove(world)
    assert items(world) == [(K.NOT_BILLED, f"not_billed:{charging.id}")]

    world.bill()
    prove(world)
    assert items(world) == []


# --- Watched minute by minute --------------------------------------------------------------------------------


def watch(world: World) -> list[tuple[MoneyItemKind, str]]:
    worker.watch_money(world.till, world.now)
    return items(world)


def test_a_capture_that_failed_stays_until_a_person_closes_it(world: World, order: Order) -> None:
    world.db.execute(update(Payment).values(status=PaymentStatus.CAPTURE_FAILED, failure="Card blocked"))
    world.db.commit()
    assert watch(world) == [(K.CAPTURE_FAILED, f"capture_failed:{order.payment_id}")]
    item = world.db.scalars(select(MoneyItem)).one()
    assert item.text == "The provider refused to take the money: Card blocked"
    operator_id = world.charger.operator_id

    with pytest.raises(Refused, match="Say what was done"):
        money_items.resolve(world.db, operator_id, item.id, note=" ", by="ann", now=world.now)
    money_items.resolve(world.db, operator_id, item.id, note="Written off", by="ann", now=world.now)
    world.db.commit()

    assert watch(world) == []
    with pytest.raises(Conflict, match="closed already"):
        money_items.resolve(world.db, operator_id, item.id, note="Again", by="ben", now=world.now)


def test_a_failed_refund_is_on_the_list_until_it_is_tried_again(world: World) -> None:
    order = world.paid_order(card="refund_fails")
    first = refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    for _ in range(6):
        world.later(minutes=30)
        world.settle()
    assert watch(world) == [(K.REFUND_FAILED, f"refund_failed:{first.id}")]

    world.set_card(world.payment_of(order), "success")
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()

    assert watch(world) == []


def test_a_bug_of_ours_is_on_the_list(world: World) -> None:
    payment = world.pay()
    world.db.execute(update(Payment).values(alarm="unknown parameter"))
    world.db.commit()

    assert watch(world) == [(K.ALARM, f"alarm:{payment.id}")]


def test_a_hold_that_outlives_its_session_is_on_the_list(world: World) -> None:
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()
    world.db.execute(update(Payment).values(status=PaymentStatus.AUTHORISED))
    world.db.commit()
    assert watch(world) == []
    world.later(hours=1)

    assert watch(world) == [(K.HOLD_STANDS, f"hold_stands:{payment.id}")]


def test_nothing_is_written_while_nothing_changes(world: World, order: Order) -> None:
    assert money_watch.watch(world.db, world.now) == 0
    assert not world.db.dirty
    assert not world.db.new
    assert proof.newest_runs(world.db) == []
