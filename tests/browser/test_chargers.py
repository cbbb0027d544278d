"""Living with the list of chargers: filters, live cells, pause, bulk reboot."""

import os

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from domain.models.chargers import Connector
from domain.models.commands import Command
from tests.browser.conftest import DESKTOP, PHONE, inspect
from tests.browser.test_pages import world  # noqa: F401 - the fixture


def test_typing_filters_and_the_address_keeps_it(visit, world):  # noqa: F811
    page = visit("/chargers", world.owner)

    page.get_by_label("Filter by name, device id or UUID").type("hg-02")
    expect(page.locator("#rows tbody tr")).to_have_count(1)

    assert page.url.endswith("/chargers?q=hg-02&station=&firmware=") or "q=hg-02" in page.url
    expect(page.get_by_label("Filter by name, device id or UUID")).to_be_focused()
    page.reload()
    expect(page.locator("#rows tbody tr")).to_have_count(1)


def test_a_view_keeps_the_focus_and_the_filter(visit, world):  # noqa: F811
    page = visit("/chargers?q=hg", world.owner)

    faulted = page.locator(".tabs").get_by_role("link", name="Faulted")
    faulted.focus()
    page.keyboard.press("Enter")

    expect(page.locator("#rows tbody tr")).to_have_count(1)
    expect(faulted).to_be_focused()
    expect(page.locator(".tabs a[aria-current=page]")).to_contain_text("Faulted")
    assert "q=hg" in page.url


def test_nothing_matches_and_the_way_back(visit, world):  # noqa: F811
    page = visit("/chargers?q=zzz", world.owner)

    page.get_by_role("link", name="Clear filters").click()

    expect(page.locator("#rows tbody tr")).to_have_count(3)


def test_a_cell_changes_while_a_box_stays_ticked(visit, world, db):  # noqa: F811
    page = visit("/chargers", world.owner)
    row = page.locator(f"#c{world.charger.id}")
    row.get_by_role("checkbox").check()
    connectors = db.scalars(select(Connector).where(Connector.charger_id == world.charger.id))

    for connector in connectors:
        connector.status = "Faulted"
    db.commit()

    expect(row.locator("td .st.bad").first).to_contain_text("Faulted", timeout=15_000)
    expect(row.get_by_role("checkbox")).to_be_checked()


@pytest.mark.parametrize("path", ["/chargers?q=hg", "/handshakes?q=hg"])
def test_a_list_that_looks_again_keeps_its_address(visit, world, path):  # noqa: F811
    page = visit(path, world.owner)
    steps = page.evaluate("history.length")

    with page.expect_response(lambda response: "/live" in response.url):
        page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'wake')")
    expect(page.locator(".htmx-request")).to_have_count(0)

    assert page.url.endswith(path)
    assert page.evaluate("history.length") == steps


def test_a_paused_list_asks_nothing(visit, world):  # noqa: F811
    page = visit("/chargers", world.owner)
    page.get_by_role("button", name="Pause live updates").click()
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'wake')")
    page.get_by_label("Filter by name, device id or UUID").fill("hg")
    expect(page.locator("#rows tbody tr")).to_have_count(3)

    assert [url for url in asked if "/live" in url] == []


def test_several_are_rebooted_together(visit, world, db):  # noqa: F811
    page = visit("/chargers", world.owner)
    page.get_by_label("Select all on this page").check()
    expect(page.locator(".bulk")).to_contain_text("3 selected")

    page.locator(".bulk").get_by_role("button", name="Reboot").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Reboot 3 chargers?")
    expect(dialog).to_contain_text("HG-09 is offline and left out.")
    dialog.get_by_role("button", name="Reboot 2 chargers").click()

    expect(page.locator(".flash")).to_contain_text("Reboot: asked of 3 chargers.")
    expect(page.locator("#round")).to_contain_text("Left out")
    assert db.scalars(select(Command.action).where(Command.status == "queued")).all() == ["Reset", "Reset"]


def test_escape_closes_the_question_and_the_focus_returns(visit, world):  # noqa: F811
    page = visit("/chargers/HE60D01", world.owner)
    page.locator("#act-unlock").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#act-unlock")).to_be_focused()


def test_a_command_joins_the_log_and_is_watched(visit, world, db):  # noqa: F811
    page = visit("/chargers/HE60D01/commands", world.owner)
    page.locator("#ask-clear-cache").click()
    page.get_by_role("button", name="Clear cache").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Queued")

    command = db.scalars(select(Command).where(Command.action == "ClearCache")).one()
    command.status, command.settled_at = "accepted", command.queued_at
    db.commit()

    expect(row).to_contain_text("Accepted")
    expect(page.locator("tbody tr").first).not_to_have_attribute("hx-trigger", "every 1s")


def test_on_a_phone_the_active_tab_is_in_sight(visit, world):  # noqa: F811
    page = visit(f"/chargers/{world.charger.device_id}", world.owner, size=PHONE)
    last = page.locator(".tabs a").last
    page.goto(last.get_attribute("href"))

    active = page.locator('.tabs a[aria-current="page"]')
    strip = active.locator("..")

    assert strip.evaluate("strip => strip.scrollWidth > strip.clientWidth")
    expect(active).to_be_in_viewport(ratio=0.95)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_columns_are_chosen_by_keyboard_and_the_menu_is_clean(visit, world, size):  # noqa: F811
    page = visit("/chargers", world.owner, size=size)
    menu = page.locator("summary", has_text="Columns")

    menu.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Connectors", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Show these columns").press("Enter")
    expect(page.locator("#rows tbody tr").first.locator("> :nth-last-child(6)")).to_be_hidden()
    expect(page.locator("#rows tbody tr").first.locator("> :nth-last-child(7)")).to_be_visible()
    page.locator("summary", has_text="Columns").click()
    expect(page.get_by_label("Connectors", exact=True)).not_to_be_checked()
    if os.environ.get("VOLTDESK_PICTURES"):
        page.screenshot(path=f"{os.environ['VOLTDESK_PICTURES']}/columns-{size[0]}.png")

    assert inspect(page) == []
