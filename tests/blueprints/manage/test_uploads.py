"""Where chargers upload to: raw or as a form, with or without a name, once."""

import io
import json

import pytest

from domain import diagnostics
from domain.clock import utcnow
from domain.models.diagnostics import DiagnosticsUpload
from tests import factories


@pytest.fixture
def charger(make, harbour):
    return make(factories.charger, make(factories.station, harbour), node="ocpp-1", ocpp_version="1.6", label="HG-04")


@pytest.fixture
def upload(db, charger):
    made = diagnostics.ask(db, charger, "Diagnostics", "http://localhost", by="alice@example.com", now=utcnow())
    db.commit()
    return made


@pytest.fixture
def address(upload):
    return json.loads(upload.command.payload)["location"].removeprefix("http://localhost")


def kept(db):
    db.expire_all()
    stored = db.query(DiagnosticsUpload).one().stored_file
    return stored and (stored.name, stored.size_bytes)


@pytest.mark.parametrize(
    ("method", "ending", "values", "name"),
    [
        ("PUT", "", {"data": b"body"}, "diagnostics-DEVICE.txt"),
        ("POST", "/", {"data": b"body"}, "diagnostics-DEVICE.txt"),
        ("PUT", "/diag.txt", {"data": b"body"}, "diag.txt"),
        ("PUT", "diag.txt", {"data": b"body"}, "diag.txt"),  # some chargers only join the two
        ("PUT", "/a/../../etc/passwd", {"data": b"body"}, "a_.._.._etc_passwd"),
        ("POST", "", {"data": b"a=b&", "content_type": "application/x-www-form-urlencoded"}, "diagnostics-DEVICE.txt"),
    ],
)
def test_a_file_comes_in_however_the_charger_sends_it(client, db, charger, address, method, ending, values, name):
    response = client.open(address + ending, method=method, **values)

    assert (response.status_code, response.text) == (201, "Received.\n")
    assert kept(db) == (name.replace("DEVICE", charger.device_id), 4)


def test_a_file_comes_in_as_a_form(client, db, address):
    response = client.post(address, data={"file": (io.BytesIO(b"body"), "form.log")})

    assert response.status_code == 201
    assert kept(db) == ("form.log", 4)


def test_one_that_is_too_large_leaves_nothing(client, db, instance_dir, address):
    response = client.put(address, data=b"x" * (diagnostics.MOST_BYTES + 1))

    assert (response.status_code, response.text) == (413, "This file is larger than 64 MiB.\n")
    assert kept(db) is None
    assert list((instance_dir / "files").glob("??/*")) == []


def test_an_address_works_once(client, db, address):
    first, second = client.put(address, data=b"one"), client.put(address, data=b"two more")

    assert (first.status_code, second.status_code) == (201, 404)
    assert kept(db)[1] == 3


def test_an_empty_one_may_be_sent_again(client, db, address):
    empty, good = client.put(address, data=b""), client.put(address, data=b"one")

    assert (empty.status_code, good.status_code) == (422, 201)


def test_a_guess_is_told_nothing(client):
    response = client.put("/up/" + "x" * 43, data=b"body")

    assert response.status_code == 404
    assert "set-cookie" not in response.headers


def test_the_file_is_a_download_for_those_who_configure(client, alice, charlie, charger, upload, address):
    client.put(address, data=b"<script>alert(1)</script>")
    page = f"/chargers/{charger.device_id}/commands"
    path = f"/chargers/{charger.device_id}/diagnostics/{upload.id}/file"

    listed, file, foreign = alice.get(page).text, alice.get(path), charlie.get(path)

    assert path in listed
    assert "Received" in listed
    assert file.data == b"<script>alert(1)</script>"
    assert file.headers["Content-Disposition"].startswith("attachment;")
    assert file.mimetype == "application/octet-stream"
    assert foreign.status_code == 404
    file.close()


def test_a_deleted_file_is_gone(client, alice, charger, upload, address):
    client.put(address, data=b"body")
    here = f"/chargers/{charger.device_id}/diagnostics/{upload.id}"

    alice.post(f"{here}/delete")

    assert alice.get(f"{here}/file").status_code == 404
