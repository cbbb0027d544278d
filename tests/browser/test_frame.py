"""The frame's own behaviour, on a page that uses every macro: dialog, message, bulk bar, live cells, filters, menus."""

import re

import pytest
from playwright.sync_api import expect

from app import create_app
from tests.browser import gallery
from tests.browser.conftest import DESKTOP, PHONE, inspect

LOOKS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def apps_with_gallery():
    return {}


@pytest.fixture
def app_for(apps_with_gallery):
    """As everywhere, with one more page."""

    def application(settings):
        if settings not in apps_with_gallery:
            apps_with_gallery[settings] = create_app(settings)
            apps_with_gallery[settings].register_blueprint(gallery.bp)
        return apps_with_gallery[settings]

    return application


@pytest.fixture
def visit_gallery(visit):
    return lambda path="/gallery", **how: visit(path, **how)


def refund_links(page):
    return page.get_by_role("link", name="Refund")


def first_status(page):
    return page.locator("#r1-st")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_part_is_sound(visit_gallery, size, scheme):
    page = visit_gallery(size=size, scheme=scheme)

    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_refused_dialog_is_sound_and_leads_to_the_fault(visit_gallery, size, scheme):
    page = visit_gallery(size=size, scheme=scheme)

    refund_links(page).first.click()
    page.get_by_label("Note for your team").fill("typed before")
    page.get_by_role("button", name="Refund €18.52").click()

    expect(page.get_by_text("Choose a reason. It is kept in the audit log.")).to_be_visible()
    expect(page.get_by_label("Reason")).to_be_focused()
    expect(page.get_by_label("Note for your team")).to_have_value("typed before")
    assert inspect(page) == []


def test_an_accepted_dialog_changes_the_cell_and_gives_focus_back(visit_gallery):
    page = visit_gallery()

    refund_links(page).first.click()
    expect(page.get_by_role("dialog", name="Refund €18.52 in full?")).to_be_visible()
    page.get_by_label("Reason").select_option("fault")
    page.get_by_role("button", name="Refund €18.52").click()

    expect(first_status(page)).to_have_text("refunded")
    expect(page.locator("#dlg")).to_be_hidden()
    expect(page.locator("#snack")).to_contain_text("The refund is on its way.")
    expect(refund_links(page).first).to_be_focused()


def test_the_message_offers_to_undo(visit_gallery):
    page = visit_gallery("/gallery")
    refund_links(page).first.click()
    page.get_by_label("Reason").select_option("fault")
    page.get_by_role("button", name="Refund €18.52").click()

    page.get_by_role("button", name="Undo").click()

    expect(page.locator("#snack")).to_have_text("Undone.")


@pytest.mark.parametrize("way", ["Escape", "Keep payment"])
def test_leaving_a_dialog_changes_nothing(visit_gallery, way):
    page = visit_gallery()
    refund_links(page).nth(1).click()
    expect(page.get_by_role("dialog")).to_be_visible()

    if way == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("link", name=way).click()

    expect(page.locator("#dlg")).to_be_empty()
    expect(refund_links(page).nth(1)).to_be_focused()
    expect(page).to_have_url(re.compile("/gallery$"))


def test_the_dialog_is_a_page_without_javascript(visit_gallery):
    page = visit_gallery(scripts=False)

    refund_links(page).first.click()
    page.get_by_role("button", name="Refund €18.52").click()
    expect(page.get_by_text("Choose a reason. It is kept in the audit log.")).to_be_visible()
    page.get_by_label("Reason").select_option("fault")
    page.get_by_role("button", name="Refund €18.52").click()

    expect(page).to_have_url(re.compile("/gallery$"))
    expect(page.get_by_text("The refund is on its way.")).to_be_visible()


def test_a_live_cell_changes_while_a_box_stays_ticked(visit_gallery):
    page = visit_gallery()
    box = page.get_by_role("checkbox", name="Select HG-02 Level 1 west")
    box.check()

    page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'wake')")

    expect(first_status(page)).to_have_text("Charging")
    expect(box).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()


def test_a_paused_list_asks_for_nothing_until_it_goes_on(visit_gallery):
    page = visit_gallery()
    asked = []
    page.on("request", lambda request: "/live" in request.url and asked.append(request.url))
    pause = page.get_by_role("button", name="Pause live updates")

    pause.click()
    page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'wake')")
    while_paused = list(asked)
    pause.click()

    expect(first_status(page)).to_have_text("Charging")
    assert while_paused == []


def test_a_hidden_tab_asks_for_nothing_and_catches_up(visit_gallery):
    page = visit_gallery()
    asked = []
    page.on("request", lambda request: "/live" in request.url and asked.append(request.url))
    show = "value => { Object.defineProperty(document, 'hidden', {value, configurable: true});"

    page.evaluate(show + "htmx.trigger(document.querySelector('[data-live]'), 'wake'); }", True)
    while_hidden = list(asked)
    page.evaluate(show + "document.dispatchEvent(new Event('visibilitychange')); }", False)

    expect(first_status(page)).to_have_text("Charging")
    assert while_hidden == []


def test_the_bulk_bar_counts_and_ticks_all(visit_gallery):
    page = visit_gallery()

    expect(page.get_by_role("button", name="Reboot")).to_be_hidden()
    page.get_by_role("checkbox", name="Select ML-01 Forecourt").check()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_role("checkbox", name="Select all on this page").check()

    expect(page.get_by_text("3 selected")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Select HG-04 Level 2 east")).to_be_checked()


def test_a_filter_is_a_deep_link_and_can_be_cleared(visit_gallery):
    page = visit_gallery()

    page.get_by_role("searchbox", name="Filter by name").press_sequentially("zzz")
    expect(page.get_by_role("heading", name="No charger matches these filters")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/gallery\?q=zzz"))
    page.reload()
    expect(page.get_by_role("heading", name="No charger matches these filters")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()

    expect(page.get_by_role("link", name="HG-02 Level 1 west")).to_be_visible()


def test_a_filter_keeps_the_cursor_while_the_list_changes(visit_gallery):
    page = visit_gallery()
    field = page.get_by_role("searchbox", name="Filter by name")

    field.press_sequentially("ML")
    expect(page.get_by_role("link", name="HG-02 Level 1 west")).to_be_hidden()

    expect(field).to_be_focused()
    expect(field).to_have_value("ML")


def test_filters_work_without_javascript(visit_gallery):
    page = visit_gallery(scripts=False)

    page.get_by_role("searchbox", name="Filter by name").fill("ML")
    page.get_by_role("button", name="Filter").click()

    expect(page.get_by_role("link", name="HG-02 Level 1 west")).to_be_hidden()
    expect(page.get_by_role("link", name="ML-01 Forecourt")).to_be_visible()


def test_a_row_menu_closes_with_escape_and_keeps_focus(visit_gallery):
    page = visit_gallery()
    menu = page.get_by_label("More about HG-02 Level 1 west")

    menu.click()
    expect(page.get_by_role("link", name="Open")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("link", name="Open")).to_be_hidden()
    expect(menu).to_be_focused()
