"""Photos of stations: small, without metadata, seen by drivers."""

import io

import pytest
from PIL import Image

from domain import photos
from domain.models.stations import StationPhoto
from tests import factories


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour)


def picture(width=40, height=30, kind="JPEG", **options):
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, kind, **options)
    return file.getvalue()


def add(browser, station, data, caption="The entrance"):
    return browser.post(
        f"/stations/{station.id}/photos", data={"photo": (io.BytesIO(data), "x.jpg"), "caption": caption}
    )


def test_a_photo_is_made_small_and_forgets_where_it_was_taken(alice, client, db, station):
    where = Image.Exif()
    where[0x010E] = "Alice's garden"
    where[0x0112] = 6  # lies on its side

    add(alice, station, picture(3000, 2000, exif=where))

    photo = db.query(StationPhoto).one()
    with client.get(f"/station-photos/{photo.id}.jpg") as shown:
        image = Image.open(io.BytesIO(shown.data))
        assert image.size == (1067, 1600)
        assert not image.getexif()
        assert shown.headers["Content-Type"] == "image/jpeg"
    assert 'alt="The entrance"' in alice.get(f"/stations/{station.id}/photos").text


def test_drivers_see_it(alice, client, make, station):
    add(alice, station, picture())
    code = make(factories.qr_code, make(factories.charger, station, connectors=1)).code

    assert 'alt="The entrance"' in client.get(f"/c/{code}").text


@pytest.mark.parametrize(
    ("data", "caption", "sentence"),
    [
        (picture(), "", "what it shows"),
        (picture(), "x" * 121, "what it shows"),
        (b"", "The entrance", "Choose a photo."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "The entrance", "This file is no photo."),
        (picture()[:200], "The entrance", "This file is no photo."),
        (picture(kind="GIF"), "The entrance", "This file is no photo."),
    ],
)
def test_what_is_refused_is_told(alice, db, station, data, caption, sentence):
    answer = add(alice, station, data, caption)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.query(StationPhoto).count() == 0


def test_a_photo_that_is_too_large_keeps_its_words(alice, station):
    parts = (
        b'--edge\r\nContent-Disposition: form-data; name="caption"\r\n\r\nThe entrance\r\n'
        b'--edge\r\nContent-Disposition: form-data; name="photo"; filename="x.jpg"\r\n\r\n',
        b"x" * 9 * 1024 * 1024,
        b"\r\n--edge--\r\n",
    )

    answer = alice.post(
        f"/stations/{station.id}/photos", data=b"".join(parts), content_type="multipart/form-data; boundary=edge"
    )

    assert answer.status_code == 422
    assert "This photo is larger than 8 MiB." in answer.text
    assert 'value="The entrance"' in answer.text


def test_a_ninth_photo_is_refused(alice, make, station):
    for _ in range(photos.MOST):
        make(factories.station_photo, station)

    assert add(alice, station, picture()).status_code == 422


def test_a_removed_photo_is_gone(alice, client, db, station):
    add(alice, station, picture())
    photo_id = db.query(StationPhoto).one().id
    db.commit()

    alice.post(f"/station-photos/{photo_id}/remove")

    assert client.get(f"/station-photos/{photo_id}.jpg").status_code == 404


def test_charlie_cannot_see_it(charlie, make, station):
    photo = make(factories.station_photo, station)

    assert charlie.get(f"/stations/{station.id}/photos").status_code == 404
    assert charlie.post(f"/station-photos/{photo.id}/remove").status_code == 404
    assert add(charlie, station, picture()).status_code == 404
