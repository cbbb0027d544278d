"""What is wrong with a request is told as a problem of RFC 9457, whatever it is."""

import jsonschema_rs
import pytest

from domain import schema_words
from tests.blueprints.api.conftest import fields_of

STATION = {"name": "Pier", "time_zone": "Europe/Helsinki"}


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/stations/"])
def test_an_unknown_address_is_a_problem(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
    }


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(client):
    response = client.delete("/api/v1/stations")

    assert response.status_code == 405
    assert response.content_type == "application/problem+json"
    assert sorted(response.headers["Allow"].split(", ")) == ["GET", "HEAD", "OPTIONS", "POST"]


def test_pages_keep_their_own_404(client):
    response = client.get("/nothing-here")

    assert response.status_code == 404
    assert response.content_type.startswith("text/html")


def test_every_wrong_field_is_named(alice):
    response = alice.post("/stations", {"name": "", "timezone": "UTC", "country": "fi", "latitude": "60"})

    assert response.status_code == 422
    assert sorted(fields_of(response)) == ["country", "latitude", "name", "time_zone", "timezone"]
    assert {"field": "timezone", "message": "This field is not known here."} in response.json["errors"]
    assert {"field": "time_zone", "message": "This is needed."} in response.json["errors"]
    assert {"field": "latitude", "message": "This must be a number or null."} in response.json["errors"]


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"minItems": 1}, [], "This must not be empty."),
        ({"maxItems": 2}, [1, 2, 3], "This has at most 2 entries."),
        ({"uniqueItems": True}, [1, 1], "Name each entry once."),
        ({"format": "date-time"}, "soon", "This must be a time such as 2026-03-02T08:30:00Z."),
        ({"exclusiveMinimum": 0}, 0, "This must be more than 0."),
        ({"multipleOf": 0.1}, 0.55, "This must be a multiple of 0.1."),
        ({"anyOf": [{"type": "string"}]}, 1, "This has none of the forms that are allowed here."),
    ],
)
def test_it_says_in_plain_words_how_a_field_is_wrong(schema, value, sentence):
    whole = {"type": "object", "properties": {"scopes": schema}}
    (error,) = jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors({"scopes": value})

    assert schema_words.told(error) == [("scopes", sentence)]


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "1", "true"])
def test_a_body_that_is_no_object_is_422(alice, body):
    response = alice.send("POST", "/stations", data=body, content_type="application/json")

    assert response.status_code == 422
    assert fields_of(response) == ["body"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": "a", "name": "b"}',
        b'{"latitude": NaN}',
        b'{"latitude": Infinity}',
        b'{"latitude": 1e999}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b'{"latitude": 9223372036854775808}',
        b'{"x":' * 40 + b"1" + b"}" * 40,
        b"1" * 5000,
    ],
)
def test_what_is_not_strict_json_is_400(alice, body):
    response = alice.send("POST", "/stations", data=body, content_type="application/json")

    assert response.status_code == 400
    assert response.json["type"] == "urn:voltdesk:problem:invalid-json"


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_what_is_not_declared_as_json_is_415(alice, content_type):
    response = alice.send("POST", "/stations", data=b'{"name": "a"}', content_type=content_type)

    assert response.status_code == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json"])
def test_other_names_of_json_are_read(alice, content_type):
    response = alice.send("POST", "/stations", data=b'{"name": "a", "time_zone": "UTC"}', content_type=content_type)

    assert response.status_code == 201


def test_a_body_beyond_a_mebibyte_is_413(alice):
    response = alice.send(
        "POST", "/stations", data=b'{"name": "' + b"x" * 1024 * 1024 + b'"}', content_type="application/json"
    )

    assert response.status_code == 413


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=made-up", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%F0%9F%98%80", "cursor"),
        ("since=yesterday", "since"),
        ("since=2026-01-01", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("since=2026-02-30T00:00:00Z", "since"),
        ("since=2026-W01-1T00:00:00Z", "since"),
        ("until=9999-12-31T23:59:59-14:00", "until"),
        ("status=paid", "status"),
        ("device_id=%00", "device_id"),
        ("colour=red", "colour"),
    ],
)
def test_a_wrong_parameter_is_422(alice, query, field):
    response = alice.send("GET", "/sessions", query_string=query)

    assert response.status_code == 422
    assert fields_of(response) == [field]


def test_empty_parameters_are_as_good_as_none(alice):
    assert alice.send("GET", "/sessions", query_string="cursor=&limit=&since=&status=").status_code == 200


def test_a_call_without_parameters_refuses_them(alice):
    assert fields_of(alice.get("/stations/1", wait_s=3)) == ["wait_s"]


@pytest.mark.parametrize("row_id", ["0", "-1", "1.0", "x", "%00", "9223372036854775808", "1" * 400, "%D9%A1", "1%20"])
@pytest.mark.parametrize("noun", ["stations", "sessions", "orders", "tariffs"])
def test_an_id_that_no_row_can_have_is_404(alice, noun, row_id):
    assert alice.get(f"/{noun}/{row_id}").status_code == 404


@pytest.mark.parametrize("device_id", ["%00", "x" * 500, "..%2F..", "a%2Fb", "%ff"])
def test_a_device_id_that_no_charger_can_have_is_404(alice, device_id):
    assert alice.get(f"/chargers/{device_id}").status_code == 404


def test_a_write_that_is_refused_leaves_nothing_behind(alice):
    alice.post("/stations", STATION | {"time_zone": "Mars/Olympus"})

    assert alice.get("/stations").json["items"] == []
