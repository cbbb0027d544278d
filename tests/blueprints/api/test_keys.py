"""Who gets in, for what, and how often."""

from datetime import timedelta

import pytest

from domain import api_keys
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.models.operators import ApiKey
from tests import factories


def test_without_a_key_it_is_401_and_says_how(client):
    response = client.get("/api/v1/stations")

    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json["detail"] == "Send an API key: Authorization: Bearer vd_…"


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer vd_wrong", "Basic dmRfOg==", "vd_wrong", "Bearer \xe4\xf6", "Bearer a b"],
)
def test_a_wrong_key_is_401(client, authorization):
    response = client.get("/api/v1/stations", headers={"Authorization": authorization})

    assert response.status_code == 401


def test_the_scheme_is_read_in_any_case(client, alice):
    secret = alice.headers["Authorization"].split()[1]

    assert client.get("/api/v1/stations", headers={"Authorization": f"bearer  {secret}"}).status_code == 200


def test_a_key_that_expired_is_401(db, make, client):
    operator = make(factories.operator)
    long_ago = utcnow() - timedelta(days=2)
    _, secret = api_keys.create(db, operator, "old", by="x", lasts=timedelta(days=1), now=long_ago)
    db.commit()

    assert client.get("/api/v1/stations", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_a_revoked_key_is_401_at_once(db, alice):
    before = alice.get("/stations").status_code
    api_keys.revoke(db, db.query(ApiKey).one(), by="alice@example.com", now=utcnow())
    db.commit()

    assert (before, alice.get("/stations").status_code) == (200, 401)


def test_the_keys_of_a_suspended_operator_are_401(db, harbour, alice):
    harbour.suspended_at = utcnow()
    db.commit()

    assert alice.get("/stations").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/stations", Scope.READ),
        ("POST", "/stations", Scope.WRITE),
        ("PATCH", "/stations/1", Scope.WRITE),
        ("PUT", "/stations/1/tariff", Scope.WRITE),
        ("POST", "/tariffs/price", Scope.READ),
        ("POST", "/orders/1/refund", Scope.REFUNDS),
    ],
)
def test_a_key_without_the_scope_is_403(key_of, harbour, method, path, needed):
    others = [scope for scope in Scope if scope is not needed]
    caller = key_of(harbour, *others)

    response = caller.send(method, path, json={})

    assert response.status_code == 403
    assert response.json["detail"] == f"This key has not the scope {needed}."


def test_the_use_of_a_key_is_noted(db, alice):
    alice.get("/stations")

    assert utcnow() - db.query(ApiKey).one().last_used_at < timedelta(minutes=1)


def test_the_601st_call_in_a_minute_is_429(alice):
    statuses = [alice.get("/settlements").status_code for _ in range(600)]

    response = alice.get("/settlements")

    assert set(statuses) == {200}
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 61


def test_another_key_is_not_held_up(alice, charlie):
    for _ in range(601):
        alice.get("/settlements")

    assert charlie.get("/settlements").status_code == 200


def test_guessing_keys_is_slowed_down(client, alice):
    guesses = [
        client.get("/api/v1/stations", headers={"Authorization": f"Bearer vd_{n}"}).status_code for n in range(601)
    ]

    assert guesses == [401] * 600 + [429]
    assert alice.get("/stations").status_code == 200
