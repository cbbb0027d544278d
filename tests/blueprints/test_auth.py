"""Signing in and out: generic answers, counted tries, rotated login sessions, only our own addresses."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import create_app
from blueprints import database
from domain import logins, passwords
from domain.clock import utcnow
from domain.models.operators import LoginAttempt, LoginSession, Operator, UserAccount
from tests import factories
from tests.blueprints.conftest import HTMX

PASSWORD = "correct horse battery"
HASH = passwords.hash_password(PASSWORD)


@pytest.fixture
def dora(make, harbour):
    return make(factories.user, harbour, email="dora@example.com", name="Dora", password_hash=HASH)


def sign_in(client, email="dora@example.com", password=PASSWORD, **data):
    return client.post("/sign-in", data={"email": email, "password": password, **data})


def anonymous(text):
    """The page without what was typed and without the form's token, which carries the second of its making."""
    typed = re.sub(r"(dora|nobody)@example\.com", "", text)
    return re.sub(r"[\w-]{20,}\.[\w-]+\.[\w-]+", "", typed)


def test_the_right_password_signs_in(client, dora, db):
    response = sign_in(client, email=" Dora@Example.com ")

    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/password").status_code == 200
    assert db.scalars(select(LoginSession.user_id)).all() == [dora.id]


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client, dora):
    wrong = sign_in(client, password="wrong")
    unknown = sign_in(client, email="nobody@example.com")

    assert wrong.status_code == unknown.status_code == 422
    assert "The e-mail address or the password is not right." in wrong.text
    assert anonymous(wrong.text) == anonymous(unknown.text)


def test_typed_values_are_kept_but_the_password_is_not(client, dora):
    response = sign_in(client, password="wrong secret")

    assert 'value="dora@example.com"' in response.text
    assert "wrong secret" not in response.text


def test_the_eleventh_try_is_refused_even_with_the_right_password(client, dora):
    answers = [sign_in(client, password="wrong").text for _ in range(10)]

    eleventh = sign_in(client)

    assert all("is not right" in text for text in answers)
    assert eleventh.status_code == 422
    assert "Too many tries" in eleventh.text
    assert client.get("/password").status_code == 303


def test_another_address_may_still_try(client, dora):
    for _ in range(10):
        sign_in(client, password="wrong")

    elsewhere = client.post(
        "/sign-in",
        data={"email": "dora@example.com", "password": PASSWORD},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )

    assert elsewhere.status_code == 303


@pytest.mark.parametrize(("hops", "address"), [(0, "127.0.0.1"), (1, "192.0.2.9")])
def test_only_as_many_proxies_are_believed_as_there_are(settings, db, hops, address):
    app = create_app(replace(settings, proxy_hops=hops))
    app.config["WTF_CSRF_ENABLED"] = False
    forwarded = {"X-Forwarded-For": "198.51.100.1, 192.0.2.9"}

    app.test_client().post("/sign-in", data={"email": "a@example.com", "password": "x"}, headers=forwarded)

    assert db.scalars(select(LoginAttempt.remote_address)).all() == [address]
    with app.app_context():
        database.db.engine.dispose()


def test_tries_are_forgotten_after_a_quarter_of_an_hour(client, dora, db):
    earlier = utcnow() - timedelta(minutes=15, seconds=1)
    for _ in range(10):
        logins.count_try(db, "dora@example.com", "127.0.0.1", earlier)
    db.commit()

    response = sign_in(client)

    assert response.status_code == 303


@pytest.mark.parametrize("reason", ["inactive", "suspended"])
def test_who_may_not_work_here_any_more_does_not_get_in(client, dora, db, harbour, reason):
    if reason == "inactive":
        db.execute(update(UserAccount).values(is_active=False))
    else:
        db.execute(update(Operator).values(suspended_at=utcnow()))
    db.commit()

    response = sign_in(client)

    assert response.status_code == 422
    assert "is not right" in response.text


def test_a_planted_cookie_is_not_the_one_that_signs_in(client, dora, alice):
    with alice.session_transaction() as known:
        planted = known["_user_id"]
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "planted"
        cookie["left behind"] = "by an attacker"

    sign_in(client)

    with client.session_transaction() as cookie:
        assert cookie["_user_id"] not in ("planted", planted)
        assert "left behind" not in cookie


