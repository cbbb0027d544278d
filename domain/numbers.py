"""Series of numbers without gaps."""

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain.models.orders import NumberSeries


def next_in_series(db: Session, name: str) -> int:
    """The next number of a series, from 1, without gaps: a transaction that rolls back gives its number back."""
    take = update(NumberSeries).where(NumberSeries.name == name).values(last=NumberSeries.last + 1)
    taken = db.scalar(take.returning(NumberSeries.last))
    if taken is None:
        insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
        db.execute(insert(NumberSeries).values(name=name, last=0).on_conflict_do_nothing())
        taken = db.scalar(take.returning(NumberSeries.last))
    return int(taken or 0)
