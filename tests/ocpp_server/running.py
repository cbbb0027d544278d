"""The sidecar in a thread, and a charger of bytes and frames: nothing is faked but the charger itself."""

import asyncio
import json
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.models.messages import Message
from domain.settings import Settings
from ocpp_server.serving import serve
from tests.processes import free_port

WAIT_S = 10.0
T = TypeVar("T")


def eventually(look: Callable[[], T], within_s: float = WAIT_S) -> T:
    """What `look` returns as soon as it is true."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"It did not happen within {within_s} s.")
        threading.Event().wait(0.01)


def rows(db: Session, statement: Any) -> list[Any]:
    """What the statement finds now; the database is not kept locked for it."""
    db.rollback()
    found = list(db.scalars(statement, execution_options={"populate_existing": True}))
    db.commit()
    return found


def logged(db: Session, charger_id: int) -> list[Message]:
    """That charger's log, oldest first."""
    return rows(db, select(Message).where(Message.charger_id == charger_id).order_by(Message.id))


class RunningSidecar:
    """`python -m ocpp_server` in a thread of the test."""

    def __init__(self, database_url: str, instance_dir: Path, node: str = "ocpp-1", **settings: Any) -> None:
        instance_dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.tls_port = free_port()
        self.settings = Settings(
            **(
                {
                    "database_url": database_url,
                    "instance_dir": instance_dir,
                    "secret_key": "x" * 40,
                    "ocpp_port": self.port,
                    "ocpp_tls_port": self.tls_port,
                    "bind_host": "127.0.0.1",
                    "node_name": node,
                }
                | settings
            )
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        eventually(self._is_listening)

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error

    def _is_listening(self) -> bool:
        if self._error is not None:
            raise self._error
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _run(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            await serve(self.settings, self._stop)

        try:
            uvloop.run(main())
        except BaseException as error:
            self._error = error


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, status: int, headers: str, body: str) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.headers = headers
        self.body = body


class Closed(Exception):
    """The socket was closed; `code` is that of the close frame, or None if there was none."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class RawCharger:
    """One socket, blocking. Frames are masked with zeros, which is a mask."""

    def __init__(
        self,
        port: int,
        device_id: str = "",
        password: str | bytes | None = None,
        *,
        path: str | None = None,
        user: str | bytes | None = None,
        subprotocols: str | None = "ocpp1.6",
        headers: str = "",
        wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain,
        source: str = "127.0.0.1",
    ) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S, source_address=(source, 0))
        self.socket = wrap(plain)
        self._buffer = b""
        self._ids = 0
        lines = [
            f"GET {path if path is not None else '/' + device_id} HTTP/1.1",
            "Host: csms",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        if subprotocols is not None:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocols}")
        if password is not None:
            lines.append(
                "Authorization: Basic " + b64encode(_bytes(user or device_id) + b":" + _bytes(password)).decode()
            )
        self.socket.sendall(("\r\n".join(lines) + "\r\n" + headers + "\r\n").encode("latin-1"))
        head = self._until(b"\r\n\r\n").decode("latin-1")
        status = int(head.split(" ", 2)[1])
        self.head = head
        if status != 101:
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length")), 0
            )
            body = self._exactly(length).decode()
            self.socket.close()
            raise Refused(status, head, body)

    @property
    def subprotocol(self) -> str | None:
        for line in self.head.split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "sec-websocket-protocol":
                return value.strip()
        return None

    def send(self, text: str | bytes, opcode: int = 1, *, masked: bool = True, fin: bool = True) -> None:
        """One WebSocket frame goes out."""
        data = _bytes(text)
        mask = 0x80 if masked else 0
        if len(data) < 126:
            head = struct.pack("!BB", fin << 7 | opcode, mask | len(data))
        elif len(data) < 65536:
            head = struct.pack("!BBH", fin << 7 | opcode, mask | 126, len(data))
        else:
            head = struct.pack("!BBQ", fin << 7 | opcode, mask | 127, len(data))
        self.socket.sendall(head + (b"\0\0\0\0" if masked else b"") + data)

    def receive(self, within_s: float = WAIT_S) -> str:
        """The next text message.

        Raises:
            Closed: there is none any more.
            TimeoutError: there was none in time.
        """
        self.socket.settimeout(within_s)
        while True:
            opcode, data = self._frame()
            if opcode == 1:
                return data.decode()
            if opcode == 9:
                self.send(data, 10)
            elif opcode == 8:
                raise Closed(struct.unpack("!H", data[:2])[0] if data else None)

    def is_silent(self, for_s: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.receive(for_s)
        except TimeoutError:
            return True
        return False

    def call(self, action: str, payload: dict[str, Any], message_id: str | None = None) -> Any:
        """The payload of the CALLRESULT; the whole frame of a CALLERROR."""
        self._ids += 1
        message_id = message_id or f"{action}-{self._ids}"
        self.send(json.dumps([2, message_id, action, payload], separators=(",", ":")))
        frame = json.loads(self.receive())
        assert frame[1] == message_id, frame
        return frame[2] if frame[0] == 3 else frame

    def boot(self) -> dict[str, Any]:
        """It is accepted."""
        answer = self.call("BootNotification", {"chargePointVendor": "Vendor", "chargePointModel": "Model"})
        assert answer["status"] == "Accepted"
        return answer

    def close(self, code: int = 1000) -> None:
        """An orderly end."""
        self.send(struct.pack("!H", code), 8)
        self.socket.close()

    def drop(self) -> None:
        """The line is cut."""
        self.socket.close()

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._exactly(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        return first & 15, self._exactly(length)

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(end)
        return head

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(None) from error
        if not data:
            raise Closed(None)
        self._buffer += data


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
