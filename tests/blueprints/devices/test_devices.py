"""Devices: the list, adding one, changing it, taking it out of use."""

import io

import openpyxl
import pytest
from sqlalchemy import select

from domain.charger_keys import matches
from domain.models.chargers import Charger, QrCode
from domain.models.charging import SessionStatus
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.factories import NOW


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour, name="Harbour Garage")


def add(alice, station, device_id="HE60D1", **values):
    data = {"station_id": station.id, "device_id": device_id, "device_account": "4711", "label": ""} | values
    return alice.post("/devices/new", data=data)


def charger_of(db, device_id="HE60D1"):
    db.expire_all()
    found = db.scalar(select(Charger).where(Charger.device_id == device_id))
    db.commit()  # a look must not lock what the next request writes
    return found


def test_a_device_is_added_and_its_password_shown_once(alice, db, station):
    response = add(alice, station, " HE60D1 ")

    charger = charger_of(db)
    assert response.status_code == 200
    assert (charger.device_account, charger.station_id, charger.created_by) == ("4711", station.id, "alice@example.com")
    password = response.text.partition('id="added-password"')[2].partition(">")[2].partition("<")[0]
    assert matches(charger.password_salt, charger.password_hash, password.encode())
    assert f"/chargers/{charger.device_id}" in response.text
    assert password not in alice.get("/devices").text
    assert response.headers["Cache-Control"].startswith("no-store")


def test_a_device_of_ones_own_is_pointed_to(alice, make, station):
    known = make(factories.charger, station, device_id="he60d1", label="HG-07")

    response = add(alice, station)

    assert response.status_code == 422
    assert "registered already" in response.text
    assert "HG-07" in response.text
    assert known.label == "HG-07"


def test_a_foreign_device_tells_nothing_about_its_owner(alice, make, station):
    other = make(factories.station, make(factories.operator, name="Mill Lane"), name="Secret site")
    make(factories.charger, other, device_id="HE60D1", label="ML-01")

    response = add(alice, station)

    assert response.status_code == 422
    assert "cannot be added here" in response.text
    assert "ask support" in response.text
    assert "ML-01" not in response.text and "Mill Lane" not in response.text and "already" not in response.text


@pytest.mark.parametrize("device_id", ["", "NO/GOOD", "x" * 49, "..", "Ä"])
def test_what_is_no_device_id_is_said_at_the_field(alice, db, station, device_id):
    response = add(alice, station, device_id)

    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert charger_of(db, device_id) is None


def test_a_foreign_station_is_none(alice, make, db):
    other = make(factories.station, make(factories.operator, name="Mill Lane"))

    assert add(alice, other).status_code == 422
    assert charger_of(db) is None


def test_views_search_and_export(alice, make, station):
    make(factories.charger, station, device_id="ON1", label="Online one", node="ocpp-1", connected_at=NOW)
    make(factories.charger, station, device_id="OFF1", label="Offline one", connected_at=NOW)
    make(factories.charger, station, device_id="OUT1", label="Retired one", retired_at=NOW)
    make(factories.charger, station, device_id="NEW1", label="New one", device_account="A-77")

    assert "Retired one" not in alice.get("/devices").text
    assert "Retired one" in alice.get("/devices?view=retired").text
    assert "Offline one" not in alice.get("/devices?view=online").text
    found = alice.get("/devices?q=a-77", headers=HTMX)
    assert "New one" in found.text and "Offline one" not in found.text
    sheet = openpyxl.load_workbook(io.BytesIO(alice.get("/devices/export.xlsx?view=never_connected").data)).active
    assert [row[0].value for row in sheet.rows] == ["device id", "NEW1"]


def test_label_and_account_are_changed(alice, make, db, station):
    make(factories.charger, station, device_id="HE60D1")

    response = alice.post("/devices/HE60D1/edit", data={"label": "HG-09", "device_account": ""})

    assert response.status_code == 303
    assert (charger_of(db).label, charger_of(db).device_account) == ("HG-09", None)
    assert alice.post("/devices/HE60D1/edit", data={"label": "x" * 41}).status_code == 422


def test_a_move_names_what_the_new_station_means(alice, make, db, harbour, station):
    charger = make(factories.charger, station, device_id="HE60D1")
    make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None)
    square = make(factories.station, harbour, name="Station Square")

    asked = alice.get(f"/devices/move?pick=HE60D1&station_id={square.id}", headers=HTMX)
    moved = alice.post("/devices/move", data={"pick": "HE60D1", "station_id": square.id})

    assert "Station Square has no price" in asked.text
    assert "1 session that is running keeps its price" in asked.text
    assert moved.status_code == 303
    assert charger_of(db).station_id == square.id


def test_a_device_in_use_is_not_retired(alice, make, db, station):
    charger = make(factories.charger, station, device_id="HE60D1")
    make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None)

    response = alice.post("/devices/retire", data={"pick": "HE60D1"})

    assert response.status_code == 422
    assert "Stop the session first" in response.text
    assert charger_of(db).retired_at is None


def test_a_retired_device_is_offline_hidden_and_can_come_back(alice, make, db, station):
    charger = make(factories.charger, station, device_id="HE60D1", label="HG-09", node="n", epoch=4, connected_at=NOW)
    make(factories.qr_code, charger)

    assert alice.post("/devices/retire", data={"pick": "HE60D1"}).status_code == 303

    retired = charger_of(db)
    assert (retired.node, retired.epoch, retired.is_retired) == (None, 5, True)
    assert db.scalars(select(QrCode.charger_id)).all() == [None]
    db.commit()
    assert "HG-09" not in alice.get("/chargers").text.partition('id="rows"')[2]
    assert alice.get("/chargers/HE60D1").status_code == 200
    assert alice.post("/devices/HE60D1/bring-back").status_code == 303
    assert not charger_of(db).is_retired


def test_deleting_asks_for_the_device_id(alice, make, db, station):
    make(factories.charger, station, device_id="HE60D1")

    assert alice.post("/devices/HE60D1/delete", data={"device_id": "HE60D"}).status_code == 422
    assert charger_of(db) is not None
    assert alice.post("/devices/HE60D1/delete", data={"device_id": "HE60D1"}).status_code == 303
    assert charger_of(db) is None


def test_a_device_with_a_history_is_retired_instead(alice, make, db, station):
    make(factories.charging, make(factories.charger, station, device_id="HE60D1"))

    asked = alice.get("/devices/HE60D1/delete")
    response = alice.post("/devices/HE60D1/delete", data={"device_id": "HE60D1"})

    assert "It has charging sessions." in asked.text and "Retire" in asked.text
    assert response.status_code == 422
    assert charger_of(db) is not None


def test_charlie_cannot_move_or_retire_it(charlie, make, db, station):
    make(factories.charger, station, device_id="HE60D1")

    assert charlie.post("/devices/retire", data={"pick": "HE60D1"}).status_code == 303
    assert charlie.post("/devices/HE60D1/bring-back").status_code == 404
    assert charger_of(db).retired_at is None
