"""Billing Center: from the ticked orders to Settled, as the operator and as the platform."""

import io

import openpyxl
import pypdfium2
import pytest
from sqlalchemy import select

from domain import books
from domain.models.mails import Mail
from domain.models.operators import Role
from domain.models.orders import OrderStatus
from domain.models.payments import CollectionMode, PaymentStatus
from domain.models.settlements import Settlement, SettlementStatus
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.factories import NOW

HERE = "/billing-center"
ACCOUNT = {"holder": "Harbour Oy", "account": "FI21 1234 5600 0007 85"}


@pytest.fixture
def order(db, make, harbour):
    """A paid order that the platform collected, 5.02, in the ledger."""
    charger = make(factories.charger, make(factories.station, harbour, name="Pier"), label="P-01")
    account = make(factories.payment_account, harbour, collection_mode=CollectionMode.PLATFORM)
    captured = {"status": PaymentStatus.CAPTURED, "captured_minor": 502, "captured_at": NOW}
    payment = make(factories.payment, charger, account, instrument="Visa", last4="4242", **captured)
    charging = make(factories.charging, charger, payment_id=payment.id)
    made = {"number": "VD-2026-004821", "status": OrderStatus.PAID, "is_test": True}
    order = make(factories.order, charging, payment_id=payment.id, collection_mode=CollectionMode.PLATFORM, **made)
    books.keep(db, payment, NOW)
    db.commit()
    return order


@pytest.fixture
def admin(make, sign_in):
    return sign_in(make(factories.user, None, Role.PLATFORM_ADMIN, email="admin@example.com"))


def the_only(db) -> Settlement:
    db.expire_all()
    row = db.scalars(select(Settlement)).one()
    db.commit()
    return row


def apply(client, order, nonce="n1"):
    return client.post(f"{HERE}/apply", data={"pick": order.id, "nonce": nonce, "currency": "EUR", "test": "1"})


def test_ready_orders_stand_there_with_what_they_bring(alice, order):
    for headers in ({}, HTMX):
        page = alice.get(HERE, headers=headers).text

        assert "VD-2026-004821" in page
        assert "€5.02" in page


def test_the_total_follows_the_ticks(alice, order):
    some = alice.get(f"{HERE}/total?currency=EUR&test=1&pick={order.id}", headers=HTMX).text
    none = alice.get(f"{HERE}/total?currency=EUR&test=1", headers=HTMX).text

    assert "You receive" in some
    assert "€5.02" in some
    assert "Tick the orders to be settled." in none


def test_the_question_names_orders_and_money(alice, order):
    question = alice.get(f"{HERE}/apply?currency=EUR&test=1&pick={order.id}", headers=HTMX).text

    assert "Apply for Settlement of 1 order?" in question
    assert "no real money moves" in question
    assert "No order is ticked" in alice.get(f"{HERE}/apply?currency=EUR&test=1", headers=HTMX).text


def test_from_applied_to_settled(alice, admin, db, order):
    assert apply(alice, order).status_code == 303
    settlement = the_only(db)
    here, there = f"{HERE}/settlements/{settlement.id}", f"/platform/settlements/{settlement.id}"
    assert "Every line agrees" in admin.get(there).text

    answers = [
        admin.post(f"{there}/approve"),
        alice.post(f"{here}/confirm", data=ACCOUNT),
    ]
    assert "FI2112345600000785" in admin.get(there).text
    answers += [
        admin.post(f"{there}/transfer", data={"reference": "RF18", "on": settlement.applied_at.date().isoformat()}),
        admin.post(f"{there}/settle"),
    ]

    assert [answer.status_code for answer in answers] == [303, 303, 303, 303]
    assert the_only(db).status is SettlementStatus.SETTLED
    page = alice.get(here).text
    assert "Settled" in page
    assert "FI•• •••• •785" in page
    assert "FI2112345600000785" not in page + admin.get(there).text
    to = db.scalars(select(Mail.to_address).order_by(Mail.id)).all()
    assert to == [
        "admin@example.com",
        "alice@example.com",
        "admin@example.com",
        "alice@example.com",
        "alice@example.com",
    ]


def test_a_rejection_says_why_and_frees_the_orders(alice, admin, db, order):
    apply(alice, order)
    there = f"/platform/settlements/{the_only(db).id}"

    refused = admin.post(f"{there}/reject", data={"reason": ""}, headers=HTMX)
    admin.post(f"{there}/reject", data={"reason": "Wrong month"})

    assert refused.status_code == 422
    assert "Wrong month" in alice.get(f"{HERE}/settlements/{the_only(db).id}").text
    assert "VD-2026-004821" in alice.get(HERE).text


def test_a_second_click_applies_once(alice, db, order):
    apply(alice, order)
    apply(alice, order)

    assert the_only(db).number == "S-2026-0001"


def test_what_is_ready_no_more_is_refused_in_a_sentence(alice, db, order):
    apply(alice, order)

    answer = alice.post(
        f"{HERE}/apply", data={"pick": order.id, "nonce": "n2", "currency": "EUR", "test": "1"}, headers=HTMX
    )

    assert answer.status_code == 422
    assert "not ready to settle any more" in answer.text


def test_a_wrong_account_is_told_at_its_field(alice, admin, db, order):
    apply(alice, order)
    settlement = the_only(db)
    admin.post(f"/platform/settlements/{settlement.id}/approve")

    answer = alice.post(
        f"{HERE}/settlements/{settlement.id}/confirm",
        data={"holder": "Harbour Oy", "account": "4242424242424242"},
        headers=HTMX,
    )

    assert answer.status_code == 422
    assert "number of a card" in answer.text


def test_the_statement_is_a_file_with_the_same_figures(alice, db, order):
    apply(alice, order)
    here = f"{HERE}/settlements/{the_only(db).id}"

    pdf = pypdfium2.PdfDocument(alice.get(f"{here}/statement.pdf").data)
    text = pdf[0].get_textpage().get_text_range()
    sheet = openpyxl.load_workbook(io.BytesIO(alice.get(f"{here}/statement.xlsx").data)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]

    assert "Statement S-2026-0001" in text
    assert "TEST: no money moved" in text
    assert "VD-2026-004821" in text
    assert rows[1][2] == "VD-2026-004821"
    assert rows[-1][rows[0].index("Payable")] == 5.02


def test_charlie_cannot_see_it(charlie, alice, db, order):
    order_id = order.id
    apply(alice, order)
    here = f"{HERE}/settlements/{the_only(db).id}"

    assert charlie.get(here).status_code == 404
    assert charlie.get(f"{here}/statement.pdf").status_code == 404
    assert charlie.post(f"{here}/confirm", data=ACCOUNT).status_code == 404
    assert "VD-2026-004821" not in charlie.get(HERE).text
    stolen = charlie.post(f"{HERE}/apply", data={"pick": order_id, "nonce": "x", "currency": "EUR", "test": "1"})
    assert stolen.status_code == 422


@pytest.mark.parametrize("picks", ["abc", "-1", "99999999999999999999", ""])
def test_rubbish_applies_for_nothing(alice, db, order, picks):
    answer = alice.post(f"{HERE}/apply", data={"pick": picks, "nonce": "n", "currency": "EUR", "test": "1"})

    assert answer.status_code == 422
    assert db.scalars(select(Settlement)).all() == []
