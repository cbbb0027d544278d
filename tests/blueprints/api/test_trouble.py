"""When the database is busy or somebody is faster, nothing is half done and the answer is no 500."""

import threading

import pytest
from sqlalchemy import create_engine, select

from app import create_app
from domain.models.chargers import Charger
from domain.settings import Settings
from tests import factories


def test_two_who_add_the_same_charger_at_once(app, db, make, harbour, alice):
    station = make(factories.station, harbour)
    barrier, statuses = threading.Barrier(6), []

    def add():
        client = app.test_client()
        barrier.wait(timeout=30)
        body = {"station_id": str(station.id), "device_id": "HE1"}
        statuses.append(client.post("/api/v1/chargers", json=body, headers=alice.headers).status_code)

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]
    assert len(db.scalars(select(Charger)).all()) == 1


def test_readers_go_on_while_somebody_writes(database_url, alice):
    if not database_url.startswith("sqlite"):
        pytest.skip("only SQLite has one lock for all writers")
    alice.get("/stations")  # notes the key's use
    engine = create_engine(database_url)
    with engine.connect() as writer:
        writer.exec_driver_sql("BEGIN IMMEDIATE")

        assert alice.get("/stations").status_code == 200
        assert alice.post("/tariffs/price", {"tariff": {}}).status_code == 422
    engine.dispose()


def test_a_database_that_is_gone_is_503(tmp_path):
    nowhere = f"sqlite:///{tmp_path / 'no-such-folder' / 'x.db'}"
    app = create_app(Settings(database_url=nowhere, instance_dir=tmp_path, secret_key="test"))

    answer = app.test_client().get("/api/v1/stations", headers={"Authorization": "Bearer vd_x"})

    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"] == "5"
    assert answer.json["detail"] == "The database does not answer. Nothing was changed."
