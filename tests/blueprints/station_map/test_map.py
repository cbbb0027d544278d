"""The position of a station: typed, and shown on a map with or without tiles."""

import pytest

from app import create_app
from blueprints import database
from domain.settings import STAFF, Settings
from tests import factories


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour, latitude=60.1675, longitude=24.9631)


def fresh(db, station):
    db.commit()
    db.refresh(station)
    db.commit()
    return (station.latitude, station.longitude)


def test_the_position_is_shown_and_saved(alice, db, station):
    assert 'value="60.1675"' in alice.get(f"/stations/{station.id}/map").text

    alice.post(f"/stations/{station.id}/map", data={"latitude": "60,17", "longitude": "-0.5"})

    assert fresh(db, station) == (60.17, -0.5)


@pytest.mark.parametrize(
    ("latitude", "longitude", "sentence"),
    [
        ("north", "24", "Type degrees such as 60.1675"),
        ("", "", "Type degrees such as 60.1675"),
        ("NaN", "24", "Type degrees such as 60.1675"),
        ("91", "24", "A latitude is between -90 and 90."),
        ("60", "1e9", "A longitude is between -180 and 180."),
    ],
)
def test_what_is_no_place_is_told_and_kept(alice, db, station, latitude, longitude, sentence):
    answer = alice.post(f"/stations/{station.id}/map", data={"latitude": latitude, "longitude": longitude})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{longitude}"' in answer.text
    assert fresh(db, station) == (60.1675, 24.9631)


def test_without_tiles_no_browser_asks_anybody_else(alice, station):
    answer = alice.get(f"/stations/{station.id}/map")

    assert 'data-tiles=""' in answer.text
    assert "img-src 'self' data:;" in answer.headers["Content-Security-Policy"]


def test_with_tiles_their_host_is_allowed(database_url, tmp_path):
    tiles = {"map_tiles_url": "https://{s}.tiles.example/{z}/{x}/{y}.png", "map_attribution": "Tiles"}
    app = create_app(
        Settings(
            database_url=database_url, instance_dir=tmp_path, secret_key="test", second_factor_roles=STAFF, **tiles
        )
    )

    policy = app.test_client().get("/sign-in").headers["Content-Security-Policy"]

    assert "img-src 'self' data: https://*.tiles.example;" in policy
    with app.app_context():
        database.db.engine.dispose()


def test_charlie_cannot_see_it(charlie, station):
    assert charlie.get(f"/stations/{station.id}/map").status_code == 404
    assert charlie.post(f"/stations/{station.id}/map", data={"latitude": "1", "longitude": "1"}).status_code == 404
