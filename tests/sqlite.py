"""SQLite files that do not wait for the disk: a commit would cost milliseconds, and no test pulls a plug."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection

_RISKS = "risks_its_data"


@contextmanager
def risking_the_data() -> Iterator[None]:
    """Every SQLite connection of this process writes without flushing."""
    event.listen(Pool, "checkout", _stop_waiting)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", _stop_waiting)


@contextmanager
def waiting_for_the_disk() -> Iterator[None]:
    """Connections made inside are as durable as those of the product."""
    event.remove(Pool, "checkout", _stop_waiting)
    try:
        yield
    finally:
        event.listen(Pool, "checkout", _stop_waiting)


def _stop_waiting(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    # At the check-out, for the product's own settings are made after every listener of the class.
    if isinstance(connection, sqlite3.Connection) and _RISKS not in record.info:
        connection.execute("PRAGMA synchronous=OFF")
        record.info[_RISKS] = True
