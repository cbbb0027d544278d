"""Hears the doorbell: a datagram socket in the instance folder, and LISTEN on PostgreSQL."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

import psycopg
from sqlalchemy.engine import make_url

from domain import doorbell
from domain.db import normal_url
from domain.settings import Settings
from ocpp_server.lines import told

AGAIN_AFTER_S = 1.0

log = logging.getLogger("ocpp.bell")


class Bell:
    """Calls `wake` when commands wait, `superseded` when another sidecar has a newer socket of a charger."""

    def __init__(self, settings: Settings, wake: Callable[[], None], superseded: Callable[[int, int], None]) -> None:
        self._path = doorbell.bell_path(settings.instance_dir, settings.node_name)
        self._database_url = settings.database_url
        self._wake = wake
        self._superseded = superseded
        self._socket: socket.socket | None = None

    def hang(self) -> None:
        """Rings on this machine are heard from now on."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        bell = self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bell.setblocking(False)
        with doorbell.address(self._path) as where:
            bell.bind(where)
        asyncio.get_running_loop().add_reader(bell.fileno(), self._rung)

    def take_down(self) -> None:
        """No ring is heard any more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def _rung(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket is not None:
                self._socket.recv(16)  # many rings are one
        self._wake()

    async def listen(self) -> None:
        """Rings through PostgreSQL are heard until this is cancelled; nothing to do on SQLite."""
        url = make_url(normal_url(self._database_url))
        if url.get_backend_name() != "postgresql":
            return
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                await self._listen(address)
            except psycopg.Error as error:
                log.warning(told("deaf", why=str(error).strip().partition("\n")[0]))
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _listen(self, address: str) -> None:
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            await connection.execute(f"LISTEN {doorbell.COMMANDS}")
            await connection.execute(f"LISTEN {doorbell.TAKEOVERS}")
            self._wake()  # for what was rung while nobody listened
            async for notice in connection.notifies():
                if notice.channel == doorbell.COMMANDS:
                    self._wake()
                else:
                    charger_id, _, epoch = notice.payload.partition(" ")
                    self._superseded(int(charger_id), int(epoch))
