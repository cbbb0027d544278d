"""A central system small enough to see through: records every CALL, answers from a table, calls the charger."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

# For `answers`: the CALL is never answered.
SILENT = object()

NOW = "2025-06-02T10:00:00.000Z"


class CallError(Exception):
    """For `answers`: the CALL gets this CALLERROR."""


class Central:
    def __init__(self) -> None:
        self.url = ""
        self.frames: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.handshakes: list[dict[str, Any]] = []
        self.subprotocols: list[str | None] = []
        self.boot_status = "Accepted"
        self.tag_status: dict[str, str] = {}
        # action -> payload, function of the payload, CallError or SILENT
        self.answers: dict[str, Any] = {}
        self._next_transaction_id = 7001
        self._socket: ServerConnection | None = None
        self._pending: dict[str, asyncio.Future[list[Any]]] = {}
        self._change = asyncio.Event()
        self._server: Server | None = None

    async def start(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", 0, subprotocols=["ocpp1.6"], select_subprotocol=_any)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def of(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.calls if name == action]

    def statuses(self, connector_id: int) -> list[str]:
        return [p["status"] for p in self.of("StatusNotification") if p["connectorId"] == connector_id]

    async def until(self, condition: Callable[["Central"], Any], timeout_s: float = 20) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                await self._change.wait()

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        """The charger's CALLRESULT payload, or its CALLERROR as [code, description]."""
        answer = await self.ask(action, payload)
        async with asyncio.timeout(20):
            frame = await answer
        return frame[2] if frame[0] == 3 else frame[2:4]

    async def ask(self, action: str, payload: dict[str, Any]) -> asyncio.Future[list[Any]]:
        """The charger's whole answer, some time."""
        message_id = f"csms-{len(self._pending)}-{action}"
        answer = self._pending[message_id] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, message_id, action, payload]))
        return answer

    async def send_text(self, text: str) -> None:
        await self._socket.send(text)

    async def _serve(self, socket: ServerConnection) -> None:
        self._socket = socket
        request = socket.request
        self.handshakes.append({"path": request.path, "authorization": request.headers.get("Authorization")})
        self.subprotocols.append(socket.subprotocol)
        async for text in socket:
            self.frames.append(text)
            await self._take(socket, text)
            self._change.set()
            self._change = asyncio.Event()

    async def _take(self, socket: ServerConnection, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            message_id = re.match(r'\[2,"([^"]*)"', text)[1]
            await socket.send(json.dumps([4, message_id, "FormationViolation", "", {}]))
            return
        if frame[0] != 2:
            self._pending[frame[1]].set_result(frame)
            return
        _, message_id, action, payload = frame
        self.calls.append((action, payload))
        try:
            answer = self._answer(action, payload)
        except CallError as error:
            await socket.send(json.dumps([4, message_id, str(error), "", {}]))
            return
        if answer is not SILENT:
            await socket.send(json.dumps([3, message_id, answer]))

    def _answer(self, action: str, payload: dict[str, Any]) -> Any:
        if action in self.answers:
            answer = self.answers[action]
            if isinstance(answer, CallError):
                raise answer
            return answer(payload) if callable(answer) else answer
        return getattr(self, f"_{action}", lambda _payload: {})(payload)

    def _BootNotification(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"status": self.boot_status, "currentTime": NOW, "interval": 300}

    def _Heartbeat(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"currentTime": NOW}

    def _Authorize(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"idTagInfo": {"status": self.tag_status.get(payload["idTag"], "Accepted")}}

    def _StartTransaction(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        transaction_id = self._next_transaction_id
        self._next_transaction_id += 1
        return {**self._Authorize(payload), "transactionId": transaction_id}

    def _DataTransfer(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"status": "UnknownVendorId"}

    def _SignCertificate(self, payload: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"status": "Accepted"}


def _any(_connection: ServerConnection, offered: Any) -> Any:
    return offered[0] if offered else None
