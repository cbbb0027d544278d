"""Platform -> Firmware files: publishing, hostile uploads, changing, withdrawing."""

import hashlib
import io

import pytest
from sqlalchemy import select

from domain.models.files import StoredFile
from domain.models.firmware import FirmwareRelease
from domain.models.operators import AuditEvent, Role
from tests import factories
from tests.blueprints.conftest import HTMX

IMAGE = b"SIMFW version=2.9.0\n"


@pytest.fixture
def ines(make, sign_in):
    """The browser of Ines, a platform administrator."""
    return sign_in(make(factories.user, None, Role.PLATFORM_ADMIN, email="ines@example.com", name="Ines"))


def form(body=IMAGE, name="duo-2.9.0.bin", **values):
    typed = {"vendor": "Nordvolt", "models": "Duo 60\nDuo 80", "version": "2.9.0", "notes": "Mends the clock."}
    return typed | {"file": (io.BytesIO(body), name)} | values


def publish(browser, headers=None, **values):
    return browser.post("/firmware-files/new", data=form(**values), headers=headers or {})


def the_release(db):
    db.expire_all()
    release = db.scalars(select(FirmwareRelease)).one()
    assert release.models
    db.commit()
    return release


def files_of(settings):
    return list((settings.instance_dir / "files").glob("*/*"))


def test_a_file_is_published(ines, db, settings):
    answer = publish(ines)

    release = the_release(db)
    assert (answer.status_code, answer.location) == (303, f"/firmware-files/{release.id}")
    assert [each.model for each in release.models] == ["Duo 60", "Duo 80"]
    db.commit()
    assert release.sha256 == hashlib.sha256(IMAGE).hexdigest()
    assert [path.read_bytes() for path in files_of(settings)] == [IMAGE]
    assert db.scalars(select(AuditEvent.verb)).all() == ["published"]
    db.commit()
    page = ines.get(answer.location)
    assert "Mends the clock." in page.text
    assert release.sha256 in page.text
    assert "No charger has told this vendor" in page.text


def test_the_list_shows_how_far_it_has_come(ines, make, harbour):
    make(factories.release)
    station = make(factories.station, harbour)
    make(factories.duo, station)
    make(factories.duo, station, version="2.9.0")

    page = ines.get("/firmware-files")

    assert "of 2 chargers" in page.text
    assert "No release matches" in ines.get("/firmware-files?q=zzz", headers=HTMX).text


def test_an_empty_list_says_what_comes(ines):
    assert "No firmware yet" in ines.get("/firmware-files").text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"body": b""}, "This file is empty."),
        ({"vendor": " "}, "This is needed."),
        ({"models": "\n\n"}, "This is needed."),
        ({"version": "9" * 51}, "Use up to 50 characters"),
        ({"comes_after": "v2.9.0"}, "A version does not come after itself."),
        ({"signature": "c2ln"}, "Signature and certificate belong together"),
        ({"signature": "c2ln", "signing_certificate": "nonsense"}, "This is no certificate in PEM form"),
        ({"file": ""}, "Choose the file."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(ines, db, settings, values, sentence):
    answer = publish(ines, headers=HTMX, **values)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Mends the clock." in answer.text  # what was typed stays
    assert db.scalars(select(FirmwareRelease)).all() == db.scalars(select(StoredFile)).all() == []
    assert files_of(settings) == []


def test_a_second_click_publishes_nothing_more(ines, db, settings):
    publish(ines)

    answer = publish(ines)

    assert answer.status_code == 422
    assert "2.9.0 for Nordvolt Duo 60, Duo 80 is published already." in answer.text
    assert len(db.scalars(select(FirmwareRelease)).all()) == len(files_of(settings)) == 1


def test_a_file_that_is_too_large_is_refused_before_it_is_read(ines, db):
    claim = {"CONTENT_LENGTH": str(2 * 1024**3), "CONTENT_TYPE": "multipart/form-data; boundary=x"}

    answer = ines.post("/firmware-files/new", input_stream=io.BytesIO(b"--x"), environ_overrides=claim)

    assert answer.status_code == 413
    assert "Choose a smaller file" in answer.text


def test_only_who_may_publish_may_send_much(ines, alice, client):
    body = multipart(bytes(9 * 1024 * 1024))

    answers = [
        browser.post("/firmware-files/new", data=body, content_type="multipart/form-data; boundary=cut").status_code
        for browser in (ines, alice, client)
    ]

    assert answers == [303, 413, 413]


def multipart(image):
    """The form as a browser sends it; the test client would leave a file behind for one of this size."""
    texts = {name: value for name, value in form().items() if name != "file"}
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in texts.items()
    ]
    head = '--cut\r\nContent-Disposition: form-data; name="file"; filename="duo.bin"\r\n\r\n'
    return "".join([*parts, head]).encode() + image + b"\r\n--cut--\r\n"


