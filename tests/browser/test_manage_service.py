"""OCPP Manage Service as the operator walks it: several chargers at once, every field of a CALL, configuration."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from domain.models.commands import Command
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect
from tests.browser.test_pages import world  # noqa: F401 - the fixture


def test_interoperability_ocpp_manage_service_reboot(visit, world, db):  # noqa: F811
    page = visit("/", world.owner)
    page.get_by_role("link", name="OCPP Manage Service").click()
    page.get_by_role("link", name="Ask all of them").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_role("link", name="Reboot").click()
    expect(dialog).to_contain_text("Reboot 3 chargers?")
    dialog.get_by_label("A few at a time").check()
    dialog.get_by_label("How many at a time").fill("1")
    dialog.get_by_role("button", name="Reboot 2 chargers").click()

    expect(page.get_by_role("heading", name="Reboot", exact=True)).to_be_visible()
    expect(page.locator("#round")).to_contain_text("Queued")
    assert db.scalars(select(Command.action).where(Command.status == "queued")).all() == ["Reset"]
    page.locator("#round").get_by_role("link", name="Not done").click()
    expect(page.locator("#round")).to_contain_text("No charger here")
    assert inspect(page) == []


def test_ticked_chargers_and_other_commands(visit, world):  # noqa: F811
    page = visit("/commands", world.owner)
    page.get_by_label("Select all on this page").check()

    page.locator(".bulk").get_by_role("button", name="Other commands").click()
    page.get_by_role("dialog").get_by_role("link", name="Clear cache").click()

    expect(page.get_by_role("dialog")).to_contain_text("Clear cache: 3 chargers")
    assert inspect(page) == []


def test_a_form_of_the_standard_grows_and_tells_what_is_wrong(visit, world, db):  # noqa: F811
    page = visit("/chargers/HE60D01/commands", world.owner)
    page.get_by_text("All commands of OCPP 1.6, with every field").click()
    page.locator("#call-SetChargingProfile").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_role("button", name="Add another to charging schedule period").click()
    expect(dialog.get_by_label("Limit")).to_have_count(2)
    dialog.get_by_label("Connector id").fill("one")
    dialog.get_by_role("button", name="Send", exact=True).click()

    expect(dialog.get_by_label("Connector id")).to_be_focused()
    expect(dialog).to_contain_text("Write a whole number, for example 60.")
    assert db.scalars(select(Command).where(Command.action == "SetChargingProfile")).all() == []
    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_configuration_shows_the_difference_first(visit, world, db, size, scheme):  # noqa: F811
    factories.configuration_value(db, world.charger, "HeartbeatInterval", "300")
    factories.configuration_value(db, world.charger, "NumberOfConnectors", "2", is_readonly=True)
    db.commit()
    page = visit("/chargers/HE60D01/configuration", world.owner, size, scheme)

    page.get_by_label("HeartbeatInterval").fill("60")
    page.get_by_role("button", name="See the changes").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Change HeartbeatInterval")
    dialog.get_by_role("button", name="Send 1 change").click()

    expect(page.locator(".flash")).to_contain_text("1 change is on its way.")
    expect(page.locator(".keys")).to_contain_text("The charger says 300")
    assert inspect(page) == []


@pytest.mark.parametrize("path", ["local-list", "configuration/compare"])
def test_the_other_pages_are_clean_on_a_phone(visit, world, path):  # noqa: F811
    assert inspect(visit(f"/chargers/HE60D01/{path}", world.owner, PHONE)) == []


def test_without_a_script_a_reservation_is_made(visit, world, db):  # noqa: F811
    page = visit("/reservations", world.owner, scripts=False)
    page.locator(".choices").get_by_role("link").first.click()
    page.get_by_label("Card number (idTag)").fill("04AA")
    page.get_by_role("button", name="Reserve").click()

    expect(page.get_by_role("heading", name="Reservations")).to_be_visible()
    assert db.scalars(select(Command.action).where(Command.status == "queued")).all() == ["ReserveNow"]
