"""What takes long is done while nobody holds SQLite's write lock, for which every answer to a charger waits."""

import io
import json
import os
import sqlite3
import subprocess

import pytest
from argon2 import PasswordHasher
from openpyxl import Workbook
from PIL import Image

from domain import batches, diagnostics, qr_codes, qr_images
from domain.batch_kinds import KINDS
from domain.clock import utcnow
from domain.jobs import Workplace
from domain.models.batches import Batch
from tests import factories
from tests.blueprints.apply.test_apply import with_file
from tests.letters import letters, path_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


ARGON2 = ((PasswordHasher, "hash"), (PasswordHasher, "verify"))


@pytest.fixture
def was_free(monkeypatch, database_url):
    """Whether somebody else could have written, each time that something long began."""
    path, seen = database_url.removeprefix("sqlite:///"), []

    def watched(act):
        def look_and_act(*arguments, **options):
            other = sqlite3.connect(path, timeout=0, isolation_level=None)
            try:
                other.execute("BEGIN IMMEDIATE")
                seen.append(True)
            except sqlite3.OperationalError:
                seen.append(False)
            finally:
                other.close()
            return act(*arguments, **options)

        return look_and_act

    for module, name in ((subprocess, "run"), (Image, "open"), (os, "fsync"), (Workbook, "save"), *ARGON2):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    return seen


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


def test_a_spreadsheet_of_an_application_is_read(client, alice, db, was_free):
    lines = b"device id,device account\nQC60D01,A-1\n"
    client.post("/apply", data=with_file(lines, "devices.csv"))
    status_path = path_in(letters(db)[0])

    alice.post("/apply", data=with_file(lines, "devices.csv", act="upload"))
    client.post(f"{status_path}/correct", data=with_file(lines, "devices.csv", act="upload"))

    assert was_free == [True, True, True]


def test_a_list_of_codes_is_read(alice, was_free):
    file = (io.BytesIO(b"code,uuid\nABCD,EFGH\n"), "codes.csv")

    alice.post("/qr-codes/associate-list", data={"file": file})

    assert was_free == [True]


def test_a_photo_of_a_code_is_read(alice, db, station, was_free):
    (code,) = qr_codes.make(db, station.operator_id, 1, now=utcnow())
    db.commit()
    photo = (io.BytesIO(qr_images.png("b1f7c0de")), "label.png")

    alice.post(f"/qr-codes/{code.code}/associate", data={"photo": photo})

    assert was_free == [True]


def test_a_photo_is_made_small(alice, station, was_free):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, "JPEG")

    alice.post(f"/stations/{station.id}/photos", data={"photo": (io.BytesIO(file.getvalue()), "x.jpg"), "caption": "x"})

    assert was_free[0]


def test_diagnostics_reach_the_disk(client, db, make, station, was_free):
    charger = make(factories.charger, station, node="ocpp-1", ocpp_version="1.6")
    upload = diagnostics.ask(db, charger, "Diagnostics", "http://localhost", by="alice@example.com", now=utcnow())
    db.commit()
    address = json.loads(upload.command.payload)["location"].removeprefix("http://localhost")

    response = client.put(address, data=b"all is well")

    assert response.status_code == 201
    assert was_free == [True]


def test_passwords_become_a_file(alice, db, engine, tmp_path, station, was_free):
    lines = io.BytesIO(b"device id,device account\nQC60D01,A-1\n")
    alice.post("/devices/import", data={"station_id": station.id, "file": (lines, "devices.csv")})
    batch = db.query(Batch).one()
    job = batches.start(db, batch, KINDS[batch.kind], by="alice@example.com", now=utcnow())
    db.commit()
    batches.import_step(KINDS, Workplace(lambda: type(db)(engine), tmp_path), job.id, utcnow())
    was_free.clear()

    response = alice.post(f"/imports/{batch.id}/passwords")

    assert response.mimetype.endswith("sheet")
    assert was_free == [True]


def test_a_password_is_hashed_that_was_forgotten(client, db, make, harbour, was_free):
    make(factories.user, harbour, email="dora@example.com")
    client.post("/forgot-password", data={"email": "dora@example.com"})
    new = {"new": "seven blue boats", "again": "seven blue boats"}

    response = client.post(path_in(letters(db)[-1]), data=new)

    assert (response.status_code, was_free) == (303, [True])


def test_a_password_is_compared_that_was_chosen_at_sign_up(client, db, was_free):
    given = {"company": "Quay", "email": "quay@example.com", "password": "seven blue boats", "country": "FI"}
    client.post("/sign-up", data=given)
    was_free.clear()

    response = client.post(path_in(letters(db)[-1]), data={"password": "seven blue boats"})

    assert (response.status_code, was_free) == (303, [True])
