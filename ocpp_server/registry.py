"""The sockets that are open here, one for each charger."""

from collections.abc import Iterator
from zlib import crc32

from ocpp_server.buckets import Bucket, Buckets, Rate
from ocpp_server.connection import Connection
from ocpp_server.writer import Writer

# What one charger may send: a whole offline queue at once, and then no faster than this.
CHARGER_RATE = Rate(burst=600, per_s=10)


class Registry:
    """Charger id -> its present connection on this sidecar."""

    def __init__(self) -> None:
        self._connections: dict[int, Connection] = {}
        self._buckets = Buckets(CHARGER_RATE, most=100_000)

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def get(self, charger_id: int) -> Connection | None:
        return self._connections.get(charger_id)

    def add(self, connection: Connection) -> Connection | None:
        """That connection is the charger's present one. Returns the one that it replaces."""
        old = self._connections.get(connection.charger_id)
        self._connections[connection.charger_id] = connection
        return old

    def remove(self, connection: Connection) -> None:
        """That connection is not open any more; a newer one of the charger stays."""
        if self._connections.get(connection.charger_id) is connection:
            del self._connections[connection.charger_id]

    def supersede(self, charger_id: int, epoch: int) -> Connection | None:
        """What comes on an earlier socket of that charger changes nothing from now on. Safe from any thread."""
        connection = self._connections.get(charger_id)
        if connection is None or connection.epoch >= epoch:
            return None
        connection.is_superseded = True
        return connection

    def free(self) -> dict[int, int]:
        """Charger id -> epoch of the connections that may be sent a CALL now."""
        return {connection.charger_id: connection.epoch for connection in self if connection.is_free}

    def epochs(self) -> list[tuple[int, int]]:
        """(charger id, epoch) of every present connection."""
        return [(connection.charger_id, connection.epoch) for connection in self if not connection.is_superseded]

    def bucket(self, charger_id: int, now: float) -> Bucket:
        """The charger's allowance, the same one after it reconnects."""
        return self._buckets.of(charger_id, now)


class Writers:
    """One writer on SQLite, several on PostgreSQL; all that concerns a charger goes through the same one."""

    def __init__(self, writers: list[Writer]) -> None:
        self._writers = writers

    def __iter__(self) -> Iterator[Writer]:
        return iter(self._writers)

    def of(self, device_id: str | None) -> Writer:
        """The writer of that charger."""
        return self._writers[crc32((device_id or "").encode("utf-8", "replace")) % len(self._writers)]

    @property
    def first(self) -> Writer:
        """The writer of what concerns no charger in particular."""
        return self._writers[0]

    @property
    def is_troubled(self) -> bool:
        return any(writer.is_troubled for writer in self._writers)
