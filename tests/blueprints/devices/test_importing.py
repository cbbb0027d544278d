"""Batch import devices: template, upload, dry run, import, rejected rows, passwords, undo."""

import io

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import sessionmaker

from domain import jobs
from domain.charger_keys import matches
from domain.files import FileStore
from domain.job_kinds import STEPS
from domain.models.batches import Batch
from domain.models.chargers import Charger
from domain.models.jobs import Job
from tests import factories
from tests.domain.batch_world import HEAD, csv_of
from tests.factories import NOW


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour, name="Harbour Garage")


@pytest.fixture
def work(engine, settings, db):
    """The worker does what waits."""
    place = jobs.Workplace(sessionmaker(engine, expire_on_commit=False), FileStore(settings.instance_dir / "files"))

    def run():
        for job_id in db.scalars(select(Job.id)).all():
            db.rollback()
            jobs.work(place, STEPS, job_id, lambda: NOW)
        db.rollback()
        db.expire_all()

    return run


def upload(alice, station, data, name="chargers.csv"):
    file = (io.BytesIO(data), name)
    return alice.post("/devices/import", data={"station_id": station.id, "file": file})


def chargers(db):
    count = db.scalar(select(func.count()).select_from(Charger))
    db.commit()  # a look must not lock what the next request writes
    return count


def test_the_template_has_two_text_columns_and_a_sheet_of_help(alice):
    book = openpyxl.load_workbook(io.BytesIO(alice.get("/devices/import/template.xlsx").data))

    assert [cell.value for cell in book["Devices"][1]] == ["device id", "device account"]
    assert book["Devices"].column_dimensions["A"].number_format == "@"
    assert book["Devices"].max_row == 1
    assert "Examples" in [row[0].value for row in book["Help"].rows]


def test_from_the_upload_to_the_undo(alice, db, station, work):
    data = csv_of(HEAD, ("D1", "A1"), ("D2", "A2"), ("NO/GOOD", "A3"))

    checked = upload(alice, station, data)
    assert checked.status_code == 303
    where = checked.location
    seen = alice.get(where)
    assert "This is a dry run" in seen.text and "Import 2 devices" in seen.text
    assert chargers(db) == 0

    assert alice.post(f"{where}/start").status_code == 303
    assert "0 of 2" in alice.get(f"{where}/progress").text
    work()
    assert chargers(db) == 2
    over = alice.get(f"{where}/progress", headers={"HX-Request": "true"})
    assert (over.status_code, over.headers["HX-Refresh"]) == (286, "true")
    malformed = alice.get(f"{where}?verdict=malformed").text
    assert "NO/GOOD" in malformed and "4711" not in malformed

    sheet = openpyxl.load_workbook(io.BytesIO(alice.get(f"{where}/rejected.xlsx").data)).active
    assert [cell.value for cell in sheet[1]] == ["device id", "device account", "what to change", "row"]
    assert [cell.value for cell in sheet[2]][:2] == ["NO/GOOD", "A3"]

    assert alice.get(f"{where}/undo").status_code == 200
    assert alice.post(f"{where}/undo").status_code == 303
    work()
    assert chargers(db) == 0
    assert "Undone" in alice.get(where).text


def test_passwords_are_downloaded_once(alice, db, station, work):
    where = upload(alice, station, csv_of(HEAD, ("D1", "A1"))).location
    alice.post(f"{where}/start")
    work()

    first = alice.post(f"{where}/passwords")
    second = alice.post(f"{where}/passwords")

    rows = list(openpyxl.load_workbook(io.BytesIO(first.data)).active.values)
    assert rows[0] == ("device id", "device account", "label", "uuid", "password")
    charger = db.scalars(select(Charger)).one()
    assert matches(charger.password_salt, charger.password_hash, rows[1][4].encode())
    db.commit()
    assert second.status_code == 422
    assert "alice@example.com downloaded them" in second.text
    assert alice.post(f"{where}/passwords", data={"again": "yes"}).mimetype.endswith("sheet")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nonsense", csv_of(HEAD)])
def test_a_file_that_cannot_be_read_is_refused_at_its_field(alice, db, station, data):
    response = upload(alice, station, data)

    assert response.status_code == 422
    assert 'id="file-err"' in response.text
    assert db.scalars(select(Batch)).all() == []


def test_a_station_must_be_chosen(alice, db, make):
    other = make(factories.station, make(factories.operator, name="Mill Lane"))

    assert upload(alice, other, csv_of(HEAD, ("D1", ""))).status_code == 422
    assert db.scalars(select(Batch)).all() == []


def test_an_import_is_not_begun_twice(alice, station, db, work):
    where = upload(alice, station, csv_of(HEAD, ("D1", ""))).location
    alice.post(f"{where}/start")

    again = alice.post(f"{where}/start", follow_redirects=True)

    assert (again.status_code, again.request.path) == (200, where)
    assert "This file is being worked on already. This page shows how far it is." in again.text
    work()
    assert chargers(db) == 1
