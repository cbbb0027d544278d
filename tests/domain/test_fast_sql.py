"""Prepared statements speak like SQLAlchemy's own: same values, same errors, same transaction."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Table, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from domain.fast_sql import Prepared
from domain.models.chargers import Charger, ChargerEvent
from tests import factories
from tests.factories import NOW

EVENT: Table = ChargerEvent.__table__
COLUMNS = [column.name for column in EVENT.columns if column.name != "id"]
INSERT = Prepared(insert(EVENT), *COLUMNS)
FIND = Prepared(
    select(EVENT.c.at, EVENT.c.summary, EVENT.c.detail)
    .where(EVENT.c.charger_id == bindparam("charger"))
    .order_by(EVENT.c.id)
    .limit(2)
)
RENAME = Prepared(update(EVENT).where(EVENT.c.charger_id == bindparam("charger")).values(summary=bindparam("words")))


def event(charger: Charger, **values: object) -> dict:
    return {
        "charger_id": charger.id,
        "at": NOW,
        "received_at": NOW,
        "kind": "boot",
        "summary": "Booted ä ☂ ' \" %s",
        "detail": {"model": ["AC", 1, None]},
    } | values


def test_values_go_in_and_come_back_as_themselves(db):
    charger = factories.charger(db)
    helsinki = datetime(2026, 11, 20, 13, 4, 0, 123456, tzinfo=timezone(timedelta(hours=2)))

    INSERT.run_each(db.connection(), [event(charger, at=helsinki), event(charger, detail=None), event(charger)])
    rows = FIND.all(db.connection(), {"charger": charger.id})

    assert len(rows) == 2
    assert rows[0] == {
        "at": datetime(2026, 11, 20, 11, 4, 0, 123456, tzinfo=UTC),
        "summary": "Booted ä ☂ ' \" %s",
        "detail": {"model": ["AC", 1, None]},
    }
    assert rows[1]["detail"] is None
    assert FIND.first(db.connection(), {"charger": charger.id}) == rows[0]
    assert FIND.first(db.connection(), {"charger": charger.id + 1}) is None


def test_it_belongs_to_the_transaction(db):
    charger = factories.charger(db)
    db.commit()
    INSERT.run(db.connection(), event(charger))
    db.commit()
    RENAME.run(db.connection(), {"charger": charger.id, "words": "Changed"})

    db.rollback()

    assert db.scalars(select(ChargerEvent.summary)).one() == "Booted ä ☂ ' \" %s"


def test_errors_are_sqlalchemys(db):
    charger = factories.charger(db)

    with pytest.raises(IntegrityError), db.begin_nested():
        INSERT.run(db.connection(), event(charger, summary=None))
    with pytest.raises((StatementError, ValueError)):
        INSERT.run(db.connection(), event(charger, at=datetime(2026, 11, 20)))  # noqa: DTZ001

    INSERT.run(db.connection(), event(charger))
    assert len(FIND.all(db.connection(), {"charger": charger.id})) == 1


def test_a_connection_that_died_is_thrown_away(db, engine):
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no server to lose")
    charger = factories.charger(db)
    db.commit()
    connection = db.connection()
    pid = connection.scalar(select(func.pg_backend_pid()))
    with engine.connect() as other:
        other.execute(select(func.pg_terminate_backend(pid)))

    with pytest.raises(OperationalError):
        INSERT.run(connection, event(charger))

    assert connection.invalidated
    db.rollback()
    INSERT.run(db.connection(), event(charger))
