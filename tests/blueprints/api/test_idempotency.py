"""A POST with an Idempotency-Key happens once."""

import threading
from datetime import timedelta

from sqlalchemy import select

from domain.models.operators import IdempotentAnswer
from domain.models.stations import Station
from tests import factories

PIER = {"name": "Pier", "time_zone": "Europe/Helsinki"}


def test_a_repetition_gets_the_same_answer(db, alice):
    first = alice.post("/stations", PIER, Idempotency_Key="k1")
    again = alice.post("/stations", PIER, Idempotency_Key="k1")

    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(db.scalars(select(Station)).all()) == 1


def test_the_same_key_with_another_body_is_409(alice):
    alice.post("/stations", PIER, Idempotency_Key="k1")

    answer = alice.post("/stations", PIER | {"name": "Mole"}, Idempotency_Key="k1")

    assert answer.status_code == 409
    assert answer.json["type"] == "urn:voltdesk:problem:key-reused"


def test_the_same_key_at_another_address_is_409(alice):
    alice.post("/stations", PIER, Idempotency_Key="k1")

    answer = alice.post("/tokens", {"uid": "A", "status": "Accepted"}, Idempotency_Key="k1")

    assert answer.status_code == 409


def test_keys_of_different_callers_do_not_meet(db, alice, charlie):
    alice.post("/stations", PIER, Idempotency_Key="k1")

    answer = charlie.post("/stations", PIER, Idempotency_Key="k1")

    assert answer.status_code == 201
    assert len(db.scalars(select(Station)).all()) == 2


def test_what_was_refused_may_be_mended_under_the_same_key(alice):
    refused = alice.post("/stations", PIER | {"time_zone": "Nowhere"}, Idempotency_Key="k1")
    mended = alice.post("/stations", PIER, Idempotency_Key="k1")

    assert (refused.status_code, mended.status_code) == (422, 201)


def test_without_a_key_every_post_counts(db, alice):
    alice.post("/stations", PIER)
    alice.post("/stations", PIER)

    assert len(db.scalars(select(Station)).all()) == 2


def test_a_password_is_not_kept_in_clear(db, make, harbour, alice):
    station = make(factories.station, harbour)
    body = {"station_id": str(station.id), "device_id": "HE60D1"}

    first = alice.post("/chargers", body, Idempotency_Key="k1").json
    again = alice.post("/chargers", body, Idempotency_Key="k1").json

    assert again["password"] == first["password"]
    assert first["password"] not in str(db.scalars(select(IdempotentAnswer)).one().body)


def test_after_a_day_a_key_is_forgotten(db, alice):
    alice.post("/stations", PIER, Idempotency_Key="k1")
    stored = db.scalars(select(IdempotentAnswer)).one()
    stored.created_at -= timedelta(hours=24)
    db.commit()

    again = alice.post("/stations", PIER, Idempotency_Key="k1")

    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


def test_an_odd_key_is_422(alice):
    assert alice.post("/stations", PIER, Idempotency_Key="x" * 256).status_code == 422
    assert alice.post("/stations", PIER, Idempotency_Key="").status_code == 422


def test_eight_at_the_same_moment_happen_once(app, db, alice):
    barrier, answers = threading.Barrier(8), []

    def post():
        client = app.test_client()
        barrier.wait(timeout=30)
        headers = alice.headers | {"Idempotency-Key": "k1"}
        answers.append(client.post("/api/v1/stations", json=PIER, headers=headers))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(db.scalars(select(Station)).all()) == 1
