"""The sidecar: the parts wired together, from the first lease to the last drained socket."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from domain import connections
from domain.clock import utcnow
from domain.connections import Admission
from domain.db import make_engine
from domain.settings import Settings
from ocpp_server.bell import Bell
from ocpp_server.connection import Connection
from ocpp_server.delivery import Delivery
from ocpp_server.door import Door
from ocpp_server.leases import Leases
from ocpp_server.lines import told
from ocpp_server.registry import Registry, Writers
from ocpp_server.socket import ChargerSocket
from ocpp_server.writer import Writer

WRITERS_ON_POSTGRESQL = 4
DRAIN_S = 20.0  # the supervisor kills after 30
READY_WITHIN_S = 3.0
READY_FOR_S = 1.0
TIDY_EVERY_S = 2.0

log = logging.getLogger("ocpp")


class Sidecar:
    """One node: holds chargers' sockets and shares the database with the others."""

    def __init__(self, settings: Settings) -> None:
        """Call it on the event loop that will serve."""
        self.settings = settings
        self.node = settings.node_name
        self.engine: Engine = make_engine(settings.database_url)
        loop = asyncio.get_running_loop()
        count = WRITERS_ON_POSTGRESQL if self.engine.dialect.name == "postgresql" else 1
        self.writers = Writers([Writer(self.engine, loop, self._beat, f"{self.node}/{n}") for n in range(count)])
        self.registry = Registry()
        self.door = Door(self.node, self.writers, self.registry)
        self.delivery = Delivery(self.node, self.writers, self.registry)
        self._leases = Leases(self.node, self.writers, self.registry)
        self._bell = Bell(settings, self.delivery.wake, self._superseded_elsewhere)
        self._tasks: list[asyncio.Task[None]] = []
        self._readiness: asyncio.Future[None] | None = None
        self._ready_until = 0.0

    async def start(self) -> None:
        """This node holds nothing from an earlier life, and takes chargers from now on."""
        for writer in self.writers:
            writer.start()
        await self.writers.first.do(lambda db: connections.begin(db, self.node, connections.database_now(db)))
        self._bell.hang()
        for work in (self.delivery.run, self._leases.run, self._bell.listen, self._tidy):
            self._tasks.append(asyncio.create_task(_kept_up(work)))
        log.info(told("started", node=self.node, database=self.engine.dialect.name))

    def opened(self, admission: Admission, socket: ChargerSocket) -> Connection:
        """The charger's present socket is this one; an earlier one here is closed."""
        writer = self.writers.of(admission.device_id)
        bucket = self.registry.bucket(admission.charger_id, asyncio.get_running_loop().time())
        connection = Connection(admission, self.node, socket, writer, bucket, self.delivery)
        socket.listen(connection, answers_pings=admission.answers_pings)
        old = self.registry.add(connection)
        if old is not None:
            old.is_superseded = True
            old.end(1001, "a newer connection of this charger took over")
        log.info(told("connected", device_id=connection.device_id, epoch=connection.epoch, takeover=old is not None))
        return connection

    def closed(self, connection: Connection) -> None:
        """That socket is gone; the charger is offline unless it has a newer one."""
        connection.lost()
        self.registry.remove(connection)
        charger_id, epoch, node = connection.charger_id, connection.epoch, self.node
        connection.writer.do(lambda db: connections.disconnect(db, charger_id, epoch, node, utcnow()))
        log.info(told("disconnected", device_id=connection.device_id, epoch=epoch))

    def _superseded_elsewhere(self, charger_id: int, epoch: int) -> None:
        connection = self.registry.supersede(charger_id, epoch)
        if connection is not None:
            connection.end(1001, "a newer connection of this charger took over")

    async def is_ready(self) -> bool:
        """Whether the database takes writes, as of the last second: many may ask, one small write answers."""
        probe = self._readiness
        if probe is None or (probe.done() and asyncio.get_running_loop().time() > self._ready_until):
            probe = self._readiness = self.writers.first.do(self._beat)
            self._ready_until = asyncio.get_running_loop().time() + READY_FOR_S
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await asyncio.shield(probe)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """What was taken is answered, sockets are closed, nothing is held by this node."""
        self.door.is_open = False
        self._bell.take_down()
        for task in self._tasks:
            task.cancel()
        held = list(self.registry)
        for connection in held:
            connection.drain()
        deadline = asyncio.get_running_loop().time() + DRAIN_S
        while not all(connection.is_idle for connection in held) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        for connection in held:
            connection.end(1001, "restarting")
        self.writers.first.do(lambda db: connections.release(db, self.node, utcnow()))
        for writer in self.writers:
            await writer.stop(max(1.0, deadline - asyncio.get_running_loop().time()))
        self.engine.dispose()
        log.info(told("stopped", node=self.node))

    def _beat(self, db: Session) -> None:
        connections.beat(db, self.node, connections.database_now(db))

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_EVERY_S)
            self.door.tidy()


async def _kept_up(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("A part of the sidecar broke and begins again")
            await asyncio.sleep(1)
        else:
            return
