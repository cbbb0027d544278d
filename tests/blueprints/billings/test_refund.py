"""Refund: the question, its refusal, the act, what changes on the page."""

import json

import pytest
from sqlalchemy import select

from domain.models.orders import Order, OrderStatus
from domain.models.payments import PaymentStatus, Refund, RefundStatus
from tests import factories
from tests.blueprints.conftest import HTMX

REASON = {"reason": "Charger fault", "note": "RCD tripped"}


def test_the_question_names_amount_card_and_consequence(alice, paid):
    question = alice.get("/billings/VD-2026-004821/refund", headers=HTMX).text

    assert "Refund €18.52 in full?" in question
    assert "<b>€18.52 goes back to Visa ending 4242</b>" in question
    assert "It is test money: no real money moves." in question
    assert "This cannot be undone." in question
    assert "Keep payment" in question


def test_without_a_reason_it_is_422_and_keeps_the_note(alice, db, paid):
    response = alice.post("/billings/VD-2026-004821/refund", data={"reason": "", "note": "RCD"}, headers=HTMX)

    assert response.status_code == 422
    assert "Choose a reason. It is kept in the audit log." in response.text
    assert 'aria-invalid="true"' in response.text
    assert 'value="RCD"' in response.text
    assert db.scalars(select(Refund)).all() == []


def test_it_goes_back_and_the_cells_change(alice, db, paid):
    response = alice.post("/billings/VD-2026-004821/refund", data=REASON, headers=HTMX)

    refund = db.scalars(select(Refund)).one()
    db.expire_all()
    assert response.status_code == 200
    assert (refund.amount_minor, refund.reason, refund.note, refund.asked_by) == (
        1852,
        "Charger fault",
        "RCD tripped",
        "alice@example.com",
    )
    assert (refund.status, db.get(Order, paid.id).status) == (RefundStatus.SUCCEEDED, OrderStatus.REFUNDED)
    assert f'id="o{paid.id}-refund" hx-swap-oob="true"' in response.text
    assert "refunded" in response.text
    assert json.loads(response.headers["HX-Trigger"]) == {
        "toast": "VD-2026-004821: €18.52 refunded.",
        "dialog-close": True,
    }
    assert response.headers["HX-Reswap"] == "none"


def test_without_scripts_it_is_303_to_the_order(alice, paid):
    response = alice.post("/billings/VD-2026-004821/refund", data=REASON, follow_redirects=True)

    assert response.request.path == "/billings/VD-2026-004821"
    assert "refunded" in response.text
    assert "Refund of €18.52 requested" in response.text
    assert "Charger fault, asked by alice@example.com. RCD tripped" in response.text


def test_on_the_orders_own_page_the_page_changes(alice, paid):
    here = {"HX-Current-URL": "http://localhost/billings/VD-2026-004821"}

    response = alice.post("/billings/VD-2026-004821/refund", data=REASON, headers=HTMX | here)

    assert 'id="order" hx-swap-oob="true"' in response.text


def test_a_second_click_is_harmless(alice, db, paid):
    alice.post("/billings/VD-2026-004821/refund", data=REASON, headers=HTMX)
    again = alice.post("/billings/VD-2026-004821/refund", data=REASON, headers=HTMX)

    assert again.status_code == 200
    assert len(db.scalars(select(Refund)).all()) == 1


def test_a_refunded_order_offers_no_second_refund(alice, paid):
    alice.post("/billings/VD-2026-004821/refund", data=REASON)

    question = alice.get("/billings/VD-2026-004821/refund").text
    row = alice.get("/billings").text

    assert "It is refunded already." in question
    assert 'href="/billings/VD-2026-004821/refund"' not in row


def test_an_order_nobody_paid_cannot_be_refunded(alice, db, make, charger):
    order = make(factories.order, make(factories.charging, charger))

    response = alice.post(f"/billings/{order.number}/refund", data=REASON, headers=HTMX)

    assert response.status_code == 422
    assert "No provider took money for it." in response.text
    assert db.scalars(select(Refund)).all() == []


def test_while_it_is_on_the_way_the_cell_asks_again(alice, db, paid):
    paid.status = OrderStatus.REFUNDING
    db.commit()

    waiting = alice.get("/billings").text
    cells = alice.get("/billings/VD-2026-004821/cells", headers=HTMX)
    paid.status = OrderStatus.REFUNDED
    db.commit()
    arrived = alice.get("/billings/VD-2026-004821/cells", headers=HTMX)

    assert 'hx-get="/billings/VD-2026-004821/cells"' in waiting
    assert "HX-Trigger" not in cells.headers
    assert json.loads(arrived.headers["HX-Trigger"]) == {"toast": "VD-2026-004821 is refunded."}
    assert 'hx-get="/billings/VD-2026-004821/cells"' not in arrived.text


def test_a_technician_may_not(bob, db, paid):
    assert bob.post("/billings/VD-2026-004821/refund", data=REASON).status_code == 403
    assert db.scalars(select(Refund)).all() == []


def test_charlie_cannot(charlie, db, paid):
    assert charlie.post("/billings/VD-2026-004821/refund", data=REASON).status_code == 404
    assert db.scalars(select(Refund)).all() == []


@pytest.mark.parametrize(
    ("verdict", "expected"), [("approve", PaymentStatus.CAPTURE_PENDING), ("waive", PaymentStatus.RELEASE_PENDING)]
)
def test_an_order_under_review_is_decided(alice, db, paid, verdict, expected):
    paid.flags, paid.status = ["meter_reset", "review"], OrderStatus.OPEN
    paid.payment.status, paid.payment.captured_minor = PaymentStatus.AUTHORISED, 0
    db.commit()

    page = alice.get("/billings/VD-2026-004821").text
    question = alice.get(f"/billings/VD-2026-004821/{verdict}", headers=HTMX)
    response = alice.post(f"/billings/VD-2026-004821/{verdict}")

    db.expire_all()
    assert "A person has to look before money is taken." in page
    assert "€18.52" in question.text
    assert response.status_code == 303
    assert paid.payment.status == expected


def test_an_order_that_waits_for_nobody_is_not_decided(alice, paid):
    response = alice.post("/billings/VD-2026-004821/approve", headers=HTMX)

    assert response.status_code == 422
    assert "does not wait for a review" in response.text
