"""The description is true: it names every route, and every route behaves as described whatever it is sent."""

import re

import pytest

from blueprints.api.openapi import document
from blueprints.api.operation import OPERATIONS
from domain.api_keys import Scope
from tests import factories
from tests.factories import NOW

ODD_VALUES = [
    None, True, 0, -1, 1.5, 1e308, 2**63 - 1, [], [None], {}, {"": {}},
    "", " ", "\t", "x" * 2000, "😀", "\u202e", "0x10", "1_000", "NaN", "'; --", "../..",
    "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-01-01T24:00:00Z",
]  # fmt: skip


def test_it_needs_no_key(client):
    response = client.get("/api/v1/openapi.json")

    assert response.status_code == 200
    assert response.json["openapi"].startswith("3.1")
    assert response.json == document()


def test_it_names_every_route_and_no_other(app):
    routed = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.openapi"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    described = {(method.upper(), path) for path, calls in document()["paths"].items() for method in calls}

    assert described == routed


def test_every_reference_leads_somewhere():
    references = re.findall(r"#/components/schemas/(\w+)", str(document()))

    assert set(references) <= document()["components"]["schemas"].keys()


def test_names_of_calls_are_unique():
    names = [declared.name for declared in OPERATIONS]

    assert len(names) == len(set(names))


def test_there_are_no_webhooks_yet(alice):
    assert alice.get("/webhooks").status_code == 404


@pytest.fixture
def world(make, harbour):
    """One of each, so that bodies and parameters are looked at."""
    station = make(factories.station, harbour)
    charger = make(factories.charger, station, device_id="HE1", node="ocpp-1", ocpp_version="1.6", connected_at=NOW)
    order = make(factories.order, make(factories.charging, charger))
    return {
        "station_id": station.id,
        "device_id": "HE1",
        "uid": make(factories.token, harbour).uid,
        "tariff_id": make(factories.tariff, harbour).id,
        "session_id": order.charging_session_id,
        "order_id": order.id,
        "command_id": 1,
    }


GOOD = {
    "name": "A name", "time_zone": "Europe/Helsinki", "station_id": "1", "device_id": "HE2", "action": "Reset",
    "payload": {"type": "Hard"}, "uid": "B", "status": "Accepted", "tariff_id": "1", "currency": "EUR",
    "elements": [{"price_components": [{"type": "FLAT", "price": "1", "step_size": 1}]}], "session": {}, "tariff": {},
}  # fmt: skip


@pytest.mark.parametrize("declared", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
def test_odd_values_in_any_field_are_answered_as_described(key_of, harbour, world, declared):
    caller = key_of(harbour, *Scope)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(world[match[1]]), declared.path)
    usual = {name: GOOD[name] for name in declared.body.get("required", [])}
    bodies = [usual | {field: value} for field in declared.body["properties"] for value in ODD_VALUES]

    statuses = {caller.send(declared.method, path, json=body).status_code for body in bodies}

    assert statuses <= {declared.status, 404, 409, 422}
    assert 422 in statuses


@pytest.mark.parametrize("declared", [each for each in OPERATIONS if each.query], ids=lambda each: each.name)
def test_odd_parameters_are_answered_as_described(key_of, harbour, world, declared):
    caller = key_of(harbour, *Scope)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(world[match[1]]), declared.path)
    texts = [str(value) for value in ODD_VALUES] + ["\0", "%", "\r\n"]

    statuses = {
        caller.send("GET", path, query_string={parameter.name: text}).status_code
        for parameter in declared.query
        if parameter.name != "wait_s"
        for text in texts
    }

    assert statuses <= {200, 404, 422}