def hostile_names():
    parts = [
        "..",
        "../..",
        "/etc",
        "\\..\\..",
        "C:\\",
        "%2e%2e%2f",
        "....//",
        "a\0b",
        "CON",
        "~",
        "$(id)",
        "`id`",
        "<script>",
    ]
    ends = [
        "passwd",
        "x.bin",
        "",
        ".",
        "a" * 300,
        "☃.bin",
        "\u202egnp.exe",
        "a\nb.bin",
        "-rf",
        "|ls",
        "?*",
        '"q".bin',
        "'",
        ";",
    ]
    return [f"{part}/{end}" for part in parts for end in ends] + ["..", ".", "/", "\\"] * 5


def test_no_name_leads_out_of_the_folder(ines, db, settings):
    names = hostile_names()
    before = {
        path for path in settings.instance_dir.parent.rglob("*") if path.is_file() and "voltdesk" not in path.name
    }

    for number, name in enumerate(names):
        publish(ines, body=f"image {number}".encode(), name=name, version=f"1.{number}")

    after = {path for path in settings.instance_dir.parent.rglob("*") if path.is_file() and "voltdesk" not in path.name}
    assert len(names) >= 200
    assert all(settings.instance_dir / "files" in path.parents for path in after - before)
    assert all(len(path.name) == 32 for path in after - before)
    assert all("/" not in stored.name and "\\" not in stored.name for stored in db.scalars(select(StoredFile)))


def test_models_and_notes_change(ines, db):
    publish(ines)
    release = the_release(db)
    url = f"/firmware-files/{release.id}/edit"

    shown = ines.get(url)
    refused = ines.post(url, data={"models": " "}, headers=HTMX)
    done = ines.post(url, data={"models": "Duo 100", "notes": "Also for the Duo 100.", "comes_after": "Cirrus\n"})

    db.expire_all()
    assert "Duo 60\nDuo 80" in shown.text
    assert refused.status_code == 422
    assert done.status_code == 303
    assert ([each.model for each in release.models], release.comes_after) == (["Duo 100"], ["Cirrus"])


def test_a_release_is_withdrawn_with_a_reason(ines, db):
    publish(ines)
    release = the_release(db)
    url = f"/firmware-files/{release.id}/withdraw"

    question = ines.get(url, headers=HTMX)
    refused = ines.post(url, data={}, headers=HTMX)
    done = ines.post(url, data={"because": "Bricks the relay."})
    again = ines.post(url, data={"because": "Again."})

    db.expire_all()
    assert "No charger is offered it any more." in question.text
    assert "Say why: operators read this." in refused.text
    assert (done.status_code, again.status_code, release.is_published) == (303, 409, False)
    db.commit()
    assert "Bricks the relay." in ines.get(f"/firmware-files/{release.id}").text


def test_operators_do_not_see_files(alice, make):
    assert alice.get("/firmware-files").status_code == 403
    assert alice.get(f"/firmware-files/{make(factories.release).id}").status_code == 403
