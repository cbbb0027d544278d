import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.clock import utcnow
from tests import factories
from tests.blueprints.api.conftest import fields_of

VECTORS = sorted((Path(__file__).parents[2] / "data" / "tariffs").glob("*.json"))
DAY_AND_NIGHT = {
    "name": "Day and night",
    "currency": "EUR",
    "elements": [
        {
            "name": "Night",
            "price_components": [{"type": "ENERGY", "price": "0.29", "vat": "25.5", "step_size": 1}],
            "restrictions": {"start_time": "22:00", "end_time": "06:00"},
        },
        {"price_components": [{"type": "ENERGY", "price": "0.49", "vat": "25.5", "step_size": 1}]},
    ],
    "min_price": {"excl_vat": "0.50"},
    "max_price": None,
    "idle_grace_s": 600,
    "tax_included": "NO",
}
FIRST_PRICE = "elements[0].price_components[0]"


def test_a_tariff_comes_back_as_it_was_published(alice):
    made = alice.post("/tariffs", DAY_AND_NIGHT)

    assert made.status_code == 201
    assert made.json == made.json | DAY_AND_NIGHT
    assert made.json["valid_until"] is None
    assert alice.get(f"/tariffs/{made.json['id']}").json == made.json
    assert alice.get("/tariffs").json["items"] == [made.json]


def test_without_valid_from_it_is_valid_at_once(alice):
    made = alice.post("/tariffs", DAY_AND_NIGHT).json

    valid_from = datetime.fromisoformat(made["valid_from"])
    assert utcnow() - timedelta(minutes=2) < valid_from <= utcnow()
    assert valid_from.second == 0


