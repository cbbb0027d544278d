"""Settlements: from the application to the transfer, every step by whom it should be, and no order twice.

The world's order is 5.02, of 4.00 and 1.02 VAT; with a fee of 5 % and 0.10 the operator gets 4.67.
"""

import threading
from datetime import date

import pytest
from sqlalchemy import func, select

from domain import manual_refunds, refunds, settlement_lines, settlements
from domain.errors import Conflict, NotFound, Refused
from domain.ledger import Account, balances
from domain.models.ledger import AccountKind
from domain.models.payments import CollectionMode
from domain.models.settlements import LineKind, Settlement, SettlementLine, SettlementStatus
from tests import factories
from tests.domain.money.test_ledger import agree, collected_by
from tests.money_world import World

S = SettlementStatus
IBAN = "FI21 1234 5600 0007 85"


@pytest.fixture
def paid(world: World) -> object:
    collected_by(world, CollectionMode.PLATFORM)
    agree(world)
    order = world.paid_order()
    world.db.commit()
    return order


def apply(world: World, *order_ids: int, nonce: str = "n1", by: str = "owner", db: object = None) -> Settlement:
    made = settlements.apply(
        db or world.db,
        world.charger.operator_id,
        "EUR",
        is_test=True,
        order_ids=order_ids or None,
        nonce=nonce,
        by=by,
        now=world.now,
    )
    (db or world.db).commit()
    return made


def go_on(world: World, settlement: Settlement, to: SettlementStatus) -> None:
    """All steps up to that one, by whom they should be."""
    operator_id, db, now = world.charger.operator_id, world.db, world.now
    steps = {
        S.APPROVED: lambda: settlements.approve(db, settlement.id, by="admin", now=now),
        S.CONFIRMED: lambda: settlements.confirm(
            db, operator_id, settlement.id, holder="Harbour Oy", account=IBAN, secret_key="k", by="owner", now=now
        ),
        S.TRANSFERRING: lambda: settlements.transfer(
            db, settlement.id, reference="RF18", on=now.date(), by="admin", now=now
        ),
        S.SETTLED: lambda: settlements.settle(db, settlement.id, by="admin", now=now),
    }
    for status, step in steps.items():
        step()
        db.commit()
        if status is to:
            return


def owed(world: World) -> int:
    found = balances(world.db, Account(AccountKind.OPERATOR_PAYABLE, world.charger.operator_id), is_test=True)
    return -found.get("EUR", 0)


def ready(world: World) -> list[int]:
    found = settlement_lines.ready(world.db, world.charger.operator_id, "EUR", is_test=True, limit=10)
    return [line.order_id for line in found]


def test_the_statement_is_frozen_when_the_operator_applies(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)

    (line,) = settlement.lines
    assert (line.gross_minor, line.vat_minor, line.vat_rates, line.captured_minor) == (502, 102, "25.5", 502)
    assert (line.fee_minor, line.tax_minor, line.carried_minor, line.payable_minor) == (35, 0, 0, 467)
    assert (settlement.orders, settlement.payable_minor, settlement.fee_minor) == (1, 467, 35)
    assert (settlement.number, settlement.status) == ("S-2026-0001", S.APPLIED)
    assert owed(world) == 0
    assert ready(world) == []


def test_from_the_application_to_the_money(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)

    go_on(world, settlement, S.SETTLED)

    assert settlement.status is S.SETTLED
    assert (settlement.account_holder, settlement.account_ending) == ("Harbour Oy", "FI•• •••• •785")
    assert "0007" not in (settlement.sealed_account or "")
    assert (settlement.transfer_reference, settlement.transferred_on) == ("RF18", world.now.date().isoformat())
    assert balances(world.db, Account(AccountKind.BANK), is_test=True) == {"EUR": -467}
    pending = Account(AccountKind.SETTLEMENT_PENDING, world.charger.operator_id)
    assert balances(world.db, pending, is_test=True) == {"EUR": 0}


