"""The load generator: a process of its own, pinned to a core of its own.

`python -m bench.load '{"mode": "rate", ...}'` prints one line of JSON.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from bench import frames
from bench.line import Line, begin, boot

MOST_OPENING = 512  # connects in flight: more would only overflow the kernel's queue and wait a second


class Crowd:
    """Many lines to one server."""

    def __init__(self, port: int, fleet: list[list[str]]) -> None:
        self.port = port
        self.fleet = fleet
        self.lines: list[Line] = []
        self.lost: list[str] = []

    async def open(self, then: Any) -> None:
        """Every charger has a socket and `then(line, who, done)` has called done for it."""
        gate = asyncio.Semaphore(MOST_OPENING)
        await asyncio.gather(*(self._open_one(who, then, gate) for who in self.fleet))

    async def _open_one(self, who: list[str], then: Any, gate: asyncio.Semaphore) -> None:
        loop = asyncio.get_running_loop()
        device_id, password, _ = who
        while True:
            ready: asyncio.Future[None] = loop.create_future()

            def lost(_line: Line, why: str, ready: "asyncio.Future[None]" = ready) -> None:
                if ready.done():
                    self.lost.append(why)
                else:
                    ready.set_exception(ConnectionError(why))

            def done(_line: Line, ready: "asyncio.Future[None]" = ready) -> None:
                if not ready.done():
                    ready.set_result(None)

            def opened(line: Line, done: Any = done) -> None:
                then(line, who, done)

            request = frames.handshake(self.port, device_id, password)
            line = Line(request, opened, lost)
            async with gate:
                try:
                    await loop.create_connection(lambda line=line: line, "127.0.0.1", self.port)
                    await ready
                except OSError as error:
                    self.lost.append(str(error))
                else:
                    self.lines.append(line)
                    return
            await asyncio.sleep(0.1)

    def hang_up(self) -> None:
        for line in self.lines:
            line.hang_up()


def _nothing_more(line: Line, _who: list[str], done: Any) -> None:
    done(line)


def _boot(line: Line, _who: list[str], done: Any) -> None:
    boot(line, done)


def _begin(line: Line, who: list[str], done: Any) -> None:
    begin(line, who[2], done)


PREPARE = {"nothing": _nothing_more, "boot": _boot, "begin": _begin}


async def rate(crowd: Crowd, prepare: str, server_pid: int, warm_s: float, for_s: float) -> dict[str, Any]:
    """MeterValues one after the other on every line: how many were answered in that time."""
    await crowd.open(PREPARE[prepare])
    counted = 0
    is_over = False
    is_echo = prepare == "nothing"

    def answered(line: Line, text: bytes) -> None:
        nonlocal counted
        if not is_echo and not text.startswith(b"[3"):
            if text.startswith(b"[2"):
                line.send(b'[4,"%b","NotImplemented","",{}]' % text.split(b'"', 2)[1])
                return
            raise AssertionError(text)
        counted += 1
        if not is_over:
            line.send_meter_values()

    for line in crowd.lines:
        line.answered = answered
        line.send_meter_values()
    await asyncio.sleep(warm_s)
    before, began, ours_s, theirs_s = counted, time.perf_counter(), _cpu_s("self"), _cpu_s(server_pid)
    await asyncio.sleep(for_s)
    answered_in_all, took_s = counted - before, time.perf_counter() - began
    ours_s, theirs_s = _cpu_s("self") - ours_s, _cpu_s(server_pid) - theirs_s
    is_over = True
    return {
        "per_s": answered_in_all / took_s,
        "per_cpu_s": answered_in_all / theirs_s,  # the same if nobody else wanted the core and nothing was waited for
        "server_cpu": theirs_s / took_s,
        "load_cpu": ours_s / took_s,
        "lost": len(crowd.lost),
    }


async def storm(crowd: Crowd, prepare: str) -> dict[str, Any]:
    """All lines open at once: how many a second got what they came for."""
    began = time.perf_counter()
    await crowd.open(PREPARE[prepare])
    took_s = time.perf_counter() - began
    return {"per_s": len(crowd.lines) / took_s, "took_s": took_s, "tries_lost": len(crowd.lost)}


async def hold(crowd: Crowd, prepare: str) -> dict[str, Any]:
    """All lines are open and say nothing until our standard input ends."""
    await crowd.open(PREPARE[prepare])
    print(json.dumps({"lines": len(crowd.lines)}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    return {"lost": len(crowd.lost)}


def _cpu_s(pid: int | str) -> float:
    """The processor time that process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _main(asked: dict[str, Any]) -> None:
    fleet = json.loads(Path(asked.pop("fleet")).read_text())[asked.pop("skip", 0) :][: asked.pop("lines")]
    crowd = Crowd(asked.pop("port"), fleet)
    mode = {"rate": rate, "storm": storm, "hold": hold}[asked.pop("mode")]
    print(json.dumps(await mode(crowd, **asked)), flush=True)
    crowd.hang_up()


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {order.pop("core")})
    uvloop.run(_main(order))
