"""A part given back by hand: recorded by one, confirmed by another, never more than what was paid."""

import pytest
from sqlalchemy import select

from domain.models.manual_refunds import ManualRefund, ManualRefundStatus
from domain.models.operators import Role
from tests import factories
from tests.blueprints.conftest import HTMX

HERE = "/billings/VD-2026-004821/bank-transfer"
TYPED = {"amount": "2,50", "bank_reference": "RF18 5390", "reason": "Stopped early", "nonce": "n1"}


def the_only(db):
    row = db.scalars(select(ManualRefund)).one()
    db.commit()  # lets go of SQLite's lock
    return row


@pytest.fixture
def owner(make, sign_in, harbour):
    return sign_in(make(factories.user, harbour, Role.OWNER, email="olga@example.com"))


def test_the_form_says_what_is_left_and_what_it_means(alice, paid):
    form = alice.get(HERE, headers=HTMX).text

    assert "up to €18.52" in form
    assert "send the transfer at your bank first" in form


def test_one_records_another_confirms(alice, owner, db, paid):
    recorded = alice.post(HERE, data=TYPED)
    manual = the_only(db)
    confirmed = owner.post(f"{HERE}/{manual.id}/confirm")
    db.expire_all()

    assert (recorded.status_code, confirmed.status_code) == (303, 303)
    assert (manual.amount_minor, manual.bank_reference) == (250, "RF18 5390")
    assert (manual.status, manual.asked_by, manual.decided_by) == (
        ManualRefundStatus.CONFIRMED,
        "alice@example.com",
        "olga@example.com",
    )
    page = alice.get("/billings/VD-2026-004821").text
    assert "€2.50 given back by bank transfer" in page
    assert 'id="act-refund"' not in page


def test_nobody_confirms_their_own(alice, db, paid):
    alice.post(HERE, data=TYPED)
    manual = the_only(db)

    response = alice.post(f"{HERE}/{manual.id}/confirm", headers=HTMX)

    assert response.status_code == 422
    assert "Another person has to confirm it." in response.text


def test_a_second_click_records_nothing_more(alice, db, paid):
    alice.post(HERE, data=TYPED)
    alice.post(HERE, data=TYPED)

    assert len(db.scalars(select(ManualRefund)).all()) == 1


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("", "Enter the amount."),
        ("0", "Enter an amount above zero."),
        ("-1", "Enter an amount above zero."),
        ("18.53", "This is more than what was paid"),
        ("1.234", "at most 2 decimals"),
        ("1e99", "at most 2 decimals"),
        ("NaN", "at most 2 decimals"),
        ("Infinity", "at most 2 decimals"),
        ("two", "at most 2 decimals"),
    ],
)
def test_absurd_amounts_are_refused_and_kept(alice, db, paid, amount, sentence):
    response = alice.post(HERE, data=TYPED | {"amount": amount}, headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert 'value="RF18 5390"' in response.text
    assert db.scalars(select(ManualRefund)).all() == []


def test_one_that_was_withdrawn_does_not_count(alice, db, paid):
    alice.post(HERE, data=TYPED)
    manual = the_only(db)

    alice.post(f"{HERE}/{manual.id}/withdraw")

    db.expire_all()
    assert manual.status is ManualRefundStatus.WITHDRAWN
    assert 'id="act-refund"' in alice.get("/billings/VD-2026-004821").text


def test_charlie_cannot_see_it(charlie, db, paid):
    manual = factories.manual_refund(db, paid)
    db.commit()

    assert charlie.get(HERE).status_code == 404
    assert charlie.post(HERE, data=TYPED).status_code == 404
    assert charlie.post(f"{HERE}/{manual.id}/confirm").status_code == 404


def test_a_transfer_of_another_order_is_not_found(alice, make, charger, paid):
    other = make(factories.order, make(factories.charging, charger))
    manual = make(factories.manual_refund, other)

    assert alice.get(f"{HERE}/{manual.id}/confirm").status_code == 404
