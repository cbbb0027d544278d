"""What is measured runs on core 0, what measures it on core 1."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

import domain.models  # noqa: F401 - fills Base.metadata
from domain.db import Base, make_engine
from tests.faults.fleet import make_fleet
from tests.processes import PROJECT, Sidecar

SERVER_CORE, LOAD_CORE = 0, 1
MOST_FILES = 16_384


class PinnedSidecar(Sidecar):
    """The sidecar on one core."""

    core = SERVER_CORE


class Echo(Sidecar):
    """The yardstick, started and stopped like a sidecar."""

    core = SERVER_CORE

    def __init__(self, folder: Path) -> None:
        super().__init__("", folder)
        self.command = ("-m", "bench.echo", str(self.port))

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class World:
    """A SQLite database with a fleet in it, copied for every round."""

    def __init__(self, folder: Path, chargers: int) -> None:
        self.folder = folder
        self.template = folder / "template.db"
        self.fleet_file = folder / "fleet.json"
        engine = make_engine(f"sqlite:///{self.template}")
        Base.metadata.create_all(engine)
        with Session(engine) as db:
            fleet = make_fleet(db, chargers)
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        engine.dispose()
        self.fleet = [[who.device_id, who.password, who.id_tag] for who in fleet]
        self.fleet_file.write_text(json.dumps(self.fleet))

    def fresh_copy(self) -> Path:
        """A new folder with the database as it was made."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copy(self.template, folder / "voltdesk.db")
        return folder


@contextmanager
def world(chargers: int) -> Iterator[World]:
    """A world in a temporary folder, gone at the end."""
    _many_files()
    folder = Path(tempfile.mkdtemp(prefix="voltdesk-bench-"))
    try:
        yield World(folder, chargers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sidecar(world: World, *command: str, **settings: str) -> Iterator[Sidecar]:
    """A sidecar on a fresh copy of the database; the command is another way to start it."""
    folder = world.fresh_copy()
    running = PinnedSidecar(f"sqlite:///{folder / 'voltdesk.db'}", folder, **settings)
    if command:
        running.command = command
    with _running(running):
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def echo(world: World) -> Iterator[Sidecar]:
    """The bare echo server."""
    with _running(Echo(world.folder)) as running:
        yield running


@contextmanager
def _running(server: Sidecar) -> Iterator[Sidecar]:
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def load(world: World, server: Sidecar, lines: int, mode: str, **asked: Any) -> dict[str, Any]:
    """What the load generator found."""
    order = {"mode": mode, "port": server.port, "fleet": str(world.fleet_file), "lines": lines} | asked
    told = subprocess.run(_load_command(order), cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, f"{told.stderr[-2000:]}\nthe server said:\n{server.said()}"
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@contextmanager
def held(world: World, server: Sidecar, lines: int, prepare: str, skip: int = 0) -> Iterator[None]:
    """That many chargers are connected and silent."""
    order = {"mode": "hold", "port": server.port, "fleet": str(world.fleet_file), "lines": lines}
    process = subprocess.Popen(
        _load_command(order | {"prepare": prepare, "skip": skip}),
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        opened = process.stdout.readline()
        assert opened, f"the load generator failed; the server said:\n{server.said()}"
        yield
    finally:
        process.stdin.close()
        process.wait(timeout=60)


def memory_bytes(pid: int) -> int:
    """What that process alone holds of the machine's memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell")


def cpu_s(pid: int) -> float:
    """The processor time that process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _load_command(order: dict[str, Any]) -> list[str]:
    return [sys.executable, "-m", "bench.load", json.dumps(order | {"core": LOAD_CORE})]


def _many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, min(hard, MOST_FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
