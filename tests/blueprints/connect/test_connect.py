"""Connect: what to type, the password shown once, and the live checklist."""

import re

import pytest

from blueprints.connect import addresses
from domain import charger_keys
from domain.clock import utcnow
from domain.models.chargers import Charger, HandshakeOutcome
from domain.models.operators import AuditEvent
from domain.settings import Settings
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), device_id="HE60D01", label="HG-01")


def settings(tmp_path, **values):
    return Settings(database_url="sqlite://", instance_dir=tmp_path, secret_key="test", **values)


@pytest.mark.parametrize(
    ("told", "ws", "wss"),
    [
        ("ws://ocpp.example.com:9000", "ws://ocpp.example.com:9000/HE60D01", "wss://ocpp.example.com:9001/HE60D01"),
        ("ws://10.0.0.5:9100/ocpp", "ws://10.0.0.5:9100/ocpp/HE60D01", "wss://10.0.0.5:9001/ocpp/HE60D01"),
        ("wss://ocpp.example.com", "ws://ocpp.example.com:9000/HE60D01", "wss://ocpp.example.com:443/HE60D01"),
        ("ws://[2001:db8::1]:9000", "ws://[2001:db8::1]:9000/HE60D01", "wss://[2001:db8::1]:9001/HE60D01"),
    ],
)
def test_both_addresses_follow_from_the_public_one(tmp_path, told, ws, wss):
    found = addresses(settings(tmp_path, ocpp_public_url=told), "HE60D01")

    assert (found["ws"].url, found["wss"].url) == (ws, wss)


def test_a_device_id_is_encoded_in_the_address(tmp_path):
    found = addresses(settings(tmp_path), "A B|1+")

    assert found["ws"].url == "ws://localhost:9000/A%20B%7C1%2B"


def test_the_page_says_what_to_type(alice, charger):
    page = alice.get("/chargers/HE60D01/connect").text

    for text in (
        "ws://localhost:9000/HE60D01",
        "wss://localhost:9001/HE60D01",
        "If the station operates using the WS protocol",
        "If the station uses the WSS protocol",
        "If you&#39;re not sure about the station&#39;s protocol, use WS!",
        "URL, WS",
        "PORT, WS",
        "EVC*********",
        "WIFI",
        "Handshake seen",
        "Boot accepted",
        "Clock ok",
        "Connectors seen",
        "Test charge",
    ):
        assert text in page.replace("'", "&#39;")
    assert "Nothing has arrived under this device id yet." in page


def test_a_new_password_is_shown_once_and_only_to_who_made_it(alice, bob, db, charger):
    asked = alice.get("/chargers/HE60D01/connect/password").text
    response = alice.post("/chargers/HE60D01/connect/password")
    others, first, second = (browser.get("/chargers/HE60D01/connect").text for browser in (bob, alice, alice))

    key = first.split('id="basic-password" aria-labelledby="basic-password-lab">')[1].split("<")[0]
    stored = db.get(Charger, charger.id, populate_existing=True)
    assert "The present password stops working." in asked
    assert (response.status_code, response.location) == (303, "/chargers/HE60D01/connect")
    assert charger_keys.matches(stored.password_salt, stored.password_hash, key.encode())
    assert key not in others
    assert key not in second
    assert "basic-password" not in others + second
    assert db.query(AuditEvent.verb).all() == [("password renewed",)]


def test_the_question_says_what_stops(alice, db, charger):
    charger.node, charger.connected_at = "ocpp-1", utcnow()
    db.commit()

    dialog = alice.get("/chargers/HE60D01/connect/password", headers=HTMX).text

    assert "It stays so until its next reconnection, then it is refused" in dialog
    assert "Keep the present one" in dialog


def test_finance_sees_the_page_but_makes_no_password(make, sign_in, harbour, charger):
    finance = sign_in(make(factories.user, harbour, "finance"))

    assert "New password" not in finance.get("/chargers/HE60D01/connect").text
    assert finance.post("/chargers/HE60D01/connect/password").status_code == 403


def test_the_doctor_s_words_stand_where_it_is_stuck(alice, make, charger):
    make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.WRONG_USER, repeats=3)

    part = alice.get("/chargers/HE60D01/connect/live", headers=HTMX).text

    assert "Wrong user name, 3 times. In the charger set the user name to its device id" in part
    assert part.count("Still to come") == 4


def test_the_head_follows_the_checklist(alice, make, harbour):
    make(
        factories.charger,
        make(factories.station, harbour),
        device_id="HE60D03",
        ocpp_version="1.6",
        node="ocpp-1",
        connected_at=utcnow(),
    )

    part = alice.get("/chargers/HE60D03/connect/live", headers=HTMX).text

    assert part.lstrip().startswith('<section class="card" id="connect-steps"')
    assert re.search(r'id="charger-lead" hx-swap-oob="true">[^<]*OCPP 1.6, connected', part)
    assert 'id="act-reboot"' in part


def test_a_charger_held_to_tls_is_not_sent_to_ws(alice, make, harbour):
    make(factories.charger, make(factories.station, harbour), device_id="HE60D02", security_profile=2)

    page = alice.get("/chargers/HE60D02/connect").text

    assert "This charger must use WSS" in page
    assert "use WS!" not in page


def test_charlie_cannot_see_it(charlie, charger):
    for tail in ("", "/live", "/password"):
        assert charlie.get(f"/chargers/HE60D01/connect{tail}").status_code == 404
    assert charlie.post("/chargers/HE60D01/connect/password").status_code == 404
