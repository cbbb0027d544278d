"""The code of this installation, the same for all its processes and for ever."""

import secrets

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain.models.installation import Installation


def code(db: Session) -> str:
    """The installation's code, made on first use."""
    row = db.get(Installation, 1)
    if row is None:
        insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
        made = insert(Installation).values(id=1, code=secrets.token_hex(4))
        db.execute(made.on_conflict_do_nothing())  # another process may be as quick
        row = db.get_one(Installation, 1)
    return row.code
