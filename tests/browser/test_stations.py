"""Where a station is, when it is open and what it looks like, in a browser."""

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from domain.models.stations import Station
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect


@pytest.fixture
def world(live):
    with Session(live.engine, expire_on_commit=False) as db:
        station = factories.station(db, latitude=60.1675, longitude=24.9631)
        alice = factories.user(db, station.operator, email="alice@example.com", name="Alice Harbour")
        db.commit()
        return station, alice


def test_longitude_latitude_and_business_hours_are_checked(live, visit, world):
    station, alice = world
    page = visit(f"/stations/{station.id}/map", user=alice)
    page.locator("#map .map-pin").wait_for()
    page.locator("#map").click(position={"x": 100, "y": 100})
    assert page.get_by_label("Latitude").input_value() != "60.1675"
    page.get_by_role("button", name="Save position").click()
    page.get_by_text("is saved.").wait_for()
    faults = inspect(page)

    page.goto(f"/stations/{station.id}/hours")
    page.get_by_label("At these hours").check()
    page.get_by_label("Monday, period 1, from").fill("20:00")
    page.get_by_label("Monday, period 1, to").fill("08:00")
    page.get_by_label("Monday, period 1, to").press("Enter")
    page.get_by_text("It ends before it starts.").wait_for()
    page.get_by_label("Monday, period 1, from").fill("07:00")
    page.get_by_label("Monday, period 1, to").fill("21:00")
    page.get_by_role("button", name="Copy Monday to weekdays").click()
    expect(page.get_by_label("Friday, period 1, from")).to_have_value("07:00")
    page.get_by_role("button", name="Save business hours").last.click()
    page.get_by_text("Business hours are saved").wait_for()

    with Session(live.engine) as db:
        assert db.get_one(Station, station.id).hours["week"][:2] == [[[420, 1260]], [[420, 1260]]]
    assert faults + inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_no_page_has_a_fault(visit, world, size, scheme):
    station, alice = world
    page = visit(f"/stations/{station.id}/photos", user=alice, size=size, scheme=scheme)
    faults = inspect(page)
    for path in (f"/stations/{station.id}/hours", f"/stations/{station.id}/map", "/stations"):
        page.goto(path)
        faults += inspect(page)

    assert faults == []
