"""Where a person is signed in."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from blueprints.logins import device
from domain.clock import utcnow
from domain.models.operators import LoginSession, UserAccount

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


@pytest.fixture
def phone(db, alice, sign_in):
    """Another browser of Alice's."""
    user = db.scalars(select(UserAccount).where(UserAccount.email == "alice@example.com")).one()
    browser = sign_in(user)
    latest = db.scalars(select(LoginSession).order_by(LoginSession.id.desc())).first()
    latest.user_agent, latest.remote_address = PHONE, "192.0.2.44"
    browser.login_id = latest.id
    db.commit()
    return browser


def test_each_browser_is_told(alice, phone):
    text = alice.get("/signed-in").text

    assert "Safari on iPhone" in text
    assert "192.0.2.44" in text
    assert text.count("This browser") == 1


def test_one_is_ended(alice, phone):
    response = alice.post(f"/signed-in/{phone.login_id}/end")

    assert response.status_code == 303
    assert phone.get("/signed-in").status_code == 303
    assert alice.get("/signed-in").status_code == 200


def test_all_others_are_ended(alice, phone, bob):
    alice.post("/signed-in/end-others")

    assert phone.get("/signed-in").status_code == 303
    assert alice.get("/signed-in").status_code == 200
    assert bob.get("/signed-in").status_code == 200


def test_nobody_ends_another_persons(bob, phone):
    response = bob.post(f"/signed-in/{phone.login_id}/end")

    assert response.status_code == 404
    assert phone.get("/signed-in").status_code == 200


def test_when_it_was_last_seen_is_kept_to_five_minutes(alice, db):
    long_ago = utcnow() - timedelta(hours=2)
    db.execute(update(LoginSession).values(last_seen_at=long_ago))
    db.commit()

    alice.get("/signed-in")

    assert db.scalars(select(LoginSession.last_seen_at)).one() > utcnow() - timedelta(minutes=1)


def test_a_device_that_says_nothing_is_unknown():
    assert device(LoginSession(user_agent=None)) == ("Unknown device", "world")
