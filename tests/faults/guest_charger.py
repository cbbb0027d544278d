"""A charger whose guests pay by phone: it starts and stops when it is asked to."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from tests.charge_points import TRY_AGAIN_AFTER_S, ChargePoint

FULL_AFTER = 12  # meter values; then the car unplugs
LISTEN_S = 0.1


class GuestCharger(ChargePoint):
    """Obeys RemoteStartTransaction and RemoteStopTransaction."""

    _guest: str | None = None
    _must_stop = False

    async def serve_until(self, ending: asyncio.Event) -> None:
        """It booted and served every guest; the last one went after the event."""
        await self.boot()
        await self._report("Available")
        while not ending.is_set():
            await self._listen()
            if self._guest is not None:
                await self._serve(self._guest)
                self._guest = None
        await self.hang_up()

    async def _serve(self, id_tag: str) -> None:
        self._must_stop = False
        transaction_id = await self._start(id_tag)
        for _ in range(FULL_AFTER):
            await self._meter(transaction_id, most_wh=900)
            await self._listen()
            if self._must_stop:
                break
        await self._stop(transaction_id, "Remote" if self._must_stop else "EVDisconnected")

    async def _listen(self) -> None:
        """It heard what came within a moment."""
        try:
            socket = await self._connected()
            async with asyncio.timeout(LISTEN_S):
                while True:
                    message = json.loads(await socket.recv(decode=True))
                    if message[0] == 2:
                        await self._obey(socket, message)
        except TimeoutError:
            pass
        except (WebSocketException, OSError):
            self._socket = None
            await asyncio.sleep(TRY_AGAIN_AFTER_S)

    async def _obey(self, socket: ClientConnection, message: list[Any]) -> None:
        _, message_id, action, payload = message
        if action == "RemoteStartTransaction":
            self._guest = payload["idTag"]
        elif action == "RemoteStopTransaction":
            self._must_stop = True
        else:
            await super()._obey(socket, message)
            return
        await socket.send(json.dumps([3, message_id, {"status": "Accepted"}]))
