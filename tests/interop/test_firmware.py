"""Firmware from plan to boot: web, worker and sidecar as processes, and simulated chargers that really fetch it."""

import asyncio
import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from domain import firmware_campaigns
from domain.clock import utcnow
from domain.files import FileStore
from domain.firmware_campaigns import Plan
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.files import FileKind
from domain.models.firmware import CampaignStatus, FirmwareCampaign, FirmwareRelease
from domain.models.operators import Operator
from simulator.charger import SimulatedCharger
from simulator.spec import charger_spec
from simulator.wire import CALL, Direction, Payload
from tests import factories
from tests.interop.test_sidecar import FAST
from tests.interop.world import KEY, World
from tests.processes import Sidecar, Web, Worker
from tests.waiting import wait_until

IMAGE = b"SIMFW version=2.5.0\n" + bytes(range(256)) * 400
# How each charger behaves, and what that has to come to.
CAST = {
    "FW-GOOD": ({"firmware_piece_bytes": 40_000}, "installed", "The charger started with 2.5.0."),
    "FW-QUIET": ({"firmware": "quiet"}, "installed", "The charger started with 2.5.0."),
    "FW-LIES": (
        {"firmware": "lies"},
        "failed",
        'The charger said "Installed", but started with 2.4.0, not with 2.5.0.',
    ),
    "FW-BROKEN": (
        {"firmware": "InstallationFailed"},
        "failed",
        "The charger has the file but could not install it.",
    ),
}


@pytest.fixture
def world(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[tuple[World, Worker]]:
    folder = tmp_path / "instance"
    web = Web(database_url, folder)
    worker = Worker(database_url, folder, PUBLIC_URL=f"http://127.0.0.1:{web.port}")
    sidecar = Sidecar(database_url, folder)
    programs = (web, worker, sidecar)
    try:
        for program in programs:
            program.start()
        sidecar.wait_ready()
        wait_until(web.is_ready, within_s=30, what="the web being ready")
        yield World(engine, sidecar, folder), worker
    finally:
        for program in programs:
            program.stop()


def publish(world: World, body: bytes) -> None:
    with Session(world.engine) as db:
        store = FileStore(world.folder / "files")
        stored = store.keep(
            db,
            store.write(io.BytesIO(body), len(body)),
            kind=FileKind.FIRMWARE,
            name="wall-2.5.0.bin",
            content_type="application/octet-stream",
            operator_id=None,
            by="ines@example.com",
            now=utcnow(),
        )
        digest = hashlib.sha256(body).hexdigest()
        factories.release(db, "2.5.0", ("Wall 22",), vendor="Simco", file=stored, sha256=digest)
        db.commit()


def begin(world: World) -> int:
    with Session(world.engine) as db:
        release = db.scalars(select(FirmwareRelease)).one()
        chargers = db.scalars(select(Charger).order_by(Charger.device_id)).all()
        now = utcnow()
        plan = Plan("Autumn", now, now + timedelta(days=1), canaries=0, stop_after=0)
        operator_id = db.scalars(select(Operator.id)).one()
        picks = [(charger, release) for charger in chargers]
        campaign = firmware_campaigns.begin(db, operator_id, plan, picks, by="alice@example.com", now=now)
        db.commit()
        return campaign.id


def simulated(world: World, device_id: str, behaviour: dict[str, Any], told: list[str]) -> SimulatedCharger:
    """A charger that puts its name into `told` whenever it is told to upgrade."""
    described = {
        "device_id": device_id,
        "password": KEY,
        "vendor": "Simco",
        "model": "Wall 22",
        "firmware": "2.4.0",
        "timing": FAST,
        "behaviour": behaviour,
    }

    def watch(charger: SimulatedCharger, direction: Direction, kind: int, action: str, _payload: Payload) -> None:
        if (direction, kind, action) == ("received", CALL, "UpdateFirmware"):
            told.append(charger.spec.device_id)

    return SimulatedCharger(charger_spec(described, world.sidecar.url), watch=watch)


async def test_each_charger_comes_to_what_it_does_whatever_is_killed(world):
    installation, worker = world
    told: list[str] = []
    installation.add_chargers({device_id: f"CARD{number}" for number, device_id in enumerate(CAST)})
    publish(installation, IMAGE)
    chargers = [simulated(installation, device_id, behaviour, told) for device_id, (behaviour, _, _) in CAST.items()]
    await asyncio.gather(*(charger.connect(timeout_s=30) for charger in chargers))

    campaign_id = begin(installation)
    worker.kill()
    worker.start()
    await asyncio.to_thread(wait_until, lambda: is_done(installation, campaign_id), within_s=40, what="the campaign")
    await asyncio.gather(*(charger.stop() for charger in chargers))

    for device_id, (status, sentence) in outcomes(installation, campaign_id).items():
        assert (device_id, status) == (device_id, CAST[device_id][1])
        assert sentence.startswith(CAST[device_id][2])
    assert sorted(told) == sorted(CAST)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_is_told_twice_when_the_sidecar_is_killed_while_it_sends(world):
    installation, _ = world
    told: list[str] = []
    names = [f"FW-{number:02d}" for number in range(12)]
    installation.add_chargers(dict(zip(names, names, strict=True)))
    publish(installation, IMAGE)
    chargers = [simulated(installation, name, {}, told) for name in names]
    await asyncio.gather(*(charger.connect(timeout_s=30) for charger in chargers))

    campaign_id = begin(installation)
    await asyncio.to_thread(wait_until, lambda: told, within_s=20, what="the first charger being told")
    installation.sidecar.kill()
    installation.sidecar.start()
    await asyncio.to_thread(wait_until, lambda: is_settled(installation, campaign_id), within_s=40, what="an end")
    await asyncio.gather(*(charger.stop() for charger in chargers))

    assert len(told) == len(set(told))


def outcomes(world: World, campaign_id: int) -> dict[str, tuple[str, str]]:
    with Session(world.engine) as db:
        found = firmware_campaigns.upgrades(db, campaign_id)
        return {each.charger.device_id: (each.status.value, each.sentence or "") for each in found}


def is_done(world: World, campaign_id: int) -> bool:
    with Session(world.engine) as db:
        return db.get_one(FirmwareCampaign, campaign_id).status is CampaignStatus.DONE


def is_settled(world: World, campaign_id: int) -> bool:
    """Whether every charger is at its end, or was lost in the moment of the kill: that takes minutes to be given up."""
    with Session(world.engine) as db:
        return all(
            not each.is_open
            or (each.command_id and db.get_one(Command, each.command_id).status is CommandStatus.FAILED)
            for each in firmware_campaigns.upgrades(db, campaign_id)
        )
