"""No unsafe route acts without the form's own token, nor for another site."""

import re

import pytest
from sqlalchemy import select

from domain.models.operators import LoginSession
from tests.blueprints.access_matrix import OWN_CHECKS


@pytest.fixture(autouse=True)
def csrf(app, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)


def token_of(browser, path="/password"):
    return re.search(r'name="csrf-token" content="([^"]+)"', browser.get(path).text)[1]


def some_address(rule):
    """The rule with its first word where it names a choice of words, and 1 elsewhere."""
    return re.sub(r"<[^>]+>", "1", re.sub(r"<any\((\w+)[^>]*>", r"\1", rule))


def test_every_unsafe_route_refuses_a_missing_and_a_wrong_token(app, alice):
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]
    rules = [rule for rule in posts if rule.endpoint.split(".")[0] not in OWN_CHECKS]

    answers = {
        (rule.rule, bool(data)): alice.post(some_address(rule.rule), data=data).status_code
        for rule in rules
        for data in ({}, {"csrf_token": "IjEi.YQ.wrong"})
    }

    assert answers
    assert set(answers.values()) == {400}


def test_another_persons_token_is_refused(alice, bob):
    response = alice.post("/sign-out", data={"csrf_token": token_of(bob)})

    assert response.status_code == 400


def test_the_token_counts_in_the_form_and_in_the_header(alice):
    by_header = alice.post("/theme", data={"theme": "dark"}, headers={"X-CSRFToken": token_of(alice)})
    by_form = alice.post("/theme", data={"theme": "dark", "csrf_token": token_of(alice)})

    assert (by_header.status_code, by_form.status_code) == (303, 303)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_acting_for_another_site_is_refused(alice, db, site):
    token = token_of(alice)

    response = alice.post("/sign-out", data={"csrf_token": token}, headers={"Sec-Fetch-Site": site})

    assert response.status_code == 403
    assert db.scalars(select(LoginSession.ended_at)).all() == [None]


def test_a_stale_form_says_what_to_do(alice):
    page = alice.post("/sign-out")
    message = alice.post("/sign-out", headers={"HX-Request": "true"})

    assert "Reload it, then send the form again" in page.text
    assert "Reload it, then send the form again" in message.headers["HX-Trigger"]
    assert message.headers["HX-Reswap"] == "none"
