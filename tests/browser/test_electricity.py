"""How an operator customises the electricity price, under the words of the FAQ."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, inspect
from tests.browser.test_pages import world  # noqa: F401 - the fixture


def test_from_the_stations_to_an_edited_old_price(visit, world):  # noqa: F811
    page = visit("/stations", world.owner)
    row = page.get_by_role("row", name=world.station.name)
    row.locator("summary").click()
    row.get_by_role("link", name="Electricity management").click()
    page.locator("#edit-1").click()
    form = page.locator("#price-form")
    expect(form.get_by_role("heading", name="Edit old price")).to_be_visible()
    expect(form).to_contain_text("Every hour of the week has a price.")

    form.get_by_label("From", exact=True).fill("06:00")
    form.get_by_label("To", exact=True).fill("24:00")

    gap = "No price for energy: Monday to Sunday 00:00 to 06:00. It is free then."
    expect(page.locator("#price-check")).to_contain_text(gap)
    form.get_by_role("button", name="Save price").click()
    expect(form.get_by_role("alert")).to_contain_text(gap)
    form.get_by_label("Save it all the same").check()
    form.get_by_role("button", name="Save price").click()
    expect(page.get_by_text("Night is saved. Sessions that run keep their price.")).to_be_visible()
    expect(page.get_by_text("Every day, 06:00 to 24:00")).to_be_visible()


def test_another_new_price_with_a_bill_that_follows(visit, world):  # noqa: F811
    page = visit(f"/stations/{world.station.id}/electricity", world.owner)
    page.get_by_role("link", name="Add new price").click()
    form, preview = page.locator("#price-form"), page.locator("#price-preview")
    expect(form.get_by_role("heading", name="Add another new price")).to_be_visible()

    preview.get_by_label("Day").select_option("Saturday")
    preview.get_by_label("Plugged in at").fill("10:00")
    preview.get_by_label("Energy").fill("10")
    form.get_by_label("Price name").fill("Weekend")
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
        form.get_by_label(day).uncheck()
    form.get_by_label("Energy, per kWh").fill("0.42")

    # 10 kWh at 0.42, while it is only typed.
    expect(preview).to_contain_text("€4.20")
    form.get_by_role("button", name="Save price").click()
    expect(page.get_by_role("row", name="Weekend")).to_contain_text("Sat and Sun, all day")


def test_the_preview_follows_without_a_form_and_without_scripts(visit, world):  # noqa: F811
    page = visit(f"/stations/{world.station.id}/electricity", world.owner)
    preview = page.locator("#price-preview")
    preview.get_by_label("Plugged in at").fill("17:00")
    preview.get_by_label("Energy").fill("10")

    # 10 kWh at 0.59.
    expect(preview).to_contain_text("€5.90")

    page = visit(f"/stations/{world.station.id}/electricity?edit=1", world.owner, scripts=False)
    page.locator("#price-preview").get_by_label("Plugged in at").fill("10:00")
    page.locator("#price-preview").get_by_label("Energy").fill("10")
    page.get_by_label("Energy, per kWh").fill("0.42")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#price-preview")).to_contain_text("€4.20")


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_a_draft_and_its_question_and_a_rehearsal_look_right(visit, world, db, size, scheme):  # noqa: F811
    page = visit(f"/stations/{world.station.id}/electricity", world.owner, size=size, scheme=scheme)
    page.get_by_role("button", name="Draft new prices").click()
    page.wait_for_load_state()
    page.locator("#edit-1").click()
    page.get_by_label("Energy, per kWh").fill("0.30")
    page.get_by_role("button", name="Save to the draft").click()
    expect(page.locator("#draft")).to_contain_text("Night changed")
    page.wait_for_load_state()  # until then the link is a plain one
    page.get_by_role("link", name="Publish").click()
    expect(page.get_by_role("dialog")).to_contain_text("Publish the draft?")
    page.get_by_role("link", name="Keep the draft").click()
    page.get_by_role("button", name="Rehearse on these sessions").click()
    expect(page.locator("#rehearsal")).to_contain_text("sessions compared")

    assert inspect(page) == []
    for query in ("?draft=1&edit=1", "?draft=1&edit=list", "/history"):
        page = visit(f"/stations/{world.station.id}/electricity{query}", world.owner, size=size, scheme=scheme)
        assert inspect(page) == []
