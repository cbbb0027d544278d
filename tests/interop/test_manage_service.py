"""The whole way: a simulated charger uploads, is configured, takes its list and keeps a plug free."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app import create_app
from blueprints import database
from domain import answers, charger_keys, configuration, diagnostics, local_lists, reservations, tokens
from domain.clock import utcnow
from domain.files import FileStore
from domain.models.chargers import Charger
from domain.models.reservations import Reservation, ReservationStatus
from domain.settings import STAFF, Settings
from simulator.charger import SimulatedCharger
from simulator.spec import ChargerSpec, Timing
from tests import factories
from tests.ocpp_server.running import RunningSidecar, eventually

PASSWORD = "correct-horse-battery"
ME = "alice@example.com"


@dataclass
class World:
    """Web, sidecar and one charger, all running."""

    engine: Engine
    charger_id: int
    url: str
    instance_dir: Path

    def do(self, act: Callable[..., object]) -> object:
        """`act(db, charger)` in a transaction of its own."""
        with Session(self.engine, expire_on_commit=False) as db:
            done = act(db, db.get_one(Charger, self.charger_id))
            db.commit()
            return done

    def until(self, look: Callable[..., object]) -> object:
        """What the look returns as soon as it is true; answers are taken in meanwhile, as the worker does."""

        def once() -> object:
            return self.do(lambda db, charger: (answers.take_in_all(db, utcnow()), look(db, charger))[1])

        return eventually(once, 30)


@pytest.fixture
def database_url(sqlite_database: Callable[[], str]) -> str:
    return sqlite_database()


@pytest.fixture
def world(make, engine: Engine, database_url: str, tmp_path: Path) -> Iterator[World]:
    salt, key_hash = charger_keys.seal(PASSWORD)
    charger = make(factories.charger, device_id="HE1", password_salt=salt, password_hash=key_hash)
    sidecar = RunningSidecar(database_url, tmp_path)
    sidecar.start()
    app = create_app(
        Settings(database_url=database_url, instance_dir=tmp_path, secret_key="test", second_factor_roles=STAFF)
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    web = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    web.start()
    player = Player(f"ws://127.0.0.1:{sidecar.port}/HE1")
    player.start()
    made = World(engine, charger.id, f"http://127.0.0.1:{server.port}", tmp_path)
    made.until(lambda _db, charger: charger.is_connected and charger.booted_at)
    yield made
    player.stop()
    server.shutdown()
    web.join()
    server.server_close()
    sidecar.stop()
    with app.app_context():
        database.db.engine.dispose()


class Player(threading.Thread):
    """The charger, in a loop of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

    def run(self) -> None:
        self._loop.run_until_complete(self._play())
        self._loop.close()

    async def _play(self) -> None:
        timing = Timing(reconnect_min_s=0.1, reboot_s=0.2, step_s=0.05, tick_s=0.1)
        configuration = {"SendLocalListMaxLength": "2", "GetConfigurationMaxKeys": "10"}
        spec = ChargerSpec(self._url.rpartition("/")[0], "HE1", PASSWORD, timing=timing, configuration=configuration)
        charger = SimulatedCharger(spec)
        await charger.start()
        await self._ending.wait()
        await charger.stop()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self.join(30)


def test_diagnostics_come_without_an_ftp_server(world: World) -> None:
    ours = world.do(lambda db, charger: diagnostics.ask(db, charger, "Diagnostics", world.url, by=ME, now=utcnow()).id)
    received = world.until(
        lambda db, charger: [
            each.stored_file
            for each in diagnostics.of_charger(db, charger.id)
            if each.id == ours and each.received_at and each.status == "Uploaded"
        ]
    )[0]

    text = FileStore(world.instance_dir / "files").read(received).decode()
    assert received.name.startswith("diagnostics-HE1-")
    assert '"device_id": "HE1"' in text

    log = world.do(lambda db, charger: diagnostics.ask(db, charger, "SecurityLog", world.url, by=ME, now=utcnow()).id)
    words = world.until(
        lambda db, charger: [
            diagnostics.sentence(each, utcnow())
            for each in diagnostics.of_charger(db, charger.id)
            if each.id == log and each.status in ("Uploaded", "UploadFailure")
        ]
    )
    assert words[0][0] in ("Received", "Upload failed")  # a new charger's security log is empty


def test_configuration_is_read_changed_and_read_back(world: World) -> None:
    world.do(lambda db, charger: configuration.read(db, charger, by=ME, now=utcnow()))
    world.until(lambda db, charger: configuration.reading_of(db, charger.id).read_at)

    def change(db: Session, charger: Charger) -> None:
        known = configuration.values(db, charger.id)
        wanted = {"HeartbeatInterval": "77", "WebSocketPingInterval": "54"}
        configuration.change(db, charger, configuration.differences(known, wanted), by=ME, now=utcnow())

    world.do(change)
    known = world.until(
        lambda db, charger: (
            (values := configuration.values(db, charger.id))["HeartbeatInterval"].value == "77"
            and values["WebSocketPingInterval"].outcome
            and values
        )
    )

    assert len(known) >= 35
    assert known["NumberOfConnectors"].is_readonly
    assert (known["HeartbeatInterval"].wished, known["WebSocketPingInterval"].outcome) == (None, "RebootRequired")


def test_the_list_goes_out_in_parts_and_a_plug_is_kept_free(world: World) -> None:
    def begin(db: Session, charger: Charger) -> int:
        for uid in ("CARD1", "CARD2", "CARD3"):
            tokens.add(db, charger.operator_id, uid, now=utcnow())
        factories.configuration_value(db, charger, "SendLocalListMaxLength", "2")
        local_lists.sync(db, charger, by=ME, now=utcnow())
        until = utcnow() + timedelta(minutes=5)
        return reservations.make(db, charger, 1, "CARD1", until, by=ME, now=utcnow()).id

    world.until(lambda _db, charger: any(plug.number == 1 for plug in charger.connectors))
    reserved = world.do(begin)
    version = world.until(lambda db, charger: (found := local_lists.look(db, charger)).synced_at and found.version_here)
    status = world.until(
        lambda db, _charger: (now := db.get_one(Reservation, reserved).status) is not ReservationStatus.ASKED and now
    )

    assert version == 2
    assert status is ReservationStatus.ACTIVE