def test_times_are_told_in_utc(alice):
    body = DAY_AND_NIGHT | {"valid_from": "2027-01-01T00:00:00+02:00", "valid_until": "2027-07-01T00:00:00.5Z"}

    made = alice.post("/tariffs", body).json

    assert (made["valid_from"], made["valid_until"]) == ("2026-12-31T22:00:00Z", "2027-07-01T00:00:00.500000Z")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"elements": []}, "elements"),
        ({"elements": [{"price_components": [{"type": "ENERGY", "price": 0.49}]}]}, f"{FIRST_PRICE}.price"),
        ({"elements": [{"price_components": [{"type": "WATER", "price": "1"}]}]}, f"{FIRST_PRICE}.type"),
        ({"elements": [{"price_components": [{"type": "FLAT", "price": "-1"}]}]}, f"{FIRST_PRICE}.price"),
        ({"max_price": {"excl_vat": "0.10"}}, "max_price"),
        ({"idle_grace_s": -1}, "idle_grace_s"),
        ({"tax_included": "MAYBE"}, "tax_included"),
        ({"elements": [{"price_components": [{"type": "FLAT", "price": "1"}]}]}, f"{FIRST_PRICE}.vat"),
        ({"valid_from": "2027-01-01"}, "valid_from"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until"),
        ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_it_refuses_and_names_the_field(alice, change, field):
    answer = alice.post("/tariffs", DAY_AND_NIGHT | change)

    assert answer.status_code == 422
    assert fields_of(answer)[0] == field


def test_a_station_charges_by_the_tariff_it_is_given(make, harbour, alice):
    station = make(factories.station, harbour)
    tariff_id = alice.post("/tariffs", DAY_AND_NIGHT | {"valid_from": "2026-01-01T00:00:00Z"}).json["id"]

    answer = alice.put(f"/stations/{station.id}/tariff", {"tariff_id": tariff_id})

    assert answer.status_code == 200
    assert answer.json == {"station_id": str(station.id), "tariff_id": tariff_id, "from_at": "2026-01-01T00:00:00Z"}
    assert alice.get(f"/stations/{station.id}").json["tariff_id"] == tariff_id
    assert alice.get("/stations").json["items"][0]["tariff_id"] == tariff_id


def test_a_tariff_of_tomorrow_is_not_yet_the_stations(make, harbour, alice):
    station = make(factories.station, harbour)
    tariff_id = alice.post("/tariffs", DAY_AND_NIGHT | {"valid_from": "2099-01-01T00:00:00Z"}).json["id"]

    alice.put(f"/stations/{station.id}/tariff", {"tariff_id": tariff_id})

    assert alice.get(f"/stations/{station.id}").json["tariff_id"] is None


def test_a_backdated_tariff_is_refused_where_bills_were_made_since(make, harbour, alice):
    station = make(factories.station, harbour)
    make(factories.order, make(factories.charging, make(factories.charger, station)), created_at=utcnow())
    tariff_id = alice.post("/tariffs", DAY_AND_NIGHT | {"valid_from": "2026-01-01T00:00:00Z"}).json["id"]

    answer = alice.put(f"/stations/{station.id}/tariff", {"tariff_id": tariff_id})

    assert answer.status_code == 409
    assert fields_of(answer) == ["tariff_id"]


def test_a_station_with_bills_changes_its_currency_only_when_told(make, harbour, alice):
    station = make(factories.station, harbour)
    make(factories.order, make(factories.charging, make(factories.charger, station)))
    body = {"tariff_id": alice.post("/tariffs", DAY_AND_NIGHT | {"currency": "SEK"}).json["id"]}

    refused = alice.put(f"/stations/{station.id}/tariff", body)
    changed = alice.put(f"/stations/{station.id}/tariff", body | {"change_currency": True})
    patched = alice.patch(f"/stations/{station.id}", {"currency": "EUR"})

    assert (refused.status_code, changed.status_code, patched.status_code) == (422, 200, 422)
    assert fields_of(patched) == ["currency"]
    assert alice.get(f"/stations/{station.id}").json["currency"] == "SEK"


def test_charlie_cannot_see_it(make, alice, charlie):
    tariff_id = alice.post("/tariffs", DAY_AND_NIGHT).json["id"]
    own = charlie.post("/stations", {"name": "Pier", "time_zone": "UTC"}).json["id"]

    assert charlie.get(f"/tariffs/{tariff_id}").status_code == 404
    assert charlie.get("/tariffs").json["items"] == []
    assert charlie.put(f"/stations/{own}/tariff", {"tariff_id": tariff_id}).status_code == 422


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_it_prices_a_vector_as_expected(alice, path):
    vector = json.loads(path.read_text())
    expected = vector["expected"]
    tolerance = Decimal("0.000001") if expected.pop("six_decimals", False) else Decimal(0)
    expected.pop("billed_other_reading", None)
    members = ("tariff", "tariff_changes", "time_zone", "currency", "session")

    answer = alice.post("/tariffs/price", {name: vector[name] for name in members if name in vector})

    assert answer.status_code == 200
    for name in expected.keys() - {"lines"}:
        agree(answer.json[name], expected[name], tolerance)
    agree(costly(answer.json["lines"]), costly(expected["lines"]), tolerance)


def costly(lines):
    """Lines that cost something, without hours, which are printed rounded."""
    kept = [line for line in lines if Decimal(line["excl_vat"] or line["incl_vat"])]
    return [{name: line[name] for name in line if name != "quantity" or line["unit"] != "h"} for line in kept]


def agree(ours, theirs, tolerance):
    if isinstance(theirs, dict):
        assert sorted(ours) == sorted(theirs)
        for name in theirs:
            agree(ours[name], theirs[name], tolerance)
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            agree(our, their, tolerance)
    elif isinstance(theirs, str) and theirs.lstrip("-")[:1].isdigit():
        assert abs(Decimal(ours) - Decimal(theirs)) <= tolerance
    else:
        assert ours == theirs


def test_a_whole_vector_file_may_be_sent(alice):
    answer = alice.post("/tariffs/price", json.loads(VECTORS[0].read_text()))

    assert answer.status_code == 200


def test_what_cannot_be_priced_is_told_by_field(alice):
    vector = json.loads(VECTORS[0].read_text())
    vector["session"]["periods"][0]["energy_kwh"] = 1.5
    vector["time_zone"] = "Mars/Olympus"

    answer = alice.post("/tariffs/price", vector)

    assert answer.status_code == 422
    assert fields_of(answer) == ["time_zone", "session.periods[0].energy_kwh"]
