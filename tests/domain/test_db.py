"""The database keeps what it is given, the same on both engines."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from tests import factories
from tests.sqlite import waiting_for_the_disk


def test_times_come_back_aware_and_in_utc(db):
    helsinki = timezone(timedelta(hours=2))

    made = factories.operator(db, created_at=datetime(2026, 11, 20, 13, 4, tzinfo=helsinki))
    db.commit()
    db.refresh(made)

    assert made.created_at == datetime(2026, 11, 20, 11, 4, tzinfo=UTC)
    assert made.created_at.tzinfo is UTC


def test_a_time_without_zone_is_refused(db):
    with pytest.raises(StatementError):
        factories.operator(db, created_at=datetime(2026, 11, 20, 13, 4))  # noqa: DTZ001


def test_a_charger_cannot_stand_at_another_operators_station(db):
    ours = factories.station(db)
    theirs = factories.station(db, operator=factories.operator(db, name="Other"))
    db.commit()

    with pytest.raises(IntegrityError):
        factories.charger(db, station=ours, station_id=theirs.id)


def test_a_hold_is_positive(db):
    with pytest.raises(IntegrityError):
        factories.station(db, hold_minor=0)


def test_sqlite_is_durable_and_checks_foreign_keys(db):
    if db.get_bind().dialect.name != "sqlite":
        pytest.skip("settings of SQLite only")

    with waiting_for_the_disk():
        assert db.execute(text("PRAGMA synchronous")).scalar() == 2
    assert db.execute(text("PRAGMA foreign_keys")).scalar() == 1
    assert db.execute(text("PRAGMA journal_mode")).scalar() == "wal"
