"""Runs the independent charge point and reads what it says."""

import asyncio
import json
from pathlib import Path
from typing import Any


class RpcClient:
    """`ocpp-rpc` in strict mode, in a process of its own; its commands are answered until `finish`."""

    def __init__(self, script: Path) -> None:
        self._script = script
        self._process: asyncio.subprocess.Process | None = None

    async def play(self, url: str, device_id: str, password: str, id_tag: str) -> None:
        """The charge point has said everything it can say and now listens."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            "node", str(self._script), url, device_id, password, id_tag, stdin=pipe, stdout=pipe
        )
        event = await self._event()
        assert event == {"event": "listening"}, event

    async def finish(self) -> dict[str, Any]:
        """What was called, answered and complained about; the process has ended."""
        self._process.stdin.close()
        report = await self._event()
        await self._process.wait()
        return report

    async def _event(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            return json.loads(await self._process.stdout.readline())