def test_signing_in_again_ends_the_login_before(client, dora, db):
    sign_in(client)
    with client.session_transaction() as cookie:
        first = dict(cookie)

    sign_in(client)

    ended = db.scalars(select(LoginSession.ended_at).order_by(LoginSession.id)).all()
    assert [at is not None for at in ended] == [True, False]
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != first["_user_id"]


def test_a_copied_cookie_is_worth_nothing_after_signing_out(app, client, dora):
    sign_in(client)
    thief = app.test_client()
    with client.session_transaction() as cookie, thief.session_transaction() as copy:
        copy.update(cookie)
    before = thief.get("/password").status_code

    client.post("/sign-out")

    assert (before, thief.get("/password").status_code) == (200, 303)


@pytest.mark.parametrize("event", ["inactive", "suspended", "expired", "ended by hand", "new password"])
def test_a_login_ends_within_one_request(alice, db, event):
    now = utcnow()
    changes = {
        "inactive": update(UserAccount).values(is_active=False),
        "suspended": update(Operator).values(suspended_at=now),
        "expired": update(LoginSession).values(expires_at=now),
        "ended by hand": update(LoginSession).values(ended_at=now),
    }
    before = alice.get("/password").status_code

    if event == "new password":
        logins.end_all(db, db.scalar(select(UserAccount.id)), now)
    else:
        db.execute(changes[event])
    db.commit()

    assert (before, alice.get("/password").status_code) == (200, 303)


def test_it_leads_back_to_where_the_person_wanted_to_go(client, dora):
    asked = client.get("/password?tab=1")

    page = client.get(asked.location)
    response = sign_in(client, next="/password?tab=1")

    assert asked.location == "/sign-in?next=/password?tab%3D1"
    assert 'value="/password?tab=1"' in page.text
    assert response.location == "/password?tab=1"


def test_htmx_is_told_by_a_header_and_comes_back_to_its_page(client):
    headers = HTMX | {"HX-Current-URL": "http://localhost/password?q=1"}
    foreign = HTMX | {"HX-Current-URL": "https://evil.example/password"}

    response = client.get("/password", headers=headers)
    elsewhere = client.get("/password", headers=foreign)

    assert (response.status_code, response.headers["HX-Redirect"]) == (401, "/sign-in?next=/password?q%3D1")
    assert elsewhere.headers["HX-Redirect"] == "/sign-in"


def test_a_one_time_password_must_be_changed_first(client, make, harbour):
    make(factories.user, harbour, email="new@example.com", password_hash=HASH, must_change_password=True)
    sign_in(client, email="new@example.com")

    anywhere = client.get("/")
    page = client.get("/password")
    changed = client.post(
        "/password", data={"old": PASSWORD, "new": "another fine phrase", "again": "another fine phrase"}
    )

    assert (anywhere.status_code, anywhere.location) == (303, "/password")
    assert "works only once" in page.text
    assert (changed.status_code, changed.location) == (303, "/")
    assert client.get("/", follow_redirects=True).status_code == 200


def test_a_new_password_signs_out_all_other_browsers(app, client, dora, db):
    other = app.test_client()
    sign_in(client)
    sign_in(other)

    client.post("/password", data={"old": PASSWORD, "new": "another fine phrase", "again": "another fine phrase"})

    assert client.get("/password").status_code == 200
    assert other.get("/password").status_code == 303
    assert sign_in(other).status_code == 422
    assert sign_in(other, password="another fine phrase").status_code == 303


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"old": "wrong", "new": "another fine phrase"}, "The present password is not right."),
        ({"old": PASSWORD, "new": "short"}, "Use at least 10 characters."),
        ({"old": PASSWORD, "new": PASSWORD}, "Choose one that differs"),
        ({"old": PASSWORD, "new": "dora@example.com"}, "others cannot guess"),
        ({"old": PASSWORD, "new": "another fine phrase", "again": "typo"}, "The two new passwords differ."),
    ],
)
def test_a_refused_password_names_the_field(client, dora, data, message):
    sign_in(client)

    response = client.post("/password", data={"again": data["new"]} | data)

    assert response.status_code == 422
    assert message in response.text
    assert response.text.count('aria-invalid="true"') == 1


def test_who_is_signed_in_does_not_see_the_sign_in_page(alice):
    response = alice.get("/sign-in")

    assert (response.status_code, response.location) == (303, "/")
