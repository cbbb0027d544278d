"""Charging stations: list, detail, form."""

import re

import pytest
from sqlalchemy import select

from domain.clock import utcnow
from domain.models.operators import AuditEvent
from domain.models.stations import Station
from tests import factories
from tests.blueprints.conftest import HTMX

FORM = {
    "name": "Pier 4",
    "address": "Laituri 4",
    "city": "Turku",
    "country": "FI",
    "time_zone": "Europe/Helsinki",
    "latitude": "60.4518",
    "longitude": "22.2666",
    "hold": "50,00",
    "public_note": "Beside the crane.",
}


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


def test_the_list(alice, make, station, harbour):
    here = {"node": "ocpp-1", "connected_at": utcnow(), "last_seen_at": utcnow()}
    make(factories.charger, station, connectors=1, **here)
    make(factories.charger, station)
    make(factories.assign_tariff, station, make(factories.tariff, harbour))

    page = alice.get("/stations").text

    assert "Harbour Garage" in page
    assert "1 of 2" in page
    assert "€0.502" in page  # 0.40 with 25.5 % VAT
    assert "Not set" in page  # no payment account
    assert f"/stations/{station.id}/edit" in page
    assert f"/stations/{station.id}/electricity" in page


def test_the_list_is_filtered(alice, station):
    assert "Harbour Garage" in alice.get("/stations?q=HELSINKI", headers=HTMX).text
    assert "No charging station matches" in alice.get("/stations?q=oslo", headers=HTMX).text


def test_a_station_tells_what_is_still_to_do(alice, station):
    page = alice.get(f"/stations/{station.id}").text

    assert "Satamakatu 4, Helsinki. 0 chargers. Times in Europe/Helsinki" in page
    assert "Ready to earn" in page
    assert "Add a price under Electricity management." in page


def test_its_chargers(alice, make, station):
    make(factories.charger, station, label="HG-04")

    assert "HG-04" in alice.get(f"/stations/{station.id}/chargers").text


def test_it_is_changed(alice, db, station):
    response = alice.post(f"/stations/{station.id}/edit", data=FORM)

    db.expire_all()
    changed = db.get(Station, station.id)
    assert (response.status_code, response.location) == (303, f"/stations/{station.id}")
    assert (changed.name, changed.city, changed.latitude, changed.hold_minor) == ("Pier 4", "Turku", 60.4518, 5000)
    assert db.scalars(select(AuditEvent.actor)).all() == ["alice@example.com"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "Give the station a name."),
        ({"time_zone": "Helsinki"}, "Name a time zone such as Europe/Helsinki."),
        ({"latitude": "91"}, "A latitude is between -90 and 90."),
        ({"longitude": "abc"}, "Not a valid decimal value."),
        ({"longitude": "NaN"}, "Type degrees such as 60.1675."),
        ({"hold": "0"}, "A hold is more than nothing."),
        ({"hold": "lots"}, "A hold is more than nothing."),
        ({"country": "XX"}, "Not a valid choice."),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_field(alice, db, station, change, sentence):
    response = alice.post(f"/stations/{station.id}/edit", data=FORM | change, headers=HTMX)

    db.expire_all()
    assert response.status_code == 422
    assert sentence in response.text
    assert "Beside the crane." in response.text
    assert db.get(Station, station.id).name == "Harbour Garage"


def test_a_new_one(alice, db, harbour):
    page = alice.get("/stations/new").text
    response = alice.post("/stations/new", data=FORM)

    made = db.scalars(select(Station)).one()
    assert 'value="45.00"' in page
    assert response.location == f"/stations/{made.id}"
    assert (made.operator_id, made.currency, made.name) == (harbour.id, "EUR", "Pier 4")


def test_charlie_cannot_see_it(charlie, db, station):
    assert "Harbour Garage" not in charlie.get("/stations").text
    for tail in ("", "/chargers", "/edit"):
        assert charlie.get(f"/stations/{station.id}{tail}").status_code == 404
    assert charlie.post(f"/stations/{station.id}/edit", data=FORM).status_code == 404


def test_a_change_of_somebody_else_is_not_overwritten_unseen(alice, db, station):
    address = f"/stations/{station.id}/edit"
    seen = {"seen": re.search(r'name="seen" value="(\w+)"', alice.get(address).text)[1]}
    station.city = "Espoo"
    db.commit()

    first = alice.post(address, data=FORM | seen, headers=HTMX)
    second = alice.post(address, data=FORM | seen, headers=HTMX)

    assert (first.status_code, second.status_code) == (422, 422)
    assert "Somebody has changed this station meanwhile." in first.text
    assert f'<a href="{address}">Open the page again</a>' in first.text
    assert seen["seen"] in first.text
    db.refresh(station)
    assert station.city == "Espoo"
