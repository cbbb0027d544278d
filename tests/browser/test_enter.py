"""Enter does what a form's main button does; a question that stands alone leads on; hours hide the week."""

import pyotp
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from domain.models.operators import Role
from tests import factories
from tests.browser.conftest import PHONE, inspect


def test_enter_and_what_follows(live, visit):
    with Session(live.engine, expire_on_commit=False) as db:
        harbour = factories.operator(db)
        owner = factories.user(db, harbour, email="alice@example.com", name="Alice Harbour")
        dora = factories.user(db, harbour, Role.TECHNICIAN, email="dora@example.com", name="Dora")
        charger = factories.charger(db, factories.station(db, harbour), device_id="HE60D1", connectors=1)
        factories.configuration_value(db, charger, "HeartbeatInterval", "60", wished="300")
        factories.configuration_value(db, charger, "MeterValueSampleInterval", "30")
        db.commit()
        station_id, dora_id = charger.station_id, dora.id

    page = visit("/two-factor", user=owner)
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_label("Code").press("Enter")
    expect(page.locator(".err")).to_be_visible()
    assert page.locator("#secret").inner_text() == secret
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_label("Code").press("Enter")
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()

    page.goto("/chargers/HE60D1/configuration")
    page.get_by_label("MeterValueSampleInterval").fill("45")
    page.get_by_label("MeterValueSampleInterval").press("Enter")
    expect(page.locator("dialog[open]")).to_contain_text("45")

    page.goto("/chargers/HE60D1/power/1")
    page.locator("[name=limit]").fill("11")
    page.locator("[name=limit]").press("Enter")
    expect(page.locator("body")).to_contain_text("is saved.")

    page.goto(f"/team/{dora_id}/role")
    page.get_by_label("Finance").check()
    page.get_by_role("button", name="Change role").click()
    page.wait_for_url("**/team")
    expect(page.locator("body")).to_contain_text("Dora has the role Finance.")

    phone = visit("/team", user=owner, size=PHONE)
    assert phone.locator(f"#u{dora_id} td[data-label='Two-factor sign-in']").is_visible()
    assert inspect(phone) == []

    page.goto(f"/stations/{station_id}/hours")
    page.get_by_label("At these hours").check()
    expect(page.locator(".week-rows")).to_be_visible()
    page.get_by_label("Around the clock").check()
    expect(page.locator(".week-rows")).to_be_hidden()
    expect(page.locator("[name=x0_date]")).to_be_visible()
    assert inspect(page) == []
