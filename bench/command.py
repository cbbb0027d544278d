"""From the commit of a command to its CALL on the wire, and what the waiting for commands costs."""

import asyncio
import statistics
import threading
import time
from pathlib import Path

import uvloop
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bench import frames, servers
from bench.line import Line, boot
from bench.results import Figure, keep
from bench.servers import Sidecar, World
from domain import commands, doorbell
from domain.clock import utcnow
from domain.db import make_engine, read_only
from domain.models.chargers import Charger
from domain.models.commands import Command
from tests.waiting import wait_until

COMMANDS, IDLE_CHARGERS, IDLE_S = 200, 200, 10.0


class _Wire:
    """One charger on a thread of its own, which notes when CALLs arrive and answers them."""

    def __init__(self, server: Sidecar, who: list[str]) -> None:
        self.is_booted = threading.Event()
        self.has_arrived = threading.Event()
        self.arrived_s = 0.0
        self._loop = uvloop.new_event_loop()
        self._server, self._who = server, who
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        request = frames.handshake(self._server.port, self._who[0], self._who[1])
        line = Line(request, lambda line: boot(line, self._booted), _lost)
        self._loop.create_task(self._loop.create_connection(lambda: line, "127.0.0.1", self._server.port))
        self._loop.run_forever()

    def _booted(self, line: Line) -> None:
        line.answered = self._called
        self.is_booted.set()

    def _called(self, line: Line, text: bytes) -> None:
        self.arrived_s = time.perf_counter()
        line.send(b'[3,"%b",{"status":"Accepted"}]' % text.split(b'"', 2)[1])
        self.has_arrived.set()


def main() -> None:
    """Measures and writes two lines of the table."""
    with servers.world(IDLE_CHARGERS) as world, servers.sidecar(world) as server:
        waits_ms = sorted(_waits_ms(world, server))
        cores = _idle_cores(world, server)
    keep(
        Figure(
            "command",
            "Command: commit → CALL on the wire, p50",
            f"{statistics.median(waits_ms):.1f} ms (p95 {waits_ms[int(len(waits_ms) * 0.95)]:.1f} ms)",
            "< 5 ms",
            f"{COMMANDS} commands one after the other: queued, committed, doorbell rung, CALL read from the socket",
        ),
        Figure(
            "command",
            "Idle cost of the sidecar",
            f"{cores * 100:.2f} % of a core",
            "≈ 0",
            f"processor time of {IDLE_S:.0f} s with {IDLE_CHARGERS} chargers connected and silent",
        ),
    )


def _waits_ms(world: World, server: Sidecar) -> list[float]:
    (who,) = world.fleet[:1]
    wire = _Wire(server, who)
    assert wire.is_booted.wait(10)
    engine = make_engine(server.settings["DATABASE_URL"])
    waits_ms = []
    for number in range(COMMANDS):
        wire.has_arrived.clear()
        with Session(engine) as db:
            charger = db.scalars(select(Charger).where(Charger.device_id == who[0])).one()
            change = {"key": "HeartbeatInterval", "value": str(100 + number)}
            commands.queue(db, charger, "ChangeConfiguration", change, by="bench", now=utcnow())
            db.commit()
        committed_s = time.perf_counter()
        doorbell.ring(Path(server.settings["INSTANCE_DIR"]))
        assert wire.has_arrived.wait(10), server.said()
        waits_ms.append((wire.arrived_s - committed_s) * 1000)
        wait_until(lambda: _is_settled(engine), what="the command being settled")
    wire.close()
    engine.dispose()
    return waits_ms


def _is_settled(engine: Engine) -> bool:
    with read_only(), Session(engine) as db:
        newest = db.scalars(select(Command).order_by(Command.id.desc()).limit(1)).one()
        return newest.is_settled


def _idle_cores(world: World, server: Sidecar) -> float:
    with servers.held(world, server, IDLE_CHARGERS, "boot"):
        time.sleep(2)
        before = servers.cpu_s(server.pid)
        time.sleep(IDLE_S)
        return (servers.cpu_s(server.pid) - before) / IDLE_S


def _lost(_line: Line, why: str) -> None:
    raise AssertionError(why)


if __name__ == "__main__":
    main()
