"""The yardstick: a bare `websockets` server under uvloop that sends every message back. `python -m bench.echo PORT`."""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def _echo(socket: ServerConnection) -> None:
    try:
        async for message in socket:
            await socket.send(message)
    except ConnectionClosed:
        pass


async def _run(port: int) -> None:
    async with serve(_echo, "127.0.0.1", port, compression=None, backlog=4096, subprotocols=["ocpp1.6"]):  # type: ignore[list-item]
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(_run(int(sys.argv[1])))
