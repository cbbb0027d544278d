import pytest

from tests.blueprints.api.conftest import fields_of


def test_a_token_comes_back_as_it_was_added(alice):
    body = {
        "uid": "04A1b2", "status": "Accepted", "expires_at": "2027-01-01T00:00:00Z", "parent_uid": "FLEET",
        "name": "Van 7",
    }  # fmt: skip

    made = alice.post("/tokens", body)

    assert made.status_code == 201
    assert made.json == made.json | body
    assert alice.get("/tokens").json["items"] == [made.json]
    assert alice.get("/tokens/04a1B2").json == made.json


def test_a_token_is_blocked_and_nothing_else_changes(alice):
    alice.post("/tokens", {"uid": "A/1 x", "status": "Accepted", "name": "Van 7"})

    changed = alice.patch("/tokens/A%2F1%20x", {"status": "Blocked"})

    assert changed.status_code == 200
    assert (changed.json["uid"], changed.json["status"], changed.json["name"]) == ("A/1 x", "Blocked", "Van 7")


def test_an_expiry_is_taken_away(alice):
    alice.post("/tokens", {"uid": "A", "status": "Accepted", "expires_at": "2027-01-01T00:00:00Z"})

    assert alice.patch("/tokens/A", {"expires_at": None}).json["expires_at"] is None


def test_uids_that_differ_in_case_are_the_same(alice):
    alice.post("/tokens", {"uid": "abc", "status": "Accepted"})

    assert alice.post("/tokens", {"uid": "ABC", "status": "Accepted"}).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uid": ""}, "uid"),
        ({"uid": "x" * 37}, "uid"),
        ({"uid": "a\tb"}, "uid"),
        ({"uid": 7}, "uid"),
        ({"status": "accepted"}, "status"),
        ({"status": "ConcurrentTx"}, "status"),
        ({"expires_at": "2027-01-01"}, "expires_at"),
        ({"expires_at": 1}, "expires_at"),
        ({"parent_uid": "A"}, "parent_uid"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_it_refuses_and_names_the_field(alice, change, field):
    answer = alice.post("/tokens", {"uid": "A", "status": "Accepted"} | change)

    assert answer.status_code == 422
    assert fields_of(answer) == [field]


def test_tokens_are_found_by_status(alice):
    for uid, status in (("A", "Accepted"), ("B", "Blocked")):
        alice.post("/tokens", {"uid": uid, "status": status})

    assert [token["uid"] for token in alice.get("/tokens", status="Blocked").json["items"]] == ["B"]


def test_charlie_cannot_see_it(alice, charlie):
    alice.post("/tokens", {"uid": "A", "status": "Accepted"})

    assert charlie.get("/tokens/A").status_code == 404
    assert charlie.patch("/tokens/A", {"status": "Blocked"}).status_code == 404
    assert charlie.get("/tokens").json["items"] == []
    assert charlie.post("/tokens", {"uid": "A", "status": "Accepted"}).status_code == 201


def test_a_token_may_be_limited_to_stations(alice, charlie):
    mine, foreign = (
        key.post("/stations", {"name": "Pier", "time_zone": "Europe/Helsinki"}).json["id"] for key in (alice, charlie)
    )

    made = alice.post("/tokens", {"uid": "A", "status": "Accepted", "station_ids": [mine]})

    assert (made.status_code, made.json["station_ids"]) == (201, [mine])
    assert alice.patch("/tokens/A", {"station_ids": None}).json["station_ids"] is None
    refused = alice.patch("/tokens/A", {"station_ids": [foreign]})
    assert (refused.status_code, fields_of(refused)) == (422, ["station_ids"])
