"""Both databases, fresh for every test, and a cast to play with.

Alice owns Harbour Energy; Bob is her technician; Charlie owns another company and must see nothing of theirs.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import domain.models  # noqa: F401 - fills Base.metadata
from app import create_app
from blueprints import database
from blueprints.limits import limiter
from domain.db import Base, make_engine
from domain.settings import STAFF, Settings
from tests.postgresql import PostgresqlServer, empty, running_server
from tests.sqlite import risking_the_data

# What is imported stays: looking through it again and again for garbage took a tenth of the time.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)

DATABASES = tuple((os.environ.get("VOLTDESK_TEST_DATABASES") or "sqlite,postgresql").split(","))


# Real processes, sockets and browsers on a machine that may be busy: what fails there is tried a second time and told.
_REAL_TIME = ("browser", "faults", "interop", "ocpp_server")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in _REAL_TIME:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server of this test run."""
    with running_server() as server:
        server.risk_the_data()
        yield server


@pytest.fixture(scope="session")
def engines() -> Iterator[Callable[[str], Engine]]:
    """`engines(url)`: the engine of this test run for that address. It keeps the statements it has compiled."""
    made: dict[str, Engine] = {}

    def engine_for(url: str) -> Engine:
        if url not in made:
            made[url] = make_engine(url)
        return made[url]

    yield engine_for
    for engine in made.values():
        engine.dispose()


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: PostgresqlServer, engines: Callable[[str], Engine]) -> Callable[[], str]:
    """Empties the database of this test run and tells its address."""
    url = postgresql_server.empty_database("voltdesk_test")

    def emptied() -> str:
        empty(engines(url))
        return url

    return emptied


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, empty; tests work on copies."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    engine = make_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return path


@pytest.fixture(scope="session", autouse=True)
def _sqlite_risks_its_data() -> Iterator[None]:
    with risking_the_data():
        yield


@pytest.fixture(scope="session")
def sqlite_database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Puts an empty file in the place of the test run's database and tells its address."""
    path = tmp_path_factory.mktemp("sqlite") / "voltdesk.db"

    def emptied() -> str:
        for old in path.parent.iterdir():
            old.unlink()
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    return emptied


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database with every table, once on SQLite, once on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_database")()


@pytest.fixture
def engine(database_url: str, engines: Callable[[str], Engine]) -> Iterator[Engine]:
    """The database of this test."""
    engine = engines(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def instance_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installation under test."""
    return tmp_path_factory.mktemp("instance")


@pytest.fixture
def settings(database_url: str, instance_dir: Path) -> Settings:
    """The settings of the installation under test; its folder is empty."""
    for old in instance_dir.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    return Settings(database_url=database_url, instance_dir=instance_dir, secret_key="test", second_factor_roles=STAFF)


@pytest.fixture(scope="session")
def _apps() -> dict[Settings, Flask]:
    return {}


@pytest.fixture
def app_for(_apps: dict[Settings, Flask]) -> Iterator[Callable[[Settings], Flask]]:
    """`app_for(settings)`: the web application, made once in a test run.

    Making one and compiling its pages takes longer than most tests.
    """
    used = []

    def application(settings: Settings) -> Flask:
        if settings not in _apps:
            _apps[settings] = create_app(settings)
        app = _apps[settings]
        limiter.reset()
        app.extensions["api_limits"].storage.reset()
        used.append(app)
        return app

    yield application
    for app in used:
        with app.app_context():
            database.db.engine.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    """A database session; what a test commits is gone with the test."""
    with Session(engine, expire_on_commit=False) as db:
        yield db


@pytest.fixture
def make(db: Session) -> Callable[..., object]:
    """`make(factories.station, name="Pier")`: builds with the factory and commits."""

    def build(factory: Callable[..., object], *rows: object, **values: object) -> object:
        made = factory(db, *rows, **values)
        db.commit()
        return made

    return build
