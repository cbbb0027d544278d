"""Uploads: an address for one file, progress, quota, and the sentence in which each ends."""

import io
import json
from datetime import timedelta

import pytest

from domain import answers, diagnostics
from domain.diagnostics import QuotaExceeded
from domain.errors import NotFound
from domain.files import FileStore
from domain.models.commands import CommandStatus
from domain.models.files import FileKind
from tests import factories
from tests.factories import NOW

URL = "https://desk.example"


@pytest.fixture
def charger(make):
    return make(factories.charger, node="ocpp-1", ocpp_version="1.6", device_id="HE1")


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path)


def ask(db, charger, kind="Diagnostics", **values):
    upload = diagnostics.ask(db, charger, kind, URL, by="alice@example.com", now=NOW, **values)
    return upload, json.loads(upload.command.payload)


def secret_in(payload):
    return (payload.get("location") or payload["log"]["remoteLocation"]).removeprefix(f"{URL}/up/")


def settle(db, upload, response, status=CommandStatus.ACCEPTED, error=None):
    command = upload.command
    command.status, command.response, command.error, command.settled_at = status, response, error, NOW
    db.flush()
    answers.take_in_all(db, NOW)


def words(upload, later=timedelta()):
    return diagnostics.sentence(upload, NOW + later)[0]


def test_the_charger_gets_an_address_for_one_upload(db, store, charger):
    upload, payload = ask(db, charger)
    settle(db, upload, {"fileName": "diag.log"})

    diagnostics.receive(db, store, secret_in(payload), store.write(io.BytesIO(b"all is well"), 100), None, NOW)

    assert (payload["retries"], payload["retryInterval"]) == (2, 30)
    stored = upload.stored_file
    assert (stored.name, stored.kind, stored.size_bytes) == ("diag.log", FileKind.DIAGNOSTICS, 11)
    assert words(upload) == "Received"
    with pytest.raises(NotFound):
        diagnostics.receive(db, store, secret_in(payload), store.write(io.BytesIO(b"again"), 100), None, NOW)


def test_the_security_extension_gets_a_number_and_a_window(db, charger):
    upload, payload = ask(db, charger, "SecurityLog", since=NOW - timedelta(hours=1), until=NOW)

    assert upload.command.action == "GetLog"
    assert (payload["logType"], payload["requestId"]) == ("SecurityLog", upload.id)
    assert payload["log"]["oldestTimestamp"] == "2026-11-20T10:04:00Z"


def test_what_is_late_is_not_kept(db, store, charger):
    upload, payload = ask(db, charger)

    with pytest.raises(NotFound):
        diagnostics.receive(
            db, store, secret_in(payload), store.write(io.BytesIO(b"x"), 100), None, NOW + timedelta(hours=2)
        )

    assert upload.stored_file is None


def test_a_file_for_which_there_is_no_room_any_more_is_not_kept(db, make, store, charger):
    upload, payload = ask(db, charger)
    make(
        factories.stored_file,
        charger.station.operator,
        kind=FileKind.DIAGNOSTICS,
        size_bytes=diagnostics.MOST_BYTES_OF_OPERATOR - 2,
        expires_at=NOW + timedelta(days=1),
    )

    with pytest.raises(QuotaExceeded):
        diagnostics.receive(db, store, secret_in(payload), store.write(io.BytesIO(b"abc"), 100), None, NOW)

    assert upload.stored_file is None


def test_the_room_of_an_operator_ends(db, make, charger):
    _, payload = ask(db, charger)
    make(
        factories.stored_file,
        charger.station.operator,
        kind=FileKind.DIAGNOSTICS,
        size_bytes=diagnostics.MOST_BYTES_OF_OPERATOR,
        expires_at=NOW + timedelta(days=1),
    )

    with pytest.raises(QuotaExceeded):
        diagnostics.check(db, secret_in(payload), NOW)


def test_a_refused_upload_has_no_address_any_more(db, charger):
    upload, payload = ask(db, charger)
    settle(db, upload, None, CommandStatus.REJECTED, "NotSupported")

    assert diagnostics.sentence(upload, NOW) == ("Rejected", "NotSupported")
    with pytest.raises(NotFound):
        diagnostics.check(db, secret_in(payload), NOW)


def test_progress_is_told_and_chatter_changes_nothing(db, charger):
    upload, _ = ask(db, charger)
    settle(db, upload, {"fileName": "diag.log"})
    seen = [words(upload)]
    for status in ("Uploading", "Uploading", "Idle", "UploadFailed"):  # quirk G8
        diagnostics.note_status(db, charger.id, status, None, NOW)
        seen.append(words(upload))

    assert seen == ["Uploading", "Uploading", "Uploading", "Uploading", "Upload failed"]


def test_every_end_has_its_sentence(db, charger):
    silent, _ = ask(db, charger)
    settle(db, silent, None, CommandStatus.TIMEOUT, "The charger did not answer within 30 s.")
    nothing, _ = ask(db, charger)
    settle(db, nothing, {})
    lying, _ = ask(db, charger)
    settle(db, lying, {"fileName": "x"})
    late = words(lying, timedelta(hours=2))
    diagnostics.note_status(db, charger.id, "Uploaded", None, NOW)

    assert diagnostics.sentence(silent, NOW) == ("Failed", "The charger did not answer within 30 s.")
    assert words(nothing) == "Nothing to upload"
    assert late == "No file"
    assert diagnostics.sentence(lying, NOW)[1].startswith("It says that it is done, but nothing came here.")