def test_a_rejection_frees_the_orders(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)

    with pytest.raises(Refused, match="Say why"):
        settlements.reject(world.db, settlement.id, reason=" ", by="admin", now=world.now)
    settlements.reject(world.db, settlement.id, reason="Wrong month", by="admin", now=world.now)
    world.db.commit()

    assert owed(world) == 467
    assert ready(world) == [paid.id]
    again = apply(world, paid.id, nonce="n2")
    assert (again.number, again.payable_minor) == ("S-2026-0002", 467)


def test_nobody_decides_about_their_own(world: World, paid: object) -> None:
    settlement = apply(world, paid.id, by="both")

    for act in (settlements.approve, lambda *a, **k: settlements.reject(*a, reason="x", **k)):
        with pytest.raises(Refused, match="applied for this settlement yourself"):
            act(world.db, settlement.id, by="both", now=world.now)


def test_steps_come_in_their_order_and_twice_is_once(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)
    with pytest.raises(Conflict, match="applied by now"):
        settlements.settle(world.db, settlement.id, by="admin", now=world.now)
    with pytest.raises(Conflict, match="does not wait for your confirmation"):
        settlements.confirm(
            world.db,
            world.charger.operator_id,
            settlement.id,
            holder="x",
            account=IBAN,
            secret_key="k",
            by="owner",
            now=world.now,
        )

    go_on(world, settlement, S.SETTLED)
    settlements.settle(world.db, settlement.id, by="admin", now=world.now)
    world.db.commit()

    assert balances(world.db, Account(AccountKind.BANK), is_test=True) == {"EUR": -467}
    with pytest.raises(Conflict, match="settled by now"):
        settlements.reject(world.db, settlement.id, reason="late", by="admin", now=world.now)


def test_the_same_form_sent_twice_is_one_application(world: World, paid: object) -> None:
    assert apply(world, paid.id) is apply(world, paid.id)


def test_an_order_is_settled_once(world: World, paid: object) -> None:
    apply(world, paid.id)

    with pytest.raises(Refused, match="not ready to settle any more"):
        apply(world, paid.id, nonce="n2")


