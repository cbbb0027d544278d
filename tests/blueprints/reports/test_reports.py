"""Reports: the page, who sees what, its filters, exports."""

import csv
import io
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from domain import books, months, report_units
from domain.clock import utcnow
from domain.models.operators import Role
from domain.models.orders import Order, OrderStatus
from domain.models.payments import PaymentStatus
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def garage(make, harbour):
    return make(factories.station, harbour, created_at=utcnow() - timedelta(days=400))


@pytest.fixture
def sum_up(db):
    def run():
        report_units.refresh(db, utcnow())
        db.commit()

    return run


@pytest.fixture
def paid(db, make, garage, harbour, sum_up):
    """An order of 18.52 with real money, and one of 5.02 with test money, both captured now."""
    charger = make(factories.charger, garage, 1)
    for is_test, figures in (
        (False, {"net_minor": 1476, "vat_minor": 376, "gross_minor": 1852}),
        (True, {"net_minor": 400, "vat_minor": 102, "gross_minor": 502}),
    ):
        account = make(factories.payment_account, harbour, is_test=is_test)
        taken = {"status": PaymentStatus.CAPTURED, "captured_minor": figures["gross_minor"], "captured_at": utcnow()}
        payment = make(factories.payment, charger, account, **taken)
        charging = make(factories.charging, charger, payment_id=payment.id, started_at=utcnow(), energy_wh=12_345)
        make(
            factories.order, charging, payment_id=payment.id, status=OrderStatus.PAID, is_test=is_test,
            created_at=utcnow(), **figures,
        )  # fmt: skip
        books.keep(db, db.merge(payment), utcnow())
        db.commit()
    sum_up()


def test_the_month_with_its_money(alice, paid):
    page = alice.get("/reports").text

    for words in ("€18.52", "net €14.76", "24.7 kWh", "Equals the ledger", "Harbour Garage", "Owed to you"):
        assert words in page
    assert "€5.02" not in page
    assert "€23.54" not in page


def test_test_money_has_a_tab_of_its_own(alice, paid):
    page = alice.get("/reports").text
    test = alice.get("/reports?currency=EUR&money=test").text

    assert 'href="/reports?currency=EUR&amp;money=test"' in page
    assert "€5.02" in test
    assert "These amounts were never real" in test
    assert "€18.52" not in test


def test_a_technician_sees_no_money(bob, paid):
    page = bob.get("/reports").text
    rows = list(csv.DictReader(io.StringIO(bob.get("/reports/export.csv").text.lstrip("\ufeff"))))

    assert "24.7 kWh" in page
    assert "Utilisation" in page
    for words in ("€", "EUR", "Gross", "Owed", "ledger", "Platform fee"):
        assert words not in page
    assert not {"Gross", "Captured", "Orders", "Currency"} & set(rows[0])


def test_charlie_cannot_see_it(charlie, paid, garage):
    page = charlie.get(f"/reports?station={garage.id}").text
    rows = list(csv.DictReader(io.StringIO(charlie.get(f"/reports/export.csv?station={garage.id}").text)))

    assert "Harbour Garage" not in page
    assert "€18.52" not in page
    assert "24.7 kWh" not in page
    assert rows == []


def test_the_platforms_staff_may_not_look(make, sign_in, paid):
    assert sign_in(make(factories.user, None, Role.PLATFORM_ADMIN)).get("/reports").status_code == 403


def test_the_files_have_real_numbers(alice, paid):
    month = months.of(utcnow(), "Europe/Helsinki")

    rows = list(csv.DictReader(io.StringIO(alice.get("/reports/export.csv").text.lstrip("\ufeff"))))
    book = load_workbook(io.BytesIO(alice.get("/reports/export.xlsx").data)).active
    heads = [cell.value for cell in book[1]]
    last = dict(zip(heads, [cell.value for cell in book[book.max_row]], strict=True))

    assert [row["Month"] for row in rows] == sorted(row["Month"] for row in rows)
    newest = rows[-1]
    assert (newest["Month"], newest["Charging station"], newest["Currency"]) == (month, "Harbour Garage", "EUR")
    assert (newest["Orders"], newest["Gross"], newest["Net"], newest["VAT"]) == ("1", "18.52", "14.76", "3.76")
    assert (newest["Captured"], newest["Owed to the operator"], newest["Test money"]) == ("18.52", "18.52", "no")
    assert newest["Energy, kWh"] == "24.69"
    assert last["Gross"] == 18.52
    assert last["Sessions"] == 2


def test_the_fragment_has_tabs_and_exports(alice, paid):
    fragment = alice.get("/reports?money=test&currency=EUR", headers=HTMX).text

    assert '<div id="rows"' in fragment
    assert 'id="reports-tabs" hx-swap-oob="true"' in fragment
    assert "/reports/export.csv?currency=EUR&amp;money=test" in fragment
    assert "<html" not in fragment


def test_charts_say_what_they_show(alice, paid):
    page = alice.get("/reports").text

    assert page.count("<title id=") == page.count("<desc id=") == 2  # nothing is known about uptime
    assert ": €18.52." in page


def test_a_difference_is_named_in_words(alice, paid, db, harbour):
    db.execute(update(Order).where(Order.gross_minor == 1852).values(gross_minor=1853, net_minor=1477))
    db.commit()
    unit = report_units.Unit(harbour.id, "Europe/Helsinki", months.of(utcnow(), "Europe/Helsinki"))
    report_units.store(db, unit, report_units.compute(db, unit, utcnow()), utcnow())
    db.commit()

    page = alice.get("/reports").text

    assert "Differs from the ledger" in page
    assert "bills say that €18.53 was taken, the ledger €18.52." in page
    assert "Equals the ledger" not in page


def test_the_last_twelve_months_unless_asked_otherwise(alice, paid):
    present = months.of(utcnow(), "Europe/Helsinki")
    usual = alice.get("/reports").text
    one = alice.get(f"/reports?from={present}&to={present}").text

    assert f'<option value="{months.shift(present, -11)}" selected>' in usual
    assert one.count(f'"row"><a href="/reports?from={present}&amp;to={present}">') == 1


def test_months_in_the_wrong_order_or_the_future_are_put_right(alice, paid):
    page = alice.get("/reports?from=2199-12&to=2026-01").text

    assert "January 2026" in page
    assert "December 2199" not in page


@pytest.mark.parametrize(
    "query", ["from=x", "from=2026-13&to=0000-00", "station=x", "station=99", "currency=%27&money=x", "cursor=x"]
)
def test_an_odd_address_is_no_accident(alice, paid, query):
    assert alice.get(f"/reports?{query}").status_code == 200
    assert alice.get(f"/reports/export.csv?{query}").status_code == 200


def test_before_anything_is_summed_up_it_says_so(alice, garage):
    page = alice.get("/reports").text

    assert "Nothing is summed up yet" in page
    assert "Equals the ledger" not in page


def test_an_operator_without_stations_reads_what_appears_here(alice):
    assert "No charging stations yet" in alice.get("/reports").text
