"""Connection doctor in a browser: sound on a desk and a phone, filtered, and live."""

import re

import pytest
from playwright.sync_api import expect

from domain.models.chargers import HandshakeOutcome
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, inspect

LOOKS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")]


@pytest.fixture
def alice(make):
    operator = make(factories.operator)
    make(factories.charger, make(factories.station, operator), device_id="HE60D01")
    return make(factories.user, operator)


@pytest.fixture
def attempts(make, alice):
    long = {
        "path": "/ocpp/" + "very/long" * 30,
        "user_agent": "Charger/" + "1" * 200,
        "subprotocols": ["ocpp2.0.1"] * 9,
    }
    for outcome in HandshakeOutcome:
        make(factories.handshake, "HE60D01", outcome=outcome, **(long if outcome == "unknown_version" else {}))


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_it_is_sound(visit, alice, attempts, size, scheme):
    page = visit("/handshakes", user=alice, size=size, scheme=scheme)

    expect(page.get_by_role("heading", name="Connection doctor")).to_be_visible()
    assert inspect(page) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_nothing_yet_is_sound(visit, alice, size):
    page = visit("/handshakes", user=alice, size=size)

    expect(page.get_by_text("None of your chargers has tried to connect yet")).to_be_visible()
    assert inspect(page) == []


def test_a_new_attempt_appears_by_itself_within_the_filter(visit, alice, attempts, make):
    page = visit("/handshakes", user=alice)
    rows = page.locator("#rows tbody tr")
    page.get_by_label("Outcome").select_option("Wrong password")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("outcome=wrong_password"))

    make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.NO_PASSWORD)
    make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.WRONG_PASSWORD)

    expect(rows).to_have_count(2, timeout=15_000)
    expect(page.get_by_label("Outcome")).to_have_value("wrong_password")
    assert inspect(page) == []


def test_a_saved_view_keeps_the_live_page_on_it(visit, alice, attempts, make):
    page = visit("/handshakes", user=alice)
    page.get_by_role("link", name="Refused", exact=True).click()
    expect(page.locator("#rows tbody tr")).to_have_count(len(HandshakeOutcome) - 1)

    make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.ACCEPTED)
    made = make(factories.handshake, "HE60D01")

    expect(page.locator(f"#h{made.id}")).to_be_visible(timeout=15_000)
    expect(page.locator("#rows tbody tr")).to_have_count(len(HandshakeOutcome))
    expect(page.locator("#rows").get_by_text("Connected", exact=True)).to_have_count(0)
