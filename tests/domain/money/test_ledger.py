"""The ledger: what each event moves, worked by hand, and what the database itself refuses.

The world's order: 10 kWh at 0.40 without VAT, 4.00 + 1.02 VAT = 5.02.
"""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from domain import books, contracts, ledger, payments, refunds
from domain.db import read_only
from domain.ledger import Account, Entry, Leg
from domain.models import ledger_guards
from domain.models.guards import create_statements, drop_statements
from domain.models.ledger import AccountKind, Journal, JournalKind, LedgerAccount, Posting
from domain.models.payments import CollectionMode, PaymentAccount
from tests.factories import NOW
from tests.money_world import World

A, J = AccountKind, JournalKind


def agree(world: World, **values: object) -> None:
    terms = {"fee_basis_points": 500, "fee_fixed_minor": 10, "is_vat_owed_by_platform": False, "is_fee_refunded": False}
    contracts.agree(world.db, world.charger.operator_id, "EUR", **(terms | values), by="admin", now=world.now)
    world.db.commit()


def collected_by(world: World, mode: CollectionMode) -> None:
    for account in world.db.scalars(select(PaymentAccount)):
        account.collection_mode = mode
    world.db.commit()


def balances(world: World) -> dict[str, int]:
    """Every account that is not empty, by its name without the operator or payment account."""
    with read_only(), world.open_db() as db:
        rows = db.execute(
            select(LedgerAccount.name, Posting.amount_minor).join(Posting, Posting.account_id == LedgerAccount.id)
        ).all()
    found: dict[str, int] = {}
    for name, amount in rows:
        kind = name.removeprefix("test:").partition(":")[0]
        found[kind] = found.get(kind, 0) + amount
    return {kind: amount for kind, amount in found.items() if amount}


def test_a_capture_by_the_platform_is_owed_to_the_operator(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)

    world.paid_order()

    assert balances(world) == {"provider_clearing": 502, "operator_payable": -502}


