"""Billings: the list, its filters, the order page, exports."""

import csv
import io
from datetime import datetime

import pytest
from openpyxl import load_workbook

from domain.models.operators import Role
from domain.models.payments import Refund, RefundStatus
from tests import factories
from tests.blueprints.conftest import HTMX


def test_an_order_with_everything_about_its_money(alice, paid):
    page = alice.get("/billings").text

    for words in ("VD-2026-004821", "Visa •• 4242", "Harbour Garage", "37.8 kWh", "€18.52", "Paid", "not refunded"):
        assert words in page
    assert 'href="/billings/VD-2026-004821/refund"' in page


def test_the_fragment_has_rows_tabs_and_exports(alice, paid):
    fragment = alice.get("/billings?q=4242&view=paid", headers=HTMX).text

    assert '<div id="rows">' in fragment
    assert 'id="billings-tabs" hx-swap-oob="true"' in fragment
    assert "/billings/export.csv?view=paid&amp;q=4242" in fragment
    assert "<html" not in fragment


def test_filters_live_in_the_address(alice, paid):
    found = alice.get("/billings?q=driver@example.com&month=2026-11").text
    other_month = alice.get("/billings?month=2026-10").text
    refunded = alice.get("/billings?view=refunded").text

    assert "VD-2026-004821" in found
    assert "No order matches these filters" in other_month
    assert "No order matches these filters" in refunded


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=x", "month=0000-01", "month=9999-12", "view=x", "channel=%27", "station=x"]
)
def test_an_odd_address_is_no_accident(alice, query):
    assert alice.get(f"/billings?{query}").status_code == 200


def test_an_empty_operator_reads_what_appears_here(alice):
    assert "No orders yet" in alice.get("/billings").text


def test_why_this_amount(alice, paid):
    page = alice.get("/billings/VD-2026-004821").text

    assert "Energy, Day" in page
    assert "37.8 kWh × €0.49" in page
    assert "€14.76" in page
    assert "€3.76" in page
    assert "driver@example.com" in page
    assert "Hold €45.00 confirmed" in page


def test_what_happened_to_the_money_in_one_instant_is_told_newest_first(alice, db, paid):
    at = {"requested_at": factories.NOW, "ended_at": factories.NOW}
    figures = {"currency": "EUR", "amount_minor": 1852, "reason": "Goodwill", "asked_by": "alice"}
    db.add(Refund(payment_id=paid.payment_id, provider="sandbox", status=RefundStatus.SUCCEEDED, **figures, **at))
    db.commit()

    page = alice.get("/billings/VD-2026-004821").text

    assert page.index("€18.52 refunded") < page.index("Refund of €18.52 requested")


def test_a_hold_that_was_taken_whole_released_nothing(alice, db, paid):
    paid.payment.captured_at = factories.NOW
    db.commit()
    part = alice.get("/billings/VD-2026-004821").text
    paid.payment.captured_minor = 4500
    db.commit()
    whole = alice.get("/billings/VD-2026-004821").text

    assert "The rest of the hold was released." in part
    assert "€45.00 captured" in whole
    assert "The rest of the hold was released." not in whole


def test_a_technician_reads_no_names(bob, paid):
    page = bob.get("/billings/VD-2026-004821").text
    found = bob.get("/billings?q=driver@example.com").text
    file = bob.get("/billings/export.csv").data.decode("utf-8-sig")

    assert "driver@example.com" not in page
    assert "VD-2026-004821" not in found
    assert "VD-2026-004821" in file
    assert "driver@example.com" not in file
    assert "/refund" not in bob.get("/billings").text


def test_csv_has_iso_times_and_decimal_points(alice, paid):
    text = alice.get("/billings/export.csv").data.decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(text))
    values = dict(zip(head, row, strict=True))

    assert values["Time"] == "2026-11-20T13:04:00+02:00"
    assert (values["Net"], values["VAT"], values["Gross"]) == ("14.76", "3.76", "18.52")
    assert values["Energy, kWh"] == "37.8"
    assert values["E-mail"] == "driver@example.com"


def test_xlsx_has_real_numbers_and_times(alice, paid):
    sheet = load_workbook(io.BytesIO(alice.get("/billings/export.xlsx").data)).active
    head, row = (list(each) for each in sheet.iter_rows(values_only=True))
    values = dict(zip(head, row, strict=True))

    assert values["Gross"] == 18.52
    assert values["Time"] == datetime(2026, 11, 20, 13, 4)  # noqa: DTZ001 - Excel knows no zones


def test_an_export_has_only_what_the_filter_keeps(alice, make, charger, paid):
    make(factories.order, make(factories.charging, charger), number="VD-2026-004822")

    text = alice.get("/billings/export.csv?view=unpaid").data.decode("utf-8-sig")

    assert "VD-2026-004822" in text
    assert "VD-2026-004821" not in text


def test_charlie_cannot_see_it(charlie, paid):
    assert "VD-2026-004821" not in charlie.get("/billings?q=4821").text
    assert "VD-2026-004821" not in charlie.get("/billings/export.csv").data.decode("utf-8-sig")
    for tail in ("", "/cells", "/refund"):
        assert charlie.get(f"/billings/VD-2026-004821{tail}").status_code == 404


def test_platform_staff_see_no_operators_orders(make, sign_in, paid):
    browser = sign_in(make(factories.user, None, Role.PLATFORM_ADMIN))

    assert browser.get("/billings").status_code == 403
