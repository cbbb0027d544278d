"""A firmware campaign over many simulated chargers: how long until every one of them has its outcome."""

import asyncio
import hashlib
import io
import json
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import uvloop
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench import servers
from bench.results import Figure, keep
from domain import firmware_campaigns
from domain.clock import utcnow
from domain.db import make_engine, read_only
from domain.files import FileStore
from domain.firmware_campaigns import Plan
from domain.models.chargers import Charger
from domain.models.commands import Command
from domain.models.files import FileKind
from domain.models.firmware import CampaignStatus, FirmwareCampaign, FirmwareRelease
from simulator.charger import SimulatedCharger
from simulator.spec import charger_spec
from tests import factories
from tests.processes import Program, Sidecar, Web, Worker
from tests.waiting import wait_until

CHARGERS, FAIL_EVERY, WAVE = 500, 20, 100
FAILURES = ("InstallationFailed", "DownloadFailed", "lies")
IMAGE = b"SIMFW version=2.5.0\n" + bytes(256 * 1024)
TIMING = {"reboot_s": 1.0, "step_s": 0.5, "reconnect_min_s": 0.5, "reconnect_max_s": 2.0}


class Fleet(Program):
    """The simulated chargers, in a process of their own."""

    def __init__(self, folder: Path, order: dict[str, object]) -> None:
        super().__init__("", folder)
        self.command = ("-m", "bench.campaign", json.dumps(order))


def main(chargers: int = CHARGERS) -> None:
    """Measures and writes a line of the table."""
    with servers.world(chargers) as world:
        folder = world.fresh_copy()
        url = f"sqlite:///{folder / 'voltdesk.db'}"
        web, sidecar = Web(url, folder), Sidecar(url, folder)
        worker = Worker(url, folder, PUBLIC_URL=f"http://127.0.0.1:{web.port}")
        fleet = Fleet(folder, {"port": sidecar.port, "fleet": str(world.fleet_file), "lines": chargers})
        programs = (web, sidecar, worker, fleet)
        try:
            for program in programs:
                program.start()
            took_s, outcomes, told = _run(url, folder, chargers)
        finally:
            for program in reversed(programs):
                program.stop()
    failing = len(range(0, chargers, FAIL_EVERY))
    keep(
        Figure(
            "campaign",
            f"Firmware campaign over {chargers} chargers, 5 % of them fail",
            f"{took_s:.0f} s; {outcomes['installed']} installed, {outcomes['failed']} failed, "
            f"{sum(outcomes.values())} outcomes, nobody told twice ({told} CALLs)",
            f"{chargers} outcomes, {failing} failed",
            f"web, worker, sidecar and {chargers} simulated chargers on one machine; SQLite; one charger first, then "
            f"waves of {WAVE}, at most 20 fetching at once; 256 KiB over HTTP, a reboot into the new version each; "
            "failures: InstallationFailed, DownloadFailed, Installed told and the old version booted",
        )
    )


def _run(url: str, folder: Path, count: int) -> tuple[float, Counter[str], int]:
    engine = make_engine(url)

    def online() -> bool:
        with read_only(), Session(engine) as db:
            told = select(Charger.id).where(Charger.node.is_not(None), Charger.firmware_version == "2.4.0")
            return len(db.scalars(told).all()) == count

    def done() -> bool:
        with read_only(), Session(engine) as db:
            return db.get_one(FirmwareCampaign, campaign_id).status is CampaignStatus.DONE

    wait_until(online, within_s=120, what=f"{count} chargers being online")
    campaign_id = _begin(engine, folder)
    began = time.perf_counter()
    wait_until(done, within_s=900, what="the end of the campaign")
    took_s = time.perf_counter() - began
    with read_only(), Session(engine) as db:
        outcomes = Counter(each.status.value for each in firmware_campaigns.upgrades(db, campaign_id))
        asked = Counter(db.scalars(select(Command.charger_id).where(Command.action == "UpdateFirmware")))
    assert max(asked.values()) == 1
    engine.dispose()
    return took_s, outcomes, sum(asked.values())


def _begin(engine: object, folder: Path) -> int:
    with Session(engine) as db:  # type: ignore[arg-type]
        now = utcnow()
        store = FileStore(folder / "files")
        stored = store.keep(
            db,
            store.write(io.BytesIO(IMAGE), len(IMAGE)),
            kind=FileKind.FIRMWARE,
            name="wall-2.5.0.bin",
            content_type="application/octet-stream",
            operator_id=None,
            by="bench",
            now=now,
        )
        digest = hashlib.sha256(IMAGE).hexdigest()
        release: FirmwareRelease = factories.release(
            db, "2.5.0", ("Wall 22",), vendor="Simco", file=stored, sha256=digest
        )
        chargers = db.scalars(select(Charger).order_by(Charger.id.desc())).all()  # the first one is none that fails
        plan = Plan("Bench", now, now + timedelta(days=1), canaries=1, wave_size=WAVE, stop_after=0)
        picks = [(charger, release) for charger in chargers]
        campaign = firmware_campaigns.begin(db, chargers[0].operator_id, plan, picks, by="bench", now=now)
        db.commit()
        return campaign.id


async def _play(order: dict[str, str | int]) -> None:
    who = json.loads(Path(str(order["fleet"])).read_text())[: int(order["lines"])]
    chargers = []
    for number, (device_id, password, _) in enumerate(who):
        fails = FAILURES[number // FAIL_EVERY % len(FAILURES)] if number % FAIL_EVERY == 0 else "ok"
        described = {
            "device_id": device_id,
            "password": password,
            "vendor": "Simco",
            "model": "Wall 22",
            "firmware": "2.4.0",
            "timing": TIMING,
            "behaviour": {"firmware": fails},
        }
        chargers.append(SimulatedCharger(charger_spec(described, f"ws://127.0.0.1:{order['port']}")))
    for charger in chargers:
        await charger.start()
        await asyncio.sleep(0.01)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        uvloop.run(_play(json.loads(sys.argv[1])))
    else:
        main()
