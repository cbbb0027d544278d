"""Overview and search: what wants somebody, and where it is."""

from datetime import timedelta

import pytest

from domain.clock import utcnow
from domain.models.charging import SessionStatus
from domain.models.orders import OrderStatus
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def charger(make, harbour):
    here = {"node": "ocpp-1", "connected_at": utcnow(), "last_seen_at": utcnow()}
    return make(
        factories.charger, make(factories.station, harbour), label="HG-04", device_id="HE60", connectors=1, **here
    )


def test_nothing_needs_anybody(alice, charger):
    page = alice.get("/overview").text

    assert "Nothing needs you" in page
    assert "0.0 kWh" in page


def test_a_fault_leads_to_its_charger(alice, db, charger):
    charger.connectors[0].status, charger.connectors[0].error_code = "Faulted", "GroundFailure"
    db.commit()

    page = alice.get("/overview").text

    assert "HG-04, Harbour Garage is faulted" in page
    assert "Connector 1: GroundFailure." in page
    assert 'href="/chargers/HE60">Look at the charger' in page


def test_today(alice, make, charger):
    charging = make(factories.charging, charger, started_at=utcnow() - timedelta(seconds=1))
    make(factories.order, charging, created_at=utcnow(), status=OrderStatus.PAID)
    make(factories.charging, charger, started_at=utcnow(), status=SessionStatus.REFUSED)

    fragment = alice.get("/overview", headers=HTMX).text

    assert "10.0 kWh" in fragment
    assert "€5.02" in fragment
    assert "<html" not in fragment


def test_a_new_operator_is_shown_the_first_step(alice):
    assert "Welcome to Voltdesk" in alice.get("/overview").text


def test_charlie_sees_nothing_of_it(charlie, db, charger):
    charger.connectors[0].status = "Faulted"
    db.commit()

    assert "HG-04" not in charlie.get("/overview").text
    assert "HE60" not in charlie.get("/search?q=HG-04").text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hg-04", "/chargers/HE60"),
        ("HE60", "/chargers/HE60"),
        ("QR7", "/chargers/HE60"),
        ("garage", "/stations/"),
        ("helsinki", "/stations/"),
        ("VD-2026-004821", "/billings/VD-2026-004821"),
        ("4821", "/billings/VD-2026-004821"),
        ("777123", "/sessions/"),
        ("billings", 'href="/billings"'),
    ],
)
def test_search_finds(alice, make, charger, text, address):
    charging = make(factories.charging, charger, transaction_id="777123")
    make(factories.order, charging, number="VD-2026-004821")
    make(factories.qr_code, charger, code="QR7")

    found = alice.get(f"/search?q={text}", headers=HTMX).text

    assert address in found
    assert "Nothing found" not in found


def test_search_says_what_it_looks_for(alice):
    assert "Nothing found" in alice.get("/search?q=zzz").text
    assert alice.get("/search").status_code == 200
