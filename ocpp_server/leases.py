"""Leases: this node says that it lives, and what dead nodes held goes offline."""

import asyncio
import logging

from domain import connections
from domain.clock import utcnow
from ocpp_server.lines import told
from ocpp_server.registry import Registry, Writers

log = logging.getLogger("ocpp.leases")


class Leases:
    """The heartbeat of a node."""

    def __init__(self, node: str, writers: Writers, registry: Registry) -> None:
        self._node = node
        self._writer = writers.first
        self._registry = registry
        self._renewed_at = utcnow()

    async def run(self) -> None:
        """The lease is renewed until this is cancelled."""
        while True:
            await asyncio.sleep(connections.BEAT_EVERY_S)
            await self._renew()

    async def _renew(self) -> None:
        # So long without a beat that others may have taken our chargers for offline.
        is_late = utcnow() - self._renewed_at > connections.LEASE / 2
        epochs = self._registry.epochs()
        late = epochs if is_late else []
        await self._writer.do(lambda db: connections.renew_holds(db, self._node, late, connections.database_now(db)))
        self._renewed_at = utcnow()
        freed = await self._writer.do(lambda db: connections.release_dead(db, connections.database_now(db)))
        if freed:
            log.info(told("released", chargers=freed))
        held = await self._writer.do(lambda db: connections.held_by(db, self._node))
        for charger_id, epoch in set(epochs) - held:
            self._let_go(charger_id, epoch)

    def _let_go(self, charger_id: int, epoch: int) -> None:
        """Another sidecar holds that charger by now, and its announcement was not heard here."""
        connection = self._registry.get(charger_id)
        if connection is not None and connection.epoch == epoch:
            connection.is_superseded = True
            connection.end(1001, "a newer connection of this charger took over")
