"""Setting a maximum power as the operator, and the pages in light and dark, on a desk and on a phone."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from domain import power, power_sharing
from domain.clock import utcnow
from domain.models.charging import SessionStatus
from domain.models.power import LimitUnit, Newcomers
from domain.power import Budget
from tests import factories
from tests.browser.conftest import PHONE, inspect


@pytest.fixture
def owner(make):
    operator = make(factories.operator)
    return make(factories.user, operator, email="alice@example.com")


@pytest.fixture
def station(db, make, owner):
    """A charger that charges, one that is lost."""
    now = utcnow()
    station = make(factories.station, owner.operator)
    here = {"connected_at": now - timedelta(days=2), "ocpp_version": "1.6", "last_seen_at": now, "epoch": 1}
    busy = make(factories.charger, station, 2, label="HG-01", device_id="HE60D1", node="ocpp-1", **here)
    make(factories.charger, station, 1, label="HG-02", device_id="HE60D2", disconnected_at=now, **here)
    make(factories.charging, busy, status=SessionStatus.ACTIVE, stopped_at=None, stop_received_at=None, power_w=10_900)
    return station


def test_a_connector_gets_a_limit_and_keeps_it_in_the_history(visit, owner, station):
    page = visit("/chargers/HE60D1", owner)
    page.get_by_role("link", name="Maximum power").click()
    page.get_by_role("link", name="Set limit of connector 1").click()

    page.get_by_label("Limit", exact=True).first.fill("99")
    page.get_by_role("button", name="Save limit").click()
    expect(page.get_by_text("That is more than the rating of 22 kW.")).to_be_visible()
    refused = inspect(page)
    page = visit("/chargers/HE60D1/power/1", owner)
    page.get_by_label("Limit", exact=True).first.fill("11")
    page.get_by_role("button", name="Save limit").click()

    expect(page.get_by_role("row", name="Connector 1").first).to_contain_text("15.9 A on 3 phases at 230 V")
    expect(page.get_by_text("Connector 1: 11 kW. By alice@example.com")).to_be_visible()
    assert refused == []


@pytest.mark.parametrize(("size", "scheme"), [((1440, 900), "light"), (PHONE, "dark")])
def test_nothing_is_wrong_with_the_pages(visit, db, owner, station, size, scheme):
    now = utcnow()
    power.set_station_limit(db, station, Budget(LimitUnit.A, 400, Newcomers.WAIT), version=0, by="alice", now=now)
    power_sharing.share(db, station.id, now)
    power_sharing.share(db, station.id, now)
    db.commit()
    paths = (f"/stations/{station.id}/power", "/chargers/HE60D1/power", "/chargers/HE60D1/power/0")

    faults = {path: inspect(visit(path, owner, size, scheme)) for path in paths}

    assert faults == dict.fromkeys(paths, [])
