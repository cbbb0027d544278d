"""Billings: found by number, card, e-mail and charger; sums by month and currency."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import order_list
from domain.models.orders import OrderStatus
from domain.models.payments import PaymentStatus
from domain.order_list import Filter, View, possible_numbers
from tests import factories
from tests.factories import NOW


@pytest.fixture
def world(make):
    """One operator with a paid and an unpaid order."""
    operator = make(factories.operator)
    station = make(factories.station, operator)
    charger = make(factories.charger, station, label="HG-04 Level 2", device_id="HE60D01")
    account = make(factories.payment_account, operator)
    payment = make(
        factories.payment,
        charger,
        account,
        status=PaymentStatus.CAPTURED,
        captured_minor=502,
        last4="4242",
        driver_email="driver@example.com",
    )
    paid = make(factories.order, make(factories.charging, charger, payment_id=payment.id), payment_id=payment.id,
                number="VD-2026-004821", status=OrderStatus.PAID)  # fmt: skip
    card = make(factories.order, make(factories.charging, charger), number="VD-2026-004822",
                created_at=NOW + timedelta(minutes=1))  # fmt: skip
    return operator, station, paid, card


def found(db, operator, **values):
    rows = order_list.page(db, operator.id, Filter(**values), None, 25, NOW).rows
    return [order.number for order in rows]


def test_newest_first(db, world):
    operator, *_ = world

    assert found(db, operator) == ["VD-2026-004822", "VD-2026-004821"]


@pytest.mark.parametrize(
    "text",
    ["VD-2026-004821", "vd-2026-004821", "2026-4821", "4821", "4242", "driver@example.com", "Driver@Example.com"],
)
def test_it_is_found_by(db, world, text):
    operator, *_ = world

    assert found(db, operator, text=text) == ["VD-2026-004821"]


def test_it_is_found_by_its_charger(db, world):
    operator, *_ = world

    assert found(db, operator, text="level 2") == ["VD-2026-004822", "VD-2026-004821"]
    assert found(db, operator, text="HE60D01") == ["VD-2026-004822", "VD-2026-004821"]
    assert found(db, operator, text="nowhere") == []


def test_a_text_may_mean_a_card_and_a_charger(db, make, world):
    operator, station, *_ = world
    other = make(factories.charger, station, label="Bay 4242")
    make(factories.order, make(factories.charging, other), number="VD-2026-000001", created_at=NOW - timedelta(hours=1))

    assert found(db, operator, text="4242") == ["VD-2026-004821", "VD-2026-000001"]
    assert order_list.counts(db, operator.id, Filter(text="4242"), NOW)[View.ALL] == 2


def test_who_may_not_see_drivers_does_not_find_by_them(db, world):
    operator, *_ = world

    assert found(db, operator, text="driver@example.com", may_see_drivers=False) == []


def test_the_other_filters(db, world):
    operator, station, *_ = world

    assert found(db, operator, view=View.PAID) == ["VD-2026-004821"]
    assert found(db, operator, channel="sandbox") == ["VD-2026-004821"]
    assert found(db, operator, channel="none") == ["VD-2026-004822"]
    assert found(db, operator, station_id=station.id + 1) == []
    assert found(db, operator, since=NOW + timedelta(seconds=1)) == ["VD-2026-004822"]
    assert found(db, operator, until=NOW + timedelta(seconds=1)) == ["VD-2026-004821"]


def test_counts_under_the_other_filters(db, world):
    operator, *_ = world

    counts = order_list.counts(db, operator.id, Filter(view=View.REFUNDED, text="4821"), NOW)

    assert counts[View.ALL] == 1
    assert counts[View.PAID] == 1
    assert counts[View.UNPAID] == 0


def test_sums_of_a_month_by_currency(db, make, world):
    operator, station, *_ = world
    charger = make(factories.charger, station)
    make(factories.order, make(factories.charging, charger), currency="SEK", net_minor=8000, vat_minor=2000,
         gross_minor=10_000, status=OrderStatus.REFUNDED)  # fmt: skip

    euro, krona = order_list.figures(db, operator.id, *order_list.month("Europe/Helsinki", 2026, 11))

    # Two orders of 5.02 (4.00 + 1.02), one of them unpaid.
    assert (euro.currency, euro.orders, euro.gross_minor, euro.vat_minor) == ("EUR", 2, 1004, 204)
    assert (euro.unpaid, euro.unpaid_minor, euro.refunds) == (1, 502, 0)
    assert (krona.currency, krona.refunds, krona.refunded_minor) == ("SEK", 1, 10_000)


def test_a_month_begins_at_local_midnight():
    since, until = order_list.month("Europe/Helsinki", 2026, 12)

    assert since.astimezone(UTC) == datetime(2026, 11, 30, 22, tzinfo=UTC)
    assert until.astimezone(UTC) == datetime(2026, 12, 31, 22, tzinfo=UTC)


def test_everything_is_walked_through(db, world):
    operator, *_ = world

    assert [order.number for order in order_list.each(db, operator.id, Filter(), NOW)] == [
        "VD-2026-004822",
        "VD-2026-004821",
    ]


def test_another_operators_order_is_not_found(db, make, world):
    charlie = make(factories.operator)

    assert found(db, charlie) == []
    assert found(db, charlie, text="4821") == []
    assert order_list.find(db, charlie.id, "VD-2026-004821") is None


def test_numbers_a_person_may_mean():
    numbers = possible_numbers("4821", datetime(2026, 5, 1, tzinfo=UTC))

    assert numbers == ["4821", "VD-2027-004821", "VD-2026-004821", "VD-2025-004821", "VD-2024-004821"]
    assert possible_numbers("pier", datetime(2026, 5, 1, tzinfo=UTC)) == ["PIER"]
