"""One MeterValues CALL in process: decode, repair, validate, reach its handler, encode the answer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action

from bench import frames
from bench.results import Figure, keep
from bench.rounds import ROUNDS, interleaved
from domain import json_text
from ocpp_server import judging
from ocpp_server.frames import Call, read

STOCK_CALLS, OUR_CALLS = 400, 10_000


class _Stock(ChargePoint):
    @on(Action.meter_values)
    def on_meter_values(self, **_payload: Any) -> call_result.MeterValues:
        return call_result.MeterValues()


class _Nowhere:
    """A connection that takes every answer."""

    answers = 0

    async def send(self, _text: str) -> None:
        self.answers += 1


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes a line of the table."""
    logging.getLogger("ocpp").setLevel(logging.WARNING)
    seen = interleaved({"stock": _stock_us, "ours": _ours_us}, rounds)
    keep(
        Figure(
            "in_process",
            "MeterValues CALL in process, stock `ocpp` / ours",
            f"{seen['stock'] / seen['ours']:.0f} ({seen['stock']:,.0f} / {seen['ours']:.1f} µs)",
            "≥ 25",
            "8 samples, 935 bytes, full validation on both sides, no database, no socket; stock: `route_message` with "
            "schemas cached; ours: strict decode, quirk repairs, schema, handler found, answer encoded",
        )
    )


def _stock_us() -> float:
    text = frames.meter_values(b"0000000000000001", 7, 1000).decode()
    where = _Nowhere()
    stock = _Stock("CP", where)

    async def route() -> None:
        await stock.route_message(text)

    return _us_each(route, STOCK_CALLS, where)


def _ours_us() -> float:
    text = frames.meter_values(b"0000000000000001", 7, 1000).decode()
    where = _Nowhere()

    async def route() -> None:
        call = read(text)
        assert isinstance(call, Call)
        judged = judging.judge(call)
        assert judged.handler is not None
        await where.send(f"[3,{call.id},{json_text.encode({})}]")

    return _us_each(route, OUR_CALLS, where)


def _us_each(route: Callable[[], Awaitable[None]], calls: int, where: _Nowhere) -> float:
    async def run() -> float:
        await route()  # what is made once is not counted
        began = time.perf_counter()
        for _ in range(calls):
            await route()
        return (time.perf_counter() - began) / calls * 1e6

    spent = asyncio.run(run())
    assert where.answers == calls + 1
    return spent


if __name__ == "__main__":
    main()
