"""One charger's socket: frames in, answers out in order, one CALL of ours at a time."""

import asyncio
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Protocol

from domain.clock import utcnow
from domain.commands import Claimed
from domain.connections import Admission
from ocpp_server import frames
from ocpp_server.buckets import Bucket
from ocpp_server.context import Context
from ocpp_server.frames import Call, Unreadable
from ocpp_server.socket import ChargerSocket
from ocpp_server.units import AnswerUnit, CallUnit, FrameUnit
from ocpp_server.writer import Unit, Writer

MOST_IN_FLIGHT = 16
SIGHTING_EVERY = timedelta(seconds=30)
# A pause after the boot's answer, and patience for a boot that may still come (quirks A9-A11).
AFTER_BOOT_S = 1.0
WITHOUT_BOOT_S = 10.0
# How long the same frame under the same id is a repetition. A Heartbeat is always the same text.
REPETITION = timedelta(minutes=10)
HEARTBEAT_REPETITION = timedelta(seconds=20)
MOST_REMEMBERED = 8
MOST_TIMEOUTS = 3  # in a row; then the charger may redial (quirk A14)


class Caller(Protocol):
    """Who has CALLs for chargers."""

    def wake(self) -> None:
        """A charger may be free for its next command."""

    def timed_out(self, command: Claimed) -> None:
        """The charger did not answer that command in time."""


