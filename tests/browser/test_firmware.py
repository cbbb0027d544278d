"""Firmware as in the operators' handbook: all chargers, the detail, Firmware upgrade, Upgrade; and a campaign."""

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from domain import firmware_campaigns, firmware_upgrades
from domain.clock import utcnow
from domain.models.firmware import FirmwareUpgrade, UpgradeStatus
from domain.models.operators import Role
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect


@pytest.fixture
def world(make):
    """Two chargers of a station that a release is for, and who may do what."""
    operator = make(factories.operator)
    station = make(factories.station, operator)
    here = {"connected_at": utcnow(), "last_seen_at": utcnow()}
    return SimpleNamespace(
        owner=make(factories.user, operator, email="alice@example.com"),
        ines=make(factories.user, None, Role.PLATFORM_ADMIN, email="ines@example.com"),
        first=make(factories.duo, station, label="HG-01", device_id="HE60D01", **here),
        second=make(factories.duo, station, label="HG-02", device_id="HE60D02", **here),
        release=make(factories.release, notes="Mends the clock."),
    )


def test_the_way_of_the_handbook(visit, world, db):
    page = visit("/chargers", world.owner)

    page.get_by_role("link", name="HG-01").click()
    page.get_by_role("navigation", name="Pages of this charger").get_by_role("link", name="Firmware upgrade").click()
    expect(page.locator("#firmware")).to_contain_text("Upgradeable")
    page.get_by_role("link", name="Upgrade", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("restarts and is unavailable to drivers")
    assert inspect(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Upgrade").click()

    expect(page.locator("#firmware")).to_contain_text("Waiting to be upgraded to 2.9.0.")
    upgrade = db.scalars(select(FirmwareUpgrade)).one()
    db.commit()
    firmware_upgrades.end(db, upgrade, UpgradeStatus.FAILED, "The charger could not download the file.", utcnow())
    db.commit()
    expect(page.locator("#firmware")).to_contain_text("Upgrade Failed", timeout=15_000)


def test_a_selection_becomes_a_campaign_that_is_alive(visit, world, db):
    page = visit("/chargers", world.owner)

    for label in ("HG-01", "HG-02"):
        page.locator("tr", has_text=label).get_by_role("checkbox").check()
    page.get_by_role("button", name="Firmware upgrade").click()
    page.get_by_role("textbox", name="Name").fill("Autumn")
    page.get_by_role("button", name="Begin campaign").click()

    expect(page.get_by_role("heading", name="Autumn")).to_be_visible()
    campaign_id = int(page.url.rsplit("/", 1)[1])
    upgrade = firmware_campaigns.upgrades(db, campaign_id)[0]
    firmware_upgrades.end(db, upgrade, UpgradeStatus.INSTALLED, "The charger started with 2.9.0.", utcnow())
    db.commit()
    expect(page.locator("#campaign-figures")).to_contain_text("1 of 2", timeout=15_000)
    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_nothing_to_complain_about(visit, world, size, scheme):
    complaints = {}
    pages = {
        world.owner: ("/firmware", "/firmware/new", "/chargers/HE60D01/firmware"),
        world.ines: ("/firmware-files", "/firmware-files/new", f"/firmware-files/{world.release.id}"),
    }
    for user, paths in pages.items():
        for path in paths:
            complaints[path] = inspect(visit(path, user, size, scheme))

    assert {path: found for path, found in complaints.items() if found} == {}
