"""Connection doctor: who sees which attempts, in which words, and what a live page hears."""

import re

import pytest

from blueprints.handshakes import OUTCOMES
from domain.models.chargers import HandshakeOutcome
from domain.models.operators import Role
from tests import factories
from tests.blueprints.conftest import HTMX


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), device_id="HE60D01")


@pytest.fixture
def admin(make, sign_in):
    return sign_in(make(factories.user, None, Role.PLATFORM_ADMIN))


def shown_ids(text):
    return [int(number) for number in re.findall(r'<tr id="h(\d+)"', text)]


def test_it_tells_what_was_refused_and_what_to_change(alice, make, charger):
    make(factories.handshake, "HE60D01", repeats=3, user_agent="Nordvolt/2.8")

    text = alice.get("/handshakes").text

    assert "Wrong password" in text
    assert "Enter it in the charger again, or give it a new one." in text
    assert "/ocpp/HE60D01" in text
    assert "3 times" in text
    assert "Nordvolt/2.8" in text
    assert "192.0.2.7" in text


def test_every_outcome_has_words(alice, make, charger):
    for outcome in HandshakeOutcome:
        make(factories.handshake, "HE60D01", outcome=outcome, subprotocols=["ocpp2.0.1"])

    text = alice.get("/handshakes").text

    assert set(OUTCOMES) == set(HandshakeOutcome)
    assert all(words.name in text for words in OUTCOMES.values())
    assert "it offers only ocpp2.0.1" in text
    assert "ws://" in text
    assert "{" not in "".join(re.findall(r"<td>([^<]*)</td>", text))


def test_operators_see_attempts_on_their_own_device_ids_only(alice, charlie, admin, make, charger):
    own = make(factories.handshake, "HE60D01")
    unknown = make(factories.handshake, "NOBODYS-1", outcome=HandshakeOutcome.UNKNOWN_CHARGER)
    nameless = make(factories.handshake, None, outcome=HandshakeOutcome.BAD_IDENTITY)

    seen = [shown_ids(browser.get("/handshakes").text) for browser in (alice, charlie, admin)]

    assert seen == [[own.id], [], [nameless.id, unknown.id, own.id]]


def test_what_a_stranger_sends_is_shown_as_text(admin, make):
    make(factories.handshake, "<b>bold</b>", outcome=HandshakeOutcome.UNKNOWN_CHARGER, user_agent='"><script>')

    text = admin.get("/handshakes").text

    assert "<b>bold</b>" not in text
    assert "<script>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["accepted", "no_password", "unknown"]),
        ("view=refused", ["no_password", "unknown"]),
        ("outcome=no_password", ["no_password"]),
        ("outcome=made_up", ["accepted", "no_password", "unknown"]),
        ("q=he60", ["accepted", "no_password"]),
        ("view=refused&q=he60", ["no_password"]),
        ("q=%25", []),
    ],
)
def test_filters(admin, make, charger, query, expected):
    ids = {
        make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.ACCEPTED).id: "accepted",
        make(factories.handshake, "HE60D01", outcome=HandshakeOutcome.NO_PASSWORD).id: "no_password",
        make(factories.handshake, "OTHER", outcome=HandshakeOutcome.UNKNOWN_CHARGER).id: "unknown",
    }

    text = admin.get(f"/handshakes?{query}").text

    assert sorted(ids[each] for each in shown_ids(text)) == expected


def test_pages_follow_each_other_by_key(alice, make, charger):
    made = [make(factories.handshake, "HE60D01").id for _ in range(26)]

    first = alice.get("/handshakes").text
    second = alice.get(re.search(r'href="(/handshakes\?cursor=[^"]+)"', first)[1].replace("&amp;", "&")).text

    assert shown_ids(first) == made[:0:-1]
    assert shown_ids(second) == made[:1]


def test_nothing_yet_says_what_appears_here(alice, admin):
    assert "None of your chargers has tried to connect yet" in alice.get("/handshakes").text
    assert "Nothing has tried to connect yet" in admin.get("/handshakes").text
    assert "No attempt matches these filters" in alice.get("/handshakes?q=x").text


def test_a_live_page_hears_of_new_attempts_once(alice, make, charger):
    make(factories.handshake, "HE60D01")
    version = re.search(r'name="version" value="(\w+)"', alice.get("/handshakes").text)[1]

    same = alice.get(f"/handshakes/live?version={version}", headers=HTMX).text
    new = make(factories.handshake, "HE60D01")
    changed = alice.get(f"/handshakes/live?version={version}", headers=HTMX).text
    later_page = alice.get(f"/handshakes/live?version={version}&cursor=x", headers=HTMX).text

    assert shown_ids(same) == shown_ids(later_page) == []
    assert shown_ids(changed)[0] == new.id
    assert 'id="live-clock" hx-swap-oob="true"' in same
    assert 'id="rows" hx-swap-oob="true"' in changed


def test_support_finds_the_page_in_the_menu(make, sign_in):
    support = sign_in(make(factories.user, None, Role.PLATFORM_SUPPORT))

    assert '<a href="/handshakes"' in support.get("/password").text
