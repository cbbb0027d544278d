"""One charger's socket, as lean as Python allows: the load generator must not be what is measured."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from bench import frames

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Line(asyncio.Protocol):
    """A socket over which one CALL at a time goes out; `answered` is called with each text that comes back."""

    def __init__(self, request: bytes, opened: Callable[["Line"], None], lost: Callable[["Line", str], None]) -> None:
        self.answered: Callable[[Line, bytes], None] = _ignore
        self.transaction_id = 0
        self.sent = 0
        self.is_open = False
        self._request = request
        self._opened = opened
        self._lost = lost
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._lost(self, f"closed: {exc}")

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if not self.is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if b" 101 " not in head[:20]:
                self._lost(self, head.split(b"\r\n", 1)[0].decode())
                self._transport.abort()
                return
            self.is_open = True
            self._opened(self)
        while len(data) >= 2:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(data[2:10], "big"), 10
            end = start + size
            if len(data) < max(start, end):
                break
            self._frame(data[0] & 15, data[start:end])
            data = data[end:]
        self._buffer = data

    def send(self, text: bytes) -> None:
        self._transport.write(frames.masked(text))

    def send_meter_values(self) -> None:
        self.sent += 1
        self.send(frames.meter_values(b"%016d" % self.sent, self.transaction_id, 1000 + self.sent))

    def hang_up(self) -> None:
        if self._transport is not None:
            self._lost = _ignore_loss
            self._transport.abort()

    def _frame(self, opcode: int, text: bytes) -> None:
        if opcode == TEXT:
            self.answered(self, text)
        elif opcode == PING:
            self._transport.write(frames.masked(text, PONG))


def boot(line: Line, done: Callable[[Line], None]) -> None:
    """The charger told who it is."""
    _call(
        line, "BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "One"}, lambda _answer: done(line)
    )


def begin(line: Line, id_tag: str, done: Callable[[Line], None]) -> None:
    """The charger booted and charges."""

    def started(answer: dict[str, Any]) -> None:
        line.transaction_id = answer["transactionId"]
        done(line)

    def start(_line: Line) -> None:
        start = {"connectorId": 1, "idTag": id_tag, "meterStart": 1000, "timestamp": frames.stamp().decode()}
        _call(line, "StartTransaction", start, started)

    boot(line, start)


def _call(line: Line, action: str, payload: dict[str, Any], done: Callable[[dict[str, Any]], None]) -> None:
    def answered(_line: Line, text: bytes) -> None:
        answer = json.loads(text)
        if answer[0] == 2:
            line.send(json.dumps([4, answer[1], "NotImplemented", "", {}]).encode())
            return
        assert answer[0] == 3, text
        done(answer[2])

    line.answered = answered
    line.send(json.dumps([2, action, action, payload], separators=(",", ":")).encode())


def _ignore(_line: Line, _text: bytes) -> None:
    pass


def _ignore_loss(_line: Line, _why: str) -> None:
    pass
