"""Reports in a browser: a filter swaps figures, charts and files, and is in the address."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from domain import report_units
from domain.clock import utcnow
from tests import factories


@pytest.fixture
def two_places(db, make):
    """Two stations, one of which delivered 10 kWh today and the other 20."""
    now = utcnow()
    operator = make(factories.operator)
    for name, energy in (("Harbour Garage", 10_000), ("Mill Lane", 20_000)):
        charger = make(factories.charger, make(factories.station, operator, name=name), 1)
        make(factories.charging, charger, started_at=now, stopped_at=now + timedelta(seconds=1), energy_wh=energy)
    report_units.refresh(db, now + timedelta(seconds=2))
    db.commit()
    return SimpleNamespace(owner=make(factories.user, operator))


def test_a_filter_swaps_everything_and_is_in_the_address(visit, two_places):
    page = visit("/reports", two_places.owner)
    assert page.locator("tfoot").get_by_text("30.0 kWh").is_visible()

    page.get_by_label("Charging station").select_option("Mill Lane")
    page.locator("tfoot").get_by_text("20.0 kWh").wait_for()

    assert "station=" in page.url
    assert page.get_by_role("link", name="Export CSV").get_attribute("href").startswith("/reports/export.csv?")
    assert "station=" in page.get_by_role("link", name="Export CSV").get_attribute("href")
    page.reload()
    assert page.locator("tfoot").get_by_text("20.0 kWh").is_visible()


def test_the_filter_works_without_scripts(visit, two_places):
    page = visit("/reports", two_places.owner, scripts=False)

    page.get_by_label("Charging station").select_option("Harbour Garage")
    page.get_by_role("button", name="Filter").click()

    assert page.locator("tfoot").get_by_text("10.0 kWh").is_visible()
