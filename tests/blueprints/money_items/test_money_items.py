"""Money needing attention: the list, its filters, closing."""

import pytest
from sqlalchemy import select

from domain.models.money_items import MoneyItem, MoneyItemKind
from domain.models.operators import AuditEvent, Role
from tests import factories
from tests.blueprints.conftest import HTMX

HERE = "/money-needing-attention"


@pytest.fixture
def order(make, harbour):
    charger = make(factories.charger, make(factories.station, harbour))
    return make(factories.order, make(factories.charging, charger), number="VD-2026-004821")


@pytest.fixture
def item(make, harbour, order):
    return make(factories.money_item, harbour, order_id=order.id)


def test_it_says_what_happened_to_which_order(alice, item):
    for headers in ({}, HTMX):
        page = alice.get(HERE, headers=headers).text

        assert "The provider refused to take the money: Card blocked" in page
        assert 'href="/billings/VD-2026-004821"' in page
        assert "€5.02" in page


def test_nothing_is_the_goal(alice):
    page = alice.get(HERE).text

    assert "No money needs attention" in page
    assert "The first proof is still to come." in page


def test_filters_find_by_kind_number_and_words(alice, make, harbour, item):
    make(factories.money_item, harbour, kind=MoneyItemKind.DISPUTE, text="The bank disputes this.")

    assert "Card blocked" not in alice.get(f"{HERE}?kind=dispute").text
    assert "Card blocked" in alice.get(f"{HERE}?q=004821").text
    assert "disputes this" not in alice.get(f"{HERE}?q=blocked").text
    assert "Nothing matches these filters" in alice.get(f"{HERE}?q=nothing+like+it").text


def test_it_is_closed_with_a_note_that_is_kept(alice, db, item):
    refused = alice.post(f"{HERE}/{item.id}/close", data={"note": ""}, headers=HTMX)
    closed = alice.post(f"{HERE}/{item.id}/close", data={"note": "Invoiced by post"})
    again = alice.post(f"{HERE}/{item.id}/close", data={"note": "Invoiced twice"}, headers=HTMX)

    assert (refused.status_code, closed.status_code, again.status_code) == (422, 303, 422)
    assert "This is closed already." in again.text
    assert "Card blocked" not in alice.get(HERE).text
    page = alice.get(f"{HERE}?view=closed").text
    assert "Invoiced by post (alice@example.com" in page
    assert db.scalars(select(AuditEvent.verb).where(AuditEvent.object_type == "money_item")).all() == ["closed"]


def test_it_is_taken_out_as_a_file(alice, item):
    text = alice.get(f"{HERE}/export.csv").get_data(as_text=True)

    assert "Capture failed" in text
    assert "VD-2026-004821" in text
    assert "5.02" in text


def test_charlie_cannot_see_it(charlie, item):
    assert "Card blocked" not in charlie.get(HERE).text
    assert charlie.post(f"{HERE}/{item.id}/close", data={"note": "x"}).status_code == 404


def test_the_platform_sees_what_is_its_own(make, sign_in, db, item):
    admin = sign_in(make(factories.user, None, Role.PLATFORM_ADMIN))
    make(factories.money_item, None, text="Only at the provider.", kind=MoneyItemKind.MISSING_HERE)

    page = admin.get(HERE).text

    assert "Only at the provider." in page
    assert "Card blocked" not in page
    assert len(db.scalars(select(MoneyItem)).all()) == 2


def test_the_number_that_is_open_stands_in_the_navigation(alice, item):
    page = alice.get("/billings").text

    assert "Money needing attention" in page
