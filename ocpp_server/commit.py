"""A commit whose outcome is known, also when the connection is lost in the middle of it.

On PostgreSQL every batch leaves a mark in its own transaction. Asking for the state of the transaction's number would
not do: after a crash the server gives numbers again that nothing durable has used.
"""

import secrets

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

# Nothing is left by a transaction that wrote nothing: looking costs no flush of the disk.
_LEAVE = text(
    "INSERT INTO writer_mark (name, batch) SELECT :name, :batch WHERE pg_current_xact_id_if_assigned() IS NOT NULL "
    "ON CONFLICT (name) DO UPDATE SET batch = excluded.batch RETURNING batch"
)
# Waits for a transaction of ours that the server has not ended yet.
_LOOK = text("SELECT batch FROM writer_mark WHERE name = :name FOR UPDATE")


class CommitUnknown(Exception):
    """The connection was lost while PostgreSQL committed; the mark tells later how it ended."""

    def __init__(self, batch: str) -> None:
        super().__init__(f"The outcome of batch {batch} is not known yet.")
        self.batch = batch


def commit(db: Session, writer: str) -> None:
    """The transaction is durable.

    Args:
        writer: its name, of which only one commits at a time.

    Raises:
        CommitUnknown: perhaps it is, perhaps it is not.
        DBAPIError: it is not.
    """
    if db.get_bind().dialect.name != "postgresql":
        db.commit()
        return
    batch = secrets.token_hex(8)
    is_marked = db.scalar(_LEAVE, {"name": writer, "batch": batch}) is not None
    try:
        db.commit()
    except DBAPIError as error:
        if not is_marked:
            raise  # it changed nothing
        raise CommitUnknown(batch) from error


def was_committed(engine: Engine, writer: str, batch: str) -> bool:
    """Whether that batch, the last one of that writer, is durable."""
    with engine.connect() as connection:
        return connection.scalar(_LOOK, {"name": writer}) == batch
