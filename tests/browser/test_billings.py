"""Refunding in the browser: refused without a reason, then done; the cells change, the focus returns."""

from playwright.sync_api import expect

from tests.browser.test_pages import world  # noqa: F401 - the fixture


def test_a_refund_from_the_list(visit, world):  # noqa: F811
    page = visit("/billings", world.owner)
    row = page.locator(f"#o{world.order.id}")
    row.get_by_role("link", name="Refund").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("€5.02 goes back to Visa ending 4242")

    dialog.get_by_label("Note for your team, optional").fill("RCD tripped")
    dialog.get_by_role("button", name="Refund €5.02").click()
    expect(dialog).to_contain_text("Choose a reason. It is kept in the audit log.")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    expect(dialog.get_by_label("Note for your team, optional")).to_have_value("RCD tripped")

    dialog.get_by_label("Reason").select_option("Charger fault")
    dialog.get_by_role("button", name="Refund €5.02").click()

    expect(page.locator("#snack")).to_contain_text("VD-2026-004821: €5.02 refunded.")
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("refunded")
    expect(row.get_by_role("link", name="Refund")).to_have_count(0)
    expect(row.get_by_role("link", name="VD-2026-004821")).to_be_focused()


def test_the_search_field_finds_an_order(visit, world):  # noqa: F811
    page = visit("/overview", world.owner)

    page.keyboard.press("/")
    page.keyboard.type("4821")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="VD-2026-004821").click()

    expect(page.get_by_role("heading", name="VD-2026-004821")).to_be_visible()


def test_filters_of_billings_are_a_deep_link(visit, world):  # noqa: F811
    page = visit("/billings", world.owner)

    page.get_by_label("Payment channel").select_option("none")
    expect(page.get_by_text("No order matches these filters")).to_be_visible()
    page.go_back()

    expect(page.locator(f"#o{world.order.id}")).to_be_visible()