def test_a_refund_after_the_application_is_taken_off_the_next(world: World, paid: object) -> None:
    first = apply(world, paid.id)
    go_on(world, first, S.SETTLED)
    refunds.request(world.db, paid, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    world.settle()
    world.later(minutes=30)
    others = [world.paid_order(token=str(number) * 40).id for number in range(3)]
    world.db.commit()

    second = apply(world, *others, nonce="n2")

    # Three times 4.67, less the 5.02 of which the platform keeps its fee: the operator was paid 4.67 and gives it back
    # with the 0.35 that stay with the platform.
    carried = [line for line in second.lines if line.kind is LineKind.CARRIED]
    assert [(line.order_id, line.payable_minor) for line in carried] == [(paid.id, -502)]
    assert (second.carried_minor, second.payable_minor) == (-502, 3 * 467 - 502)
    assert owed(world) == 0


def test_a_refund_that_fails_after_it_was_carried_comes_back(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    bad = world.paid_order(card="refund_fails")
    world.db.commit()
    apply(world, bad.id)
    good = [world.paid_order(token=str(number) * 40).id for number in range(2)]
    refunds.request(world.db, bad, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    second = apply(world, *good, nonce="n2")
    for _ in range(6):
        world.later(minutes=30)
        world.settle()
    last = world.paid_order(token="z" * 40)
    world.db.commit()

    third = apply(world, last.id, nonce="n3")

    assert (second.carried_minor, third.carried_minor) == (-502, 502)
    assert owed(world) == 0


def test_nothing_is_paid_while_more_was_given_back(world: World, paid: object) -> None:
    apply(world, paid.id)
    refunds.request(world.db, paid, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    world.settle()
    other = world.paid_order(token="u" * 40)
    world.db.commit()

    with pytest.raises(Refused, match="Nothing would be paid"):
        apply(world, other.id, nonce="n2")


def test_a_part_given_back_by_hand_lowers_its_line(world: World, paid: object) -> None:
    manual = manual_refunds.propose(
        world.db, paid, amount_minor=100, bank_reference="R", reason="r", nonce="n", by="ann", now=world.now
    )
    assert ready(world) == []
    manual_refunds.confirm(world.db, paid, manual.id, by="ben", now=world.now)
    world.db.commit()

    (line,) = apply(world, paid.id).lines

    assert (line.carried_minor, line.payable_minor) == (-100, 367)


def test_only_what_is_settled_by_the_platform_is_ready(world: World, paid: object) -> None:
    assert ready(world) == [paid.id]
    collected_by(world, CollectionMode.OPERATOR)
    world.paid_order(token="u" * 40)
    world.db.commit()
    assert ready(world) == [paid.id]

    refunds.request(world.db, paid, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    assert ready(world) == []


def test_above_the_limit_a_second_person_records_the_transfer(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)
    go_on(world, settlement, S.CONFIRMED)
    settlement.payable_minor = 1_000_001  # 10,000.01
    world.db.commit()

    with pytest.raises(Refused, match="Another person has to record"):
        settlements.transfer(world.db, settlement.id, reference="R", on=world.now.date(), by="admin", now=world.now)
    settlements.transfer(world.db, settlement.id, reference="R", on=world.now.date(), by="other", now=world.now)


@pytest.mark.parametrize(("reference", "on"), [("", None), ("R", date(2020, 1, 1)), ("R", date(2090, 1, 1))])
def test_a_transfer_needs_reference_and_day(world: World, paid: object, reference: str, on: date | None) -> None:
    settlement = apply(world, paid.id)
    go_on(world, settlement, S.CONFIRMED)

    with pytest.raises(Refused):
        settlements.transfer(
            world.db, settlement.id, reference=reference, on=on or world.now.date(), by="admin", now=world.now
        )


def test_a_transfer_that_comes_back_asks_for_the_account_again(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)
    go_on(world, settlement, S.TRANSFERRING)

    settlements.transfer_failed(world.db, settlement.id, reason="Account closed", by="admin", now=world.now)
    world.db.commit()
    assert settlement.failure == "Account closed"
    go_on(world, _reset(settlement), S.SETTLED)

    assert settlement.status is S.SETTLED


def _reset(settlement: Settlement) -> Settlement:
    settlement.status = S.APPLIED  # the steps after it are the same again
    return settlement


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("4242 4242 4242 4242", "number of a card"),
        ("FI21 1234 5600 0007 86", "do not fit together"),
        ("12", "Enter an IBAN"),
        ("", "Enter an IBAN"),
    ],
)
def test_what_is_no_bank_account_is_refused(world: World, paid: object, account: str, sentence: str) -> None:
    settlement = apply(world, paid.id)
    go_on(world, settlement, S.APPROVED)

    with pytest.raises(Refused, match=sentence):
        settlements.confirm(
            world.db,
            world.charger.operator_id,
            settlement.id,
            holder="Harbour Oy",
            account=account,
            secret_key="k",
            by="owner",
            now=world.now,
        )


def test_another_operators_settlement_is_not_found(world: World, paid: object) -> None:
    settlement = apply(world, paid.id)
    other = factories.operator(world.db)
    world.db.commit()

    with pytest.raises(NotFound):
        settlements.of_operator(world.db, other.id, settlement.id)


def test_two_who_apply_for_the_same_order_settle_it_once(world: World, paid: object) -> None:
    order_id, made, together = paid.id, [], threading.Barrier(2)

    def press(nonce: str) -> None:
        with world.open_db() as db:
            db.commit()
            together.wait()
            try:
                made.append(apply(world, order_id, nonce=nonce, db=db))
            except Refused:
                db.rollback()

    threads = [threading.Thread(target=press, args=(nonce,)) for nonce in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    live = select(func.count()).select_from(SettlementLine).where(SettlementLine.is_live)
    assert world.db.scalar(live) == 1