def test_fee_and_vat_are_kept_back_as_agreed(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    agree(world, is_vat_owed_by_platform=True)

    world.paid_order()

    # 5 % of 5.02 is 25.1 cents, so 25, and 10 for the order; the VAT is 1.02; 5.02 - 0.35 - 1.02 = 3.65.
    assert balances(world) == {
        "provider_clearing": 502,
        "operator_payable": -365,
        "platform_fee": -35,
        "tax_payable": -102,
    }


def test_what_the_operator_collects_is_never_owed_to_him(world: World) -> None:
    collected_by(world, CollectionMode.OPERATOR)
    agree(world)

    world.paid_order()

    assert balances(world) == {
        "provider_clearing": 502,
        "operator_direct": -502,
        "fee_receivable": 35,
        "platform_fee": -35,
    }


def test_terms_agreed_later_do_not_touch_an_order(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    order = world.paid_order()

    agree(world, fee_basis_points=10_000)

    assert balances(world) == {"provider_clearing": 502, "operator_payable": -502}
    assert order.contract_id is None


@pytest.mark.parametrize(
    ("is_fee_refunded", "left"),
    [(True, {}), (False, {"operator_payable": 35, "platform_fee": -35})],
    ids=["fee goes back", "fee is kept"],
)
def test_a_refund_takes_it_from_the_operator(world: World, is_fee_refunded: bool, left: dict[str, int]) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    agree(world, is_fee_refunded=is_fee_refunded)
    order = world.paid_order()

    refund = refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    requested = balances(world)
    world.settle()

    assert requested["refunds_pending"] == -502
    assert requested["provider_clearing"] == 502
    assert balances(world) == left
    assert world.fresh(refund).status == "succeeded"


def test_a_refund_that_fails_is_taken_back_whole(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    agree(world)
    order = world.paid_order(card="refund_fails")
    paid = balances(world)
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()

    for _ in range(6):
        world.later(minutes=30)
        world.settle()

    assert world.fresh(order).status == "refund_failed"
    assert balances(world) == paid


def test_a_refund_that_the_bank_returns_later_is_taken_back_too(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)
    order = world.paid_order()
    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    world.settle()
    assert balances(world) == {}

    world.set_card(world.payment_of(order), "refund_fails")
    world.later(days=2)
    world.settle()

    assert world.fresh(order).status == "refund_failed"
    assert balances(world) == {"provider_clearing": 502, "operator_payable": -502}


def test_a_shortfall_of_a_guest_is_written_off_at_once(world: World) -> None:
    collected_by(world, CollectionMode.PLATFORM)

    # 100 kWh are 40.00 + 10.20 = 50.20; the hold is 45.00.
    order = world.paid_order(energy_wh=100_000)

    assert order.shortfall_minor == 520
    assert balances(world) == {"provider_clearing": 4500, "operator_payable": -4500}
    kinds = world.db.scalars(select(Journal.kind).order_by(Journal.id)).all()
    assert kinds == [J.CAPTURE, J.SHORTFALL, J.SHORTFALL_WRITTEN_OFF]


def test_what_is_known_is_booked_once_however_often_it_is_kept(world: World) -> None:
    order = world.paid_order()
    payment = payments.locked(world.db, order.payment_id)

    again = books.keep(world.db, payment, world.now)

    assert again == []
    world.db.commit()
    assert len(world.db.scalars(select(Journal)).all()) == 1


def test_payments_from_before_the_ledger_are_booked_by_the_worker(world: World) -> None:
    world.paid_order()
    with world.engine.begin() as connection:
        _without_guards(connection, "DELETE FROM posting", "DELETE FROM journal")
    assert balances(world) == {}

    world.sweep()

    assert balances(world)["provider_clearing"] == 502


def test_test_money_has_accounts_of_its_own(world: World) -> None:
    world.paid_order()

    names = world.db.scalars(select(LedgerAccount.name)).all()

    assert names
    assert all(name.startswith("test:") for name in names)


# --- What the database refuses -----------------------------------------------------------------------------------


def entry(amount: int = 100, key: str = "by hand", **values: object) -> Entry:
    legs = (Leg(Account(A.BANK), amount, "EUR"), Leg(Account(A.PROVIDER_FEE), -amount, "EUR"))
    return Entry(J.PROVIDER_PAYOUT, key, legs, NOW, is_test=False, **values)


def refused(world: World, statement: object, *rows: object) -> str:
    with pytest.raises(DatabaseError) as caught:
        world.db.execute(statement, *rows)
        world.db.commit()
    world.db.rollback()
    return str(caught.value)


def test_journals_and_postings_are_never_changed_or_deleted(world: World) -> None:
    ledger.record(world.db, [entry()], NOW)
    world.db.commit()

    for statement in (
        update(Journal).values(operator_id=None),
        delete(Journal),
        update(Posting).values(amount_minor=7),
        delete(Posting),
    ):
        assert "only ever added to" in refused(world, statement)


def test_nothing_is_added_to_a_journal_that_stands(world: World) -> None:
    (journal_id,) = ledger.record(world.db, [entry()], NOW)
    world.db.commit()
    account_id = world.db.scalars(select(LedgerAccount.id)).first()

    row = {"journal_id": journal_id, "account_id": account_id, "amount_minor": 5, "currency": "EUR", "is_test": False}

    assert "nothing is added to a journal that stands" in refused(world, insert(Posting), [row])


def test_a_journal_that_does_not_balance_is_refused(world: World) -> None:
    ledger.record(world.db, [entry()], NOW)
    world.db.commit()
    account_id = world.db.scalars(select(LedgerAccount.id)).first()
    posting = {"journal_id": 99, "account_id": account_id, "amount_minor": 5, "currency": "EUR", "is_test": False}
    journal = {"id": 99, "kind": J.CAPTURE, "idempotency_key": "x", "occurred_at": NOW, "recorded_at": NOW}

    world.db.execute(insert(Posting), [posting])

    assert "has to sum to zero" in refused(world, insert(Journal), [journal | {"is_test": False}])


def test_a_posting_without_its_journal_is_refused_at_the_end(world: World) -> None:
    ledger.record(world.db, [entry()], NOW)
    world.db.commit()
    account_id = world.db.scalars(select(LedgerAccount.id)).first()
    posting = {"journal_id": 99, "account_id": account_id, "amount_minor": 5, "currency": "EUR", "is_test": False}

    assert "foreign key" in refused(world, insert(Posting), [posting]).lower()


def test_test_money_never_meets_real_money(world: World) -> None:
    ledger.record(world.db, [entry()], NOW)
    world.db.commit()
    account_id = world.db.scalars(select(LedgerAccount.id)).first()
    posting = {"journal_id": 99, "account_id": account_id, "amount_minor": 5, "currency": "EUR", "is_test": True}

    assert "foreign key" in refused(world, insert(Posting), [posting]).lower()


def test_an_entry_that_does_not_sum_to_zero_is_a_bug(world: World) -> None:
    legs = (Leg(Account(A.BANK), 5, "EUR"), Leg(Account(A.PROVIDER_FEE), -5, "SEK"))

    with pytest.raises(ValueError, match="does not sum to zero"):
        ledger.record(world.db, [Entry(J.PROVIDER_FEE, "k", legs, NOW, is_test=False)], NOW)


def test_an_entry_is_reversed_once(world: World) -> None:
    first = entry()
    back = ledger.reversal(J.REFUND_FAILED, "back", first, NOW + timedelta(hours=1))

    made = ledger.record(world.db, [first, back], NOW)
    world.db.commit()

    assert len(made) == 2
    assert ledger.balances(world.db, Account(A.BANK), is_test=False) == {"EUR": 0}
    journal = {"id": 99, "kind": J.REFUND_FAILED, "idempotency_key": "y", "occurred_at": NOW, "recorded_at": NOW}
    posting = {"journal_id": 99, "currency": "EUR", "is_test": False}
    accounts = world.db.scalars(select(LedgerAccount.id).order_by(LedgerAccount.id)).all()
    rows = [
        posting | {"account_id": accounts[0], "amount_minor": 1},
        posting | {"account_id": accounts[1], "amount_minor": -1},
    ]
    world.db.execute(insert(Posting), rows)
    assert "unique" in refused(world, insert(Journal), [journal | {"is_test": False, "reverses_id": made[0]}]).lower()


def _without_guards(connection: Connection, *statements: str) -> None:
    dialect = connection.dialect.name
    off, on = drop_statements(ledger_guards.GUARDS, dialect), create_statements(ledger_guards.GUARDS, dialect)
    for statement in (*off, *statements, *on):
        connection.execute(text(statement))
