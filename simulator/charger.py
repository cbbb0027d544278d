"""A simulated charge point: its parts, what people do at it, and conditions to wait for.

charger = SimulatedCharger(ChargerSpec(url="ws://127.0.0.1:9000", device_id="CP1", password="secret"))
await charger.connect()
await charger.plug_in(1)
await charger.present_card(1, "TAG")
await charger.until(lambda c: c.connectors[1].status == "Charging")
await charger.stop()
"""

import asyncio
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from simulator import boot, charging, line, messages, state, ticking, tokens
from simulator.by_hand import ByHand
from simulator.clock import Clock, MachineClock
from simulator.configuration import Configuration
from simulator.connector import Connector
from simulator.maintenance import Maintenance
from simulator.outbox import Done, Entry, Outbox
from simulator.people import People
from simulator.power import Outlet
from simulator.profiles import Profiles
from simulator.quirks import Defects
from simulator.spec import ChargerSpec
from simulator.wire import Direction, Link, Offline, Payload

LOG = logging.getLogger(__name__)
REMEMBERED_HAPPENINGS = 1000


class SimulatedCharger(ByHand):
    """One charge point with its connectors; `start` brings it to life, `stop` ends it."""

    def __init__(
        self,
        spec: ChargerSpec,
        *,
        clock: Clock | None = None,
        say: Callable[[str], None] = lambda _line: None,
        watch: Callable[["SimulatedCharger", Direction, int, str, Payload], None] = lambda *_: None,
        tls: ssl.SSLContext | None = None,
        state_folder: Path | None = None,
    ) -> None:
        self.spec = spec
        self.clock = clock or MachineClock()
        self.rng = random.Random(spec.device_id)
        self.tls = tls
        self.password = spec.password
        self.firmware = spec.firmware
        fixed = {"NumberOfConnectors": str(len(spec.connectors)), **spec.configuration}
        self.configuration = Configuration(fixed=fixed)
        self.tokens = tokens.KnownTokens()
        self.outbox = Outbox()
        self.cabinet = self._cabinet()
        self.connectors = {number: self._connector(number) for number in range(1, len(spec.connectors) + 1)}
        self.people = People(self)
        self.happenings: deque[tuple[datetime, str]] = deque(maxlen=REMEMBERED_HAPPENINGS)
        self.profiles = Profiles()
        self.maintenance = Maintenance(self)
        self.defects = Defects(spec.quirks)
        self.offered_subprotocols = [Subprotocol("ocpp1.6")] if self.defects.has_subprotocol else []
        # Installed root certificates (type, PEM), and the key that a certificate was last asked for.
        self.certificates: list[tuple[str, str]] = []
        self.key: Any = None
        self.security_log: deque[tuple[datetime, str]] = deque(maxlen=REMEMBERED_HAPPENINGS)

        self.link: Link | None = None
        self.socket: ClientConnection | None = None
        self.is_powered = True
        self.may_connect = asyncio.Event()
        self.may_connect.set()
        self.was_accepted_here = False
        self.pause_s = 0.0
        self.last_heartbeat_s = 0.0
        self.is_heartbeat_waiting = False
        self._accepted = asyncio.Event()
        self._say, self._watch = say, watch
        self._change = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._state_path = state.path_of(state_folder, spec.device_id) if state_folder else None
        self._is_saved = True
        if self._state_path:
            state.load(self, self._state_path)

    def _cabinet(self) -> Connector:
        outlets = [connector.outlet for connector in self.spec.connectors]
        phases = max(outlet.phases for outlet in outlets)
        return Connector(0, Outlet(outlets[0].kind, sum(outlet.max_w for outlet in outlets), phases), 0.0)

    def _connector(self, number: int) -> Connector:
        spec = self.spec.connectors[number - 1]
        meter_wh = self.rng.randrange(50_000, 9_000_000) if spec.meter_wh is None else spec.meter_wh
        return Connector(number, spec.outlet, float(meter_wh), spec.is_tethered)

    # Life

    async def start(self) -> None:
        """The charger is switched on and dials by itself."""
        self._tasks = asyncio.TaskGroup()
        started = asyncio.Event()
        self._life = asyncio.create_task(self._live(started), name=self.spec.device_id)
        self._life.add_done_callback(self._report_bug)
        await started.wait()

    def _report_bug(self, life: asyncio.Task[None]) -> None:
        if not life.cancelled() and life.exception():
            LOG.error("%s has ended by a bug", self.spec.device_id, exc_info=life.exception())

    async def _live(self, started: asyncio.Event) -> None:
        async with self._tasks as tasks:
            tasks.create_task(line.keep_connected(self))
            tasks.create_task(self._tick())
            self.people.settle_in()
            started.set()

    async def _tick(self) -> None:
        last_s = self.clock.elapsed_s()
        while True:
            await self.clock.sleep(self.spec.timing.tick_s)
            now_s = self.clock.elapsed_s()
            ticking.tick(self, now_s - last_s)
            self.people.step(now_s - last_s)
            last_s = now_s
            self._save()

    def _save(self) -> None:
        is_charging = any(connector.transaction for connector in self.connectors.values())
        if self._state_path and (is_charging or not self._is_saved):
            state.save(self, self._state_path)
            self._is_saved = True

    async def connect(self, timeout_s: float = 10) -> None:
        """The charger is switched on, connected, and its boot is accepted."""
        await self.start()
        await self.until(lambda c: c.is_accepted, timeout_s)

    async def stop(self) -> None:
        """The charger is gone, at once; what waited to be sent stays in the outbox."""
        if self._life is None:
            return
        self._life.cancel()
        [outcome] = await asyncio.gather(self._life, return_exceptions=True)
        self._life = None
        self._save()
        if isinstance(outcome, Exception):
            raise outcome

    async def shut_down(self, within_s: float = 5) -> None:
        """Transactions are ended as by a loss of power, delivered if the line is up, and the charger is gone."""
        for connector in self.connectors.values():
            charging.end(self, connector, "PowerLoss")
        if self.is_online:
            await self.delivered(within_s=within_s)
        await self.stop()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """`work` runs as part of this charger's life."""
        return self._tasks.create_task(work)

    # Waiting

    def changed(self) -> None:
        self._is_saved = False
        self._change.set()
        self._change = asyncio.Event()

    async def until(self, condition: Callable[["SimulatedCharger"], Any], timeout_s: float | None = 10) -> None:
        """The condition holds. Raises: TimeoutError, after real seconds; whatever ended the charger's life."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                change = asyncio.create_task(self._change.wait())
                try:
                    await asyncio.wait({change, self._life}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    change.cancel()
                if self._life.done():
                    await self._life

    async def until_status(self, connector_id: int, status: str, timeout_s: float = 10) -> None:
        """The central system has been told this status, and knows everything that came before."""
        await self.until(lambda c: c.told_status(connector_id) == status and not c.outbox.entries, timeout_s)

    async def delivered(self, within_s: float = 10) -> bool:
        """Whether every transaction message was answered in time."""
        try:
            await self.until(lambda c: not c.outbox.waiting, within_s)
        except TimeoutError:
            return False
        return True

    # What it is like now

    @property
    def is_online(self) -> bool:
        return self.link is not None

    @property
    def is_accepted(self) -> bool:
        return self._accepted.is_set()

    @is_accepted.setter
    def is_accepted(self, is_accepted: bool) -> None:
        if is_accepted:
            self._accepted.set()
        else:
            self._accepted.clear()
        self.changed()

    @property
    def places(self) -> list[Connector]:
        return [self.cabinet, *self.connectors.values()]

    def told_status(self, connector_id: int) -> str | None:
        announced = self.places[connector_id].announced
        return announced[0] if announced else None

    def transaction_id(self, connector_id: int) -> int | None:
        transaction = self.connectors[connector_id].transaction
        return transaction.id if transaction else None

    def limit_w(self, connector: Connector) -> float | None:
        """What the charging profiles allow this connector now; None: all it can."""
        sharing = sum(c.transaction is not None for c in self.connectors.values())
        return self.profiles.limit_w(connector, self.cabinet, sharing, self.clock.now())

    def connection_timeout_s(self) -> float:
        """When an authorisation of now is over, in the clock's elapsed seconds."""
        return self.clock.elapsed_s() + self.configuration.number("ConnectionTimeOut")

    # The central system

    async def call(self, action: str, payload: Payload, *, is_early: bool = False) -> Payload:
        """The answer to one CALL, sent in its turn. Raises: Offline, CallRefused, Unanswered."""
        if not self.is_online:
            raise Offline(f"{action}: no connection")
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()

        def done(outcome: Payload | Exception) -> None:
            if answer.done():
                return
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        self.outbox.put(Entry(action, payload, done=done, is_early=is_early))
        return await answer

    def post(
        self, action: str, payload: Payload, done: Done = lambda _outcome: None, *, is_early: bool = False
    ) -> None:
        """A CALL that nobody waits for is sent in its turn, or forgotten while offline."""
        if self.is_online:
            self.outbox.put(Entry(action, payload, done=done, is_early=is_early))
        else:
            done(Offline(f"{action}: no connection"))

    def security_event(self, kind: str, info: str = "") -> None:
        """The event is in the security log, and told if there is a line."""
        now = self.clock.now()
        self.security_log.append((now, f"{messages.stamp(now)} {kind} {info}".rstrip()))
        self.post("SecurityEventNotification", messages.security_event(kind, now, info))

    def accept(self) -> None:
        self.is_accepted = True
        self.outbox.wake()

    async def wait_for_acceptance(self, seconds: float) -> None:
        """The boot was accepted meanwhile (a triggered one), or `seconds` have passed."""
        waits = [asyncio.create_task(self._accepted.wait()), asyncio.create_task(self._sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def taken_pause_s(self) -> float:
        pause_s, self.pause_s = self.pause_s, 0.0
        return pause_s

    def watch(self, direction: Direction, kind: int, action: str, payload: Payload) -> None:
        self._watch(self, direction, kind, action, payload)

    async def change_password(self, password: str) -> None:
        """The next handshake uses the new password, and it comes at once."""
        self.password = password
        await boot.hang_up(self.socket, is_abrupt=False)

    # Telling

    def note(self, what: str, connector: Connector | None = None) -> None:
        place = f" #{connector.id}" if connector else ""
        now = self.clock.now()
        line = f"{now:%H:%M:%S} {self.spec.device_id}{place} {what}"
        self.happenings.append((now, line))
        self._say(line)
        self.changed()
