"""Which rows of other tables lean on a row: asked of the schema, so that a table added later counts by itself."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from sqlalchemy import Column, Table, select
from sqlalchemy.orm import Session

from domain.db import Base

_AT_ONCE = 500  # SQLite takes a limited number of values


def leaning(
    db: Session, table: Table, row_ids: Collection[int], *, besides: Collection[str] = ()
) -> dict[int, set[str]]:
    """The names of the tables with rows that name those rows of `table`, by row id; rows nobody names are left out.

    Args:
        besides: tables that do not count.
    """
    found: dict[int, set[str]] = defaultdict(set)
    ids = list(row_ids)
    for name, column in _columns(table):
        if name in besides:
            continue
        for start in range(0, len(ids), _AT_ONCE):
            named = select(column).where(column.in_(ids[start : start + _AT_ONCE])).distinct()
            for row_id in db.scalars(named):
                found[row_id].add(name)
    return dict(found)


def _columns(table: Table) -> Iterator[tuple[str, Column[int]]]:
    """Every column elsewhere that points to the table's id, alone or together with the operator's."""
    for other in Base.metadata.sorted_tables:
        for column in other.columns:
            if any(key.column is table.c.id for key in column.foreign_keys):
                yield other.name, column
