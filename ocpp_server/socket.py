"""A charger's socket below ASGI: uvicorn's WebSocket protocol, told to hand messages over at once.

Through ASGI every message costs a queue, a task switch and a pause of the transport. Quart and ASGI keep the
handshake and the end of a socket; the messages between go straight to the connection, which also decides when the
transport stops reading: that is the back-pressure.
"""

import re
from asyncio import TimerHandle, Transport
from typing import Any, Protocol

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEADER_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
# A peer that pings or asks without reading the answers is cut off here.
MOST_UNREAD_BYTES = 1 << 20
EXTENSION = "voltdesk.socket"
# A whole request for a WebSocket, spelled so plainly that every parser reads the same in it.
_PLAIN_UPGRADE = re.compile(
    rb"GET [!-~]{1,2000} HTTP/1\.1\r\n"
    rb"(?=(?:[^\r]+\r\n)*upgrade: *websocket\r\n)(?=(?:[^\r]+\r\n)*connection: *upgrade\r\n)"
    rb"(?:[\w-]{1,60}: *[!-~](?:[ -~]{0,2000}[!-~])?\r\n){1,30}\r\n",
    re.IGNORECASE,
)
_HEADER_NAME = re.compile(rb"\n[\w-]+:")


class Listener(Protocol):
    """Who gets a socket's messages."""

    def received(self, frame: str | bytes, is_text: bool) -> None:
        """A whole message came; text that is no UTF-8 comes as bytes."""

    def drained(self) -> None:
        """What was written has gone out; there is room for more."""


class FirstRequest(H11Protocol):
    """The HTTP side: a stranger has a few seconds to say what it wants.

    Nearly every request is a plain wish for a WebSocket in one piece. It goes to the WebSocket side as it came: h11
    would only read it, write it anew and hand it over, which costs as much as all the rest of a handshake here.
    """

    _patience: TimerHandle | None = None
    _is_untouched = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEADER_TIMEOUT_S, self._lose_patience)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_untouched and _PLAIN_UPGRADE.fullmatch(data):
            self._stop_waiting()
            self._become_websocket(_HEADER_NAME.sub(lambda name: name[0].lower(), data))
            return
        self._is_untouched = False
        super().data_received(data)

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _become_websocket(self, request: bytes) -> None:
        # As `handle_websocket_upgrade` of uvicorn does with the request that it has written anew.
        self.connections.discard(self)
        socket = ChargerSocket(config=self.config, server_state=self.server_state, app_state=self.app_state)
        socket.connection_made(self.transport)
        socket.data_received(request)
        self.transport.set_protocol(socket)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if self.scope is None:
            self.transport.abort()


class ChargerSocket(WebSocketsSansIOProtocol):
    """The WebSocket side."""

    _listener: Listener | None = None
    _was_heard = False

    async def run_asgi(self) -> None:
        self.scope["extensions"][EXTENSION] = self  # type: ignore[index, typeddict-item]
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # a refusal completes it too; uvicorn would log an error for each

    def listen(self, listener: Listener, *, answers_pings: bool) -> None:
        """Messages go to the listener from now on."""
        self._listener = listener
        if not answers_pings:
            self.stop_keepalive()

    def forget_handshake(self) -> None:
        """What only the handshake needed is not kept for each of thousands."""
        self.request = self.response = None  # type: ignore[assignment]
        self.scope["headers"] = []

    def send_text(self, text: str) -> None:
        """That text message is on its way, if the socket is still open."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        data = text.encode()
        if self.conn.extensions:
            self.conn.send_text(data)
            self.transport.write(b"".join(self.conn.data_to_send()))
        else:
            self.transport.write(_head(len(data)) + data)

    @property
    def is_writable(self) -> bool:
        return self.writable.is_set()

    def hold(self) -> None:
        """Nothing more is read until `go_on`."""
        if not self.read_paused and not self.transport.is_closing():
            self.read_paused = True
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Messages are read again."""
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def end(self, code: int, reason: str) -> None:
        """The socket closes with that code; a peer that does not answer is cut off."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.go_on()  # the peer's own close frame has to be read
        self.close_timer = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    def send_receive_event_to_app(self) -> None:
        if self._listener is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        self._was_heard = True
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self._listener.received(bytes(data), False)
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self._listener.received(bytes(data), True)
            self.end(1007, "text that is not UTF-8")
        else:
            self._listener.received(text, True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._listener is not None:
            self._listener.drained()

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.transport.abort()
            return
        super().handle_ping()

    def send_keepalive_ping(self) -> None:
        self._was_heard = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        if self._was_heard:  # it speaks, only not in pongs (quirk A14)
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        self.transport.abort()  # a dead peer reads nothing: waiting for the buffer would take for ever


def _head(length: int) -> bytes:
    """The head of an unmasked text frame. Source: RFC 6455, 5.2."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
