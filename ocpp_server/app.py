"""The Quart application: health, and the door for chargers, whatever address they use."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from quart import Quart
from quart.asgi import ASGIWebsocketConnection
from quart.typing import ResponseReturnValue
from uvicorn.protocols.utils import ClientDisconnected

from ocpp_server.door import Answer
from ocpp_server.sidecar import Sidecar
from ocpp_server.socket import EXTENSION, ChargerSocket

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ChargerDoor(ASGIWebsocketConnection):
    """Where Quart hands over every wish to open a socket: the door decides, and messages take the short way.

    Quart's contexts and routing would cost half a millisecond for each of thousands that come back at once, its queue
    is unbounded and would drain the server's flow control. Whatever the address is, it is a charger's.
    """

    def __init__(self, app: Quart, scope: Any) -> None:
        self.sidecar: Sidecar = app.extensions["sidecar"]
        self.scope = scope

    async def __call__(self, receive: Receive, send: Send) -> None:  # type: ignore[override]
        await receive()  # websocket.connect
        admitted = await self.sidecar.door.admit(self.scope)
        if isinstance(admitted, Answer):
            await _refuse(admitted, send)
            return
        socket: ChargerSocket = self.scope["extensions"][EXTENSION]
        # Attached before the upgrade: a charger may speak in the same packet in which it hears of it.
        connection = self.sidecar.opened(admitted, socket)
        try:
            with contextlib.suppress(ClientDisconnected):
                await send({"type": "websocket.accept", "subprotocol": admitted.subprotocol, "headers": []})
            socket.forget_handshake()
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.sidecar.closed(connection)


async def _refuse(answer: Answer, send: Send) -> None:
    body = f"{answer.sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if answer.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="OCPP"'))
    if answer.status in (429, 503):
        headers.append((b"retry-after", b"60"))
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def create_app(sidecar: Sidecar) -> Quart:
    """The application that serves this sidecar."""
    app = Quart("ocpp_server")
    app.asgi_websocket_class = ChargerDoor
    app.extensions["sidecar"] = sidecar

    @app.get("/healthz")
    async def healthz() -> ResponseReturnValue:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> ResponseReturnValue:
        """Database and schema can be used."""
        if await sidecar.is_ready():
            return {"status": "ok"}
        return {"status": "unavailable", "detail": "The database or its schema cannot be used."}, 503

    return app
