"""A full disk: nothing false is acknowledged, what is there can be read, and it heals by itself (trust.md F4)."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.db import Base, make_engine, read_only
from domain.models.charging import ChargingSession
from tests.charge_points import Ledger
from tests.faults.fleet import audit, bill_everything, make_fleet
from tests.faults.load import charging
from tests.processes import Sidecar

FILLS, CHARGERS = 3, 10


class SmallDisk:
    """A file system of a few MiB that can be filled up and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system to fill up needs root and mount")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_loses_nothing_and_heals(small_disk, tmp_path):
    database_url = f"sqlite:///{small_disk.folder / 'voltdesk.db'}"
    engine = make_engine(database_url)
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        fleet = make_fleet(db, CHARGERS)
    sidecar = Sidecar(database_url, tmp_path / "instance")

    async def fill_and_free() -> Ledger:
        async with charging(sidecar, fleet) as load:
            for _ in range(FILLS):
                await load.acknowledged(CHARGERS * 5)
                await asyncio.to_thread(small_disk.fill)
                await load.stalled()
                with read_only(), Session(engine) as db:
                    assert db.query(ChargingSession).count() > 0
                small_disk.free()
                await asyncio.to_thread(sidecar.wait_ready)
        return load.ledger

    ledger = asyncio.run(fill_and_free())
    with Session(engine) as db:
        bill_everything(db)
        found = audit(db, ledger)
        integrity = db.scalar(text("PRAGMA integrity_check"))
    engine.dispose()

    assert found.lost == []
    assert found.duplicates == []
    assert ledger.sockets_lost == 0
    assert integrity == "ok"
