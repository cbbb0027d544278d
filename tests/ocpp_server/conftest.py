"""A real sidecar on a real port, and chargers that speak raw frames to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain import charger_keys
from domain.models.chargers import Charger
from tests import factories
from tests.ocpp_server.running import RawCharger, RunningSidecar

PASSWORD = "correct-horse-battery"


@pytest.fixture
def sidecar(database_url: str, tmp_path: Path) -> Iterator[RunningSidecar]:
    """A sidecar on a free port of 127.0.0.1, in a thread of its own."""
    running = RunningSidecar(database_url, tmp_path / "instance")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def add_charger(make: Callable[..., Charger]) -> Callable[..., Charger]:
    """`add_charger(device_id="X")`: a charger whose password is PASSWORD."""

    def add(password: str = PASSWORD, **values: object) -> Charger:
        salt, key_hash = charger_keys.seal(password)
        return make(factories.charger, **({"password_salt": salt, "password_hash": key_hash} | values))

    return add


@pytest.fixture
def connect(sidecar: RunningSidecar) -> Iterator[Callable[..., RawCharger]]:
    """`connect(charger)`: that charger's open socket."""
    opened: list[RawCharger] = []

    def dial(charger: Charger, password: str = PASSWORD, **options: object) -> RawCharger:
        socket = RawCharger(sidecar.port, charger.device_id, password, **options)
        opened.append(socket)
        return socket

    yield dial
    for socket in opened:
        socket.drop()