class Connection:
    """The present socket of a charger, or one that was superseded and fades."""

    __slots__ = (
        "_admission",
        "_bucket",
        "_caller",
        "_in_flight",
        "_inbox",
        "_is_draining",
        "_is_waiting",
        "_loop",
        "_outbox",
        "_pending",
        "_recent",
        "_sighted_at",
        "_socket",
        "_timeouts",
        "_timer",
        "awaited",
        "charger_id",
        "clock",
        "device_id",
        "epoch",
        "free_at",
        "is_superseded",
        "node",
        "writer",
    )

    def __init__(
        self, admission: Admission, node: str, socket: ChargerSocket, writer: Writer, bucket: Bucket, caller: Caller
    ) -> None:
        self._admission = admission
        self._socket = socket
        self.writer = writer
        self._bucket = bucket
        self._caller = caller
        self._loop = asyncio.get_running_loop()
        self._in_flight = 0
        self._inbox: deque[tuple[str | bytes, bool]] | None = None
        self._outbox: deque[str] | None = None
        self._recent: OrderedDict[str, CallUnit] | None = None
        self._pending: Claimed | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeouts = 0
        self._is_waiting = False
        self._is_draining = False
        self._sighted_at = utcnow()
        self.charger_id = admission.charger_id
        self.device_id = admission.device_id
        self.epoch = admission.epoch
        self.node = node
        self.clock = utcnow
        self.awaited = admission.awaited
        self.is_superseded = False
        self.free_at = self._loop.time() + WITHOUT_BOOT_S

    # Frames of the charger.

    def received(self, frame: str | bytes, is_text: bool) -> None:
        """That message is taken now, or waits its turn while the socket is not read any further."""
        if self._inbox or not self._may_take():
            if self._inbox is None:
                self._inbox = deque()
            self._inbox.append((frame, is_text))
            self._socket.hold()
            self._come_back()
            return
        self._take(frame, is_text)

    def _may_take(self) -> bool:
        return (
            self._in_flight < MOST_IN_FLIGHT
            and self._outbox is None
            and not self._is_draining
            and not self.writer.is_full
            and self._bucket.wait_s(self._loop.time()) == 0.0
        )

    def _come_back(self) -> None:
        """When nothing under way will call again, neither an answer's delivery nor a drained socket, a timer has to."""
        if self._is_waiting or self._is_draining or self._in_flight >= MOST_IN_FLIGHT or self._outbox is not None:
            return
        self._is_waiting = True
        if self.writer.is_full:
            self.writer.when_room(self._go_on)
        else:
            self._loop.call_later(max(self._bucket.wait_s(self._loop.time()), 0.001), self._go_on)

    def _go_on(self) -> None:
        self._is_waiting = False
        while self._inbox and self._may_take():
            self._take(*self._inbox.popleft())
        if self._inbox:
            self._come_back()
        elif not self._is_draining:
            self._inbox = None
            self._socket.go_on()

    def _take(self, frame: str | bytes, is_text: bool) -> None:
        self._bucket.take(self._loop.time())
        self._in_flight += 1
        self.writer.submit(self._unit(frame, is_text))

    def _unit(self, frame: str | bytes, is_text: bool) -> Unit:
        now = self.clock()
        if not is_text or isinstance(frame, bytes):
            return FrameUnit(self, frame, now, is_text=is_text)
        said = frames.read(frame)
        if isinstance(said, Call):
            return self._call_unit(frame, now, said)
        if isinstance(said, Unreadable):
            return FrameUnit(self, frame, now) if said.id is None else CallUnit(self, frame, now, said)
        command = self._pending
        if command is None or said.id != f'"{command.message_id}"':
            return FrameUnit(self, frame, now, notes="B10")  # an answer that nobody waits for any more
        self._forget_pending()
        self._timeouts = 0
        return AnswerUnit(self, frame, now, command, said)

    def _call_unit(self, frame: str, now: datetime, call: Call) -> CallUnit:
        if self._recent is None:
            self._recent = OrderedDict()
        twin = self._recent.get(call.id)
        if twin is not None:
            window = HEARTBEAT_REPETITION if call.action == "Heartbeat" else REPETITION
            if twin.digest != hash(frame) or now - twin.now > window:
                twin = None
        unit = CallUnit(self, frame, now, call, twin)
        if twin is None:
            self._recent[call.id] = unit
            if len(self._recent) > MOST_REMEMBERED:
                self._recent.popitem(last=False)
        return unit

    # What the writer's units need.

    def context(self, now: datetime) -> Context:
        """What a handler is told."""
        admission = self._admission
        return Context(
            admission.charger_id,
            admission.operator_id,
            admission.station_id,
            admission.device_id,
            admission.version,
            admission.clock_zone,
            self.node,
            admission.epoch,
            now,
        )

    def is_sighting_due(self, now: datetime) -> bool:
        """Whether `last_seen_at` should be written now; then it counts as written."""
        if now - self._sighted_at < SIGHTING_EVERY:
            return False
        self._sighted_at = now
        return True

    def done(self, reply: str | None) -> None:
        """A frame is durable; its answer goes out."""
        self._in_flight -= 1
        if reply is not None:
            self._send(reply)
        if self._inbox and not self._is_waiting:
            self._go_on()

    def _send(self, text: str) -> None:
        if self._outbox is not None or not self._socket.is_writable:
            if self._outbox is None:
                self._outbox = deque()
            self._outbox.append(text)
            return
        self._socket.send_text(text)

    def drained(self) -> None:
        """The socket takes answers again."""
        if self._outbox is None:
            return
        while self._outbox and self._socket.is_writable:
            self._socket.send_text(self._outbox.popleft())
        if not self._outbox:
            self._outbox = None
            if self._inbox and not self._is_waiting:
                self._go_on()

    def booted(self) -> None:
        """The charger has its boot accepted: after a moment it can be asked."""
        self.free_at = self._loop.time() + AFTER_BOOT_S
        self._loop.call_later(AFTER_BOOT_S, self._caller.wake)

    # CALLs of ours.

    @property
    def is_free(self) -> bool:
        """Whether it can be sent a CALL now."""
        return (
            self._pending is None
            and not self._is_draining
            and not self.is_superseded
            and self._loop.time() >= self.free_at
        )

    def call(self, command: Claimed, text: str) -> None:
        """That CALL is on its way; whatever comes of it is told to the caller."""
        self._pending = command
        if command.awaits is not None:
            self.awaited = self.awaited | {command.awaits}
        self._timer = self._loop.call_later(command.timeout_s, self._give_up)
        self._send(text)

    def _give_up(self) -> None:
        command = self._pending
        self._forget_pending()
        if command is None:
            return
        self._caller.timed_out(command)
        self._timeouts += 1
        if self._timeouts >= MOST_TIMEOUTS:
            self.end(1001, "no answers")

    def _forget_pending(self) -> None:
        self._pending = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._caller.wake()

    # The end.

    @property
    def is_idle(self) -> bool:
        """Whether every frame that was taken is answered."""
        return self._in_flight <= 0

    def drain(self) -> None:
        """Nothing more is taken."""
        self._is_draining = True
        self._socket.hold()

    def end(self, code: int, reason: str) -> None:
        """The socket closes."""
        self._socket.end(code, reason)

    def lost(self) -> None:
        """The socket is gone: nothing is waited for any more."""
        self._is_draining = True
        self._inbox = self._recent = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
