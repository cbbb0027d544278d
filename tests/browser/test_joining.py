"""From the station data to the first sign-in, under the words of the instructions; and the public pages, looked at."""

import re

import pytest
from playwright.sync_api import expect

from domain.clock import utcnow
from domain.models.chargers import HandshakeOutcome
from domain.models.operators import Role
from domain.models.secret_links import Purpose
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect
from tests.letters import letters, path_in

LOOKS = [(DESKTOP, "light"), (PHONE, "dark")]


@pytest.fixture
def pia(make):
    return make(factories.user, None, Role.PLATFORM_ADMIN, name="Pia Admin", email="pia@voltdesk.example")


@pytest.fixture
def alice(make):
    return make(factories.user, make(factories.operator), email="alice@example.com", name="Alice Harbour")


def fill_in(page):
    page.get_by_label("Order number").fill("SO-2026-1182")
    page.get_by_label("Company name").fill("Quay Charging Oy")
    page.get_by_label("Login e-mail").fill("nina@quay.example")
    page.get_by_label("Name of the charging station").fill("Quay 7")
    page.get_by_label("Country").select_option("Finland")
    page.get_by_label("Region").fill("Uusimaa")
    page.get_by_label("Full address").fill("Laituri 7, 00160 Helsinki")
    page.get_by_label("Device id of charger 1").fill("QC60D01")
    page.get_by_label("Device account of charger 1").fill("4471-01")


@pytest.mark.parametrize("scripts", [True, False])
def test_from_station_data_to_the_first_sign_in(visit, db, pia, scripts):
    page = visit("/sign-in", scripts=scripts)
    page.get_by_role("link", name="station data").click()
    fill_in(page)
    page.get_by_role("button", name="Add a charger").click()
    page.get_by_label("Device id of charger 2").fill("QC60D02")
    page.get_by_label("Device account of charger 2").fill("4471-02")
    page.get_by_role("button", name="Send station data").last.click()
    expect(page.get_by_role("heading", name="Station data sent")).to_be_visible()
    expect(page).to_have_url(re.compile("/apply/sent$"))

    staff = visit("/platform/applications", user=pia, scripts=scripts)
    staff.get_by_role("link", name="Quay 7").click()
    staff.get_by_role("link", name="Approve").click()
    expect(staff.get_by_label("Time zone")).to_have_value("Europe/Helsinki")
    staff.get_by_role("button", name="Approve and open").click()
    expect(staff.get_by_text("Quay 7 is open. nina@quay.example has a mail.").first).to_be_visible()

    mail = letters(db)[-1]
    assert "Your login e-mail: nina@quay.example" in mail.body
    page.goto(path_in(mail))
    page.get_by_label("New password", exact=True).fill("seven blue boats")
    page.get_by_label("New password again").fill("seven blue boats")
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()
    page.get_by_role("link", name="Quay 7").first.click()
    expect(page.get_by_role("heading", name="Ready to earn")).to_be_visible()
    page.get_by_role("link", name="Q7-01").or_(page.get_by_role("link", name="Q-01")).first.click()
    page.get_by_role("link", name="Connect", exact=True).click()
    page.get_by_role("link", name="New password").click()
    page.get_by_role("button", name="Make a new password").click()
    expect(page.locator("#basic-password")).to_have_text(re.compile("[0-9a-f]{40}"))
    expect(page.locator("#ws-url")).to_have_text("ws://localhost:9000/QC60D01")


def test_signing_up_and_being_told_what_to_do_next(visit, db):
    page = visit("/sign-up", size=PHONE)
    page.get_by_label("Company").fill("Quay Charging Oy")
    page.get_by_label("E-mail address").fill("nina@quay.example")
    page.get_by_label("Password").fill("seven blue boats")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(path_in(letters(db)[0]))
    page.get_by_label("Password").fill("seven blue boats")
    page.get_by_role("button", name="Confirm and sign in").click()

    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_refused_form_leads_to_the_fault_and_keeps_what_was_typed(visit, make, size, scheme):
    make(factories.charger, device_id="QC60D01")
    page = visit("/apply", size=size, scheme=scheme)
    fill_in(page)
    page.get_by_role("button", name="Send station data").last.click()

    expect(page.get_by_text("A charger with this device id is registered already.")).to_be_visible()
    expect(page.get_by_label("Device id of charger 1")).to_be_focused()
    expect(page.get_by_label("Full address")).to_have_value("Laituri 7, 00160 Helsinki")
    assert inspect(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_public_pages_are_sound(visit, db, make, alice, size, scheme):
    application = make(factories.application, created_at=utcnow())
    links = {
        "/choose-password/": factories.secret(db, Purpose.SET_PASSWORD, alice.id),
        "/sign-up/confirm/": factories.secret(
            db, Purpose.CONFIRM_EMAIL, make(factories.sign_up, created_at=utcnow()).id
        ),
        "/apply/status/": factories.secret(db, Purpose.APPLICATION, application.id),
    }
    db.commit()
    paths = ["/sign-in", "/sign-up", "/sign-up/sent", "/forgot-password", "/forgot-password/sent", "/apply/sent"]

    found = {}
    for path in [*paths, *(path + secret for path, secret in links.items())]:
        found[path] = inspect(visit(path, size=size, scheme=scheme))

    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_back_office_pages_are_sound(visit, make, alice, pia, size, scheme):
    charger = make(factories.charger, make(factories.station, alice.operator), device_id="HE60D01")
    make(factories.handshake, "HE60D01", at=utcnow())
    make(factories.handshake, "NV22A01", at=utcnow(), outcome=HandshakeOutcome.UNKNOWN_CHARGER)
    application = make(factories.application, "NV22A01", created_at=utcnow())
    pages = {
        "/platform/applications": pia,
        f"/platform/applications/{application.id}": pia,
        f"/platform/applications/{application.id}/approve": pia,
        "/handshakes": pia,
        "/handshakes?adopt=NV22A01": alice,
        f"/chargers/{charger.device_id}/connect": alice,
        f"/stations/{charger.station_id}": alice,
        "/overview": alice,
    }

    found = {path: inspect(visit(path, user=user, size=size, scheme=scheme)) for path, user in pages.items()}

    assert {path: faults for path, faults in found.items() if faults} == {}


def test_the_checklist_moves_by_itself(visit, make, alice):
    charger = make(factories.charger, make(factories.station, alice.operator), device_id="HE60D01")
    page = visit("/chargers/HE60D01/connect", user=alice)
    expect(page.get_by_text("Nothing has arrived under this device id yet.")).to_be_visible()

    make(factories.handshake, charger.device_id, at=utcnow(), outcome=HandshakeOutcome.NO_PASSWORD)

    expect(page.get_by_text("In the charger switch on HTTP Basic authentication")).to_be_visible(timeout=15_000)


def test_an_unknown_charger_is_found_and_adopted(visit, make, alice):
    make(factories.station, alice.operator)
    page = visit("/handshakes", user=alice)
    page.get_by_label("Exact device id of your charger").fill("NV22A01")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No unknown charger with exactly this device id")).to_be_visible()

    make(factories.handshake, "NV22A01", at=utcnow(), outcome=HandshakeOutcome.UNKNOWN_CHARGER)

    page.get_by_role("link", name="Adopt", exact=True).click(timeout=15_000)
    page.get_by_role("button", name="Adopt", exact=True).click()
    expect(page.locator("#basic-password")).to_be_visible()
    assert inspect(page) == []
