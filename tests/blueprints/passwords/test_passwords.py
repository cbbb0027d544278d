"""Forgotten and first passwords: by a link that works once, and tells strangers nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from domain import passwords, secret_links
from domain.clock import utcnow
from domain.models.operators import AuditEvent, LoginSession, UserAccount
from domain.models.secret_links import Purpose, SecretLink
from tests import factories
from tests.letters import letters, path_in

NEW = {"new": "seven blue boats", "again": "seven blue boats"}


@pytest.fixture
def dora(make, harbour):
    return make(factories.user, harbour, email="dora@example.com", name="Dora Quay")


@pytest.fixture
def path(client, db, dora):
    client.post("/forgot-password", data={"email": " Dora@example.com "})
    return path_in(letters(db)[-1])


def test_a_new_password_is_chosen_by_the_link(client, db, dora, path, sign_in):
    elsewhere = sign_in(dora)

    page = client.get(path).text
    response = client.post(path, data=NEW)

    user = db.get(UserAccount, dora.id, populate_existing=True)
    assert "Choose your new password" in page
    assert "dora@example.com" in page
    assert (response.status_code, response.location) == (303, "/")
    assert passwords.matches(user.password_hash, "seven blue boats")
    assert client.get("/overview").status_code == 200  # signed in
    assert elsewhere.get("/overview").status_code == 303  # signed out
    assert "password set" in db.scalars(select(AuditEvent.verb)).all()
    assert letters(db)[-1].subject == "Your password was changed"


def test_the_answer_is_the_same_for_known_unknown_and_closed_logins(client, db, make, dora, harbour):
    make(factories.user, harbour, email="gone@example.com", is_active=False)

    answers = [
        client.post("/forgot-password", data={"email": each})
        for each in ("dora@example.com", "nobody@example.com", "gone@example.com", "no address")
    ]

    assert {(answer.status_code, answer.location) for answer in answers} == {(303, "/forgot-password/sent")}
    assert [mail.to_address for mail in letters(db)] == ["dora@example.com"]


def test_a_link_works_once_and_its_sisters_end_with_it(client, app, db, path):
    client.post("/forgot-password", data={"email": "dora@example.com"})
    sister = path_in(letters(db)[-1])
    client.post(path, data=NEW)

    stranger = app.test_client()
    assert [stranger.get(each).status_code for each in (path, sister)] == [404, 404]
    assert stranger.post(path, data=NEW).status_code == 404
    told = stranger.get(path).text
    assert "has been used or has run out" in told
    assert '<a class="b primary" href="/forgot-password">Ask for a new link</a>' in told


def test_a_link_runs_out_after_an_hour(client, db, path):
    left = db.scalars(select(SecretLink.expires_at)).one() - utcnow()
    db.execute(update(SecretLink).values(expires_at=utcnow()))
    db.commit()

    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert client.get(path).status_code == 404


def test_a_refused_password_leaves_the_link_alive(client, path):
    weak = client.post(path, data={"new": "short", "again": "short"})
    other = client.post(path, data={"new": "seven blue boats", "again": "seven red boats"})

    assert (weak.status_code, other.status_code) == (422, 422)
    assert "Use at least 10 characters." in weak.text
    assert "The two passwords differ." in other.text
    assert client.post(path, data=NEW).status_code == 303


def test_a_first_password_needs_no_other_change(client, db, make, harbour):
    user = make(factories.user, harbour, must_change_password=True)
    secret = secret_links.make(db, Purpose.SET_PASSWORD, user.id, lasts=timedelta(days=7), now=utcnow())
    db.commit()

    client.post(f"/choose-password/{secret}", data=NEW)

    assert db.get(UserAccount, user.id, populate_existing=True).must_change_password is False
    assert client.get("/overview").status_code == 200
    assert letters(db) == []


def test_links_of_closed_logins_open_nothing(client, db, dora, path):
    db.execute(update(UserAccount).where(UserAccount.id == dora.id).values(is_active=False))
    db.commit()

    assert client.get(path).status_code == 404
    assert client.post(path, data=NEW).status_code == 404
    assert db.scalars(select(LoginSession)).all() == []


def test_asking_is_counted_for_unknown_addresses_too(client):
    for email in ("nobody@example.com", "dora@example.com"):
        answers = [client.post("/forgot-password", data={"email": email}).status_code for _ in range(10)]
        assert answers == [303] * 10

    assert client.post("/forgot-password", data={"email": "nobody@example.com"}).status_code in (422, 429)
