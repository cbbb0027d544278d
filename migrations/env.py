"""Runs migrations against DATABASE_URL, one transaction each, on either engine."""

from alembic import context
from sqlalchemy import Connection

import domain.models  # noqa: F401 - fills Base.metadata
from domain.db import Base, UtcDateTime, make_engine
from domain.settings import Settings


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Our own column type is written with its import; everything else as Alembic does."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen_context.imports.add("from domain.db import UtcDateTime")  # type: ignore[attr-defined]
        return "UtcDateTime()"
    return False


def run(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        _let_tables_be_made_anew(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _let_tables_be_made_anew(connection: Connection) -> None:
    # SQLite changes a table by making it anew under another name; rows that refer to it must stay meanwhile.
    # Not inside a transaction, where SQLite would ignore it.
    connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with make_engine(context.config.attributes.get("url") or Settings.from_env().database_url).connect() as own:
        run(own)
