"""How operators get their money: Order Manage, Billing Center, Apply for Settlement, to Settled."""

import pytest
from playwright.sync_api import expect

from domain import books
from domain.clock import utcnow
from domain.models.operators import Role
from domain.models.orders import OrderStatus
from domain.models.payments import CollectionMode, PaymentStatus
from tests import factories


@pytest.fixture
def people(db, make):
    """An owner with a paid order of 5.02 that the platform collected, and a platform admin."""
    operator = make(factories.operator, name="Harbour Energy")
    charger = make(factories.charger, make(factories.station, operator, name="Harbour Garage"), label="HG-01")
    account = make(factories.payment_account, operator, collection_mode=CollectionMode.PLATFORM)
    captured = {"status": PaymentStatus.CAPTURED, "captured_minor": 502, "captured_at": utcnow()}
    payment = make(factories.payment, charger, account, instrument="Visa", last4="4242", **captured)
    charging = make(factories.charging, charger, payment_id=payment.id)
    paid = {"number": "VD-2026-004821", "status": OrderStatus.PAID, "is_test": True, "payment_id": payment.id}
    make(factories.order, charging, collection_mode=CollectionMode.PLATFORM, **paid)
    books.keep(db, payment, utcnow())
    db.commit()
    return make(factories.user, operator, Role.OWNER), make(factories.user, None, Role.PLATFORM_ADMIN)


def test_from_apply_for_settlement_to_settled(visit, people):
    owner, admin = people
    page = visit("/overview", owner)
    page.get_by_role("link", name="Billing Center").click()
    page.get_by_role("checkbox", name="Select VD-2026-004821").check()
    expect(page.locator("#total")).to_contain_text("€5.02")
    page.get_by_role("button", name="Apply for Settlement").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Apply for Settlement of 1 order?")
    dialog.get_by_role("button", name="Apply for Settlement").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("S-2026-0001")

    review = visit("/platform/settlements", admin)
    review.get_by_role("link", name="S-2026-0001").click()
    expect(review.get_by_text("Every line agrees with its order, payment and ledger")).to_be_visible()
    review.locator("#act-approve").click()
    review.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(review.locator("h1 + .st")).to_have_text("Approved")

    page.reload()
    page.locator("#act-confirm").click()
    dialog.get_by_label("Account holder").fill("Harbour Energy Oy")
    dialog.get_by_label("IBAN or account number").fill("4242 4242 4242 4242")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).to_contain_text("This is the number of a card.")
    dialog.get_by_label("IBAN or account number").fill("FI21 1234 5600 0007 85")
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.locator("h1 + .st")).to_have_text("Confirmed")
    expect(page.get_by_text("FI•• •••• •785")).to_be_visible()

    review.reload()
    expect(review.get_by_text("FI2112345600000785")).to_be_visible()
    review.locator("#act-transfer").click()
    review.get_by_label("Reference of the bank transfer").fill("RF18 5390")
    review.get_by_role("button", name="Record it").click()
    expect(review.locator("#act-settle")).to_be_visible()
    review.locator("#act-settle").click()
    review.get_by_role("dialog").get_by_role("button", name="Mark Settled").click()
    expect(review.locator("h1 + .st")).to_have_text("Settled")

    page.reload()
    expect(page.locator("h1 + .st")).to_have_text("Settled")


def test_a_stranger_sees_none_of_it(visit, people, make):
    stranger = make(factories.user, make(factories.operator, name="Other"), Role.OWNER)

    page = visit("/billing-center", stranger)

    expect(page.get_by_text("No order is ready to settle")).to_be_visible()
