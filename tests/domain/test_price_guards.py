"""A price that a bill used cannot be changed, deleted or exchanged, whoever asks the database for it."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.db import make_engine
from tests import factories

TRIGGERS = ["charging_session_keeps_tariff", "tariff_used_is_kept", "tariff_used_stays"]


@pytest.fixture
def billed(db, make):
    """An order by a tariff, and another tariff beside it that nobody has used."""
    charger = make(factories.charger)
    operator = charger.station.operator
    used, other = make(factories.tariff, operator), make(factories.tariff, operator)
    charging = make(factories.charging, charger, tariff_id=used.id)
    make(factories.order, charging)
    return used, other, charging


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE tariff SET terms = '{"elements": []}' WHERE id = :used""",
        "UPDATE tariff SET currency = 'SEK' WHERE id = :used",
        "UPDATE tariff SET name = 'Cheaper' WHERE id = :used",
        "DELETE FROM tariff WHERE id = :used",
        "UPDATE charging_session SET tariff_id = :other WHERE id = :charging",
        "UPDATE charging_session SET tariff_id = NULL WHERE id = :charging",
    ],
)
def test_what_a_bill_used_stays(db, billed, change):
    used, other, charging = billed
    before = db.execute(text("SELECT * FROM tariff ORDER BY id")).all()

    with pytest.raises(DBAPIError, match="bill used this tariff|session is billed"):
        db.execute(text(change), {"used": used.id, "other": other.id, "charging": charging.id})
    db.rollback()

    assert db.execute(text("SELECT * FROM tariff ORDER BY id")).all() == before
    assert db.scalar(text("SELECT tariff_id FROM charging_session")) == used.id


def test_what_no_bill_used_may_go(db, billed):
    _, other, charging = billed

    db.execute(text("UPDATE tariff SET name = 'Never used' WHERE id = :other"), {"other": other.id})
    db.execute(text("DELETE FROM tariff WHERE id = :other"), {"other": other.id})
    db.execute(text("UPDATE charging_session SET tariff_id = tariff_id WHERE id = :id"), {"id": charging.id})
    db.commit()

    assert db.scalar(text("SELECT count(*) FROM tariff")) == 1


def test_a_session_that_is_not_billed_yet_may_get_another_price(db, make):
    charger = make(factories.charger)
    first, second = (make(factories.tariff, charger.station.operator) for _ in range(2))
    charging = make(factories.charging, charger, tariff_id=first.id)

    charging.tariff_id = second.id
    db.commit()

    assert db.scalar(text("SELECT tariff_id FROM charging_session")) == second.id


def test_the_migrations_set_up_the_same_guards(sqlite_template, tmp_path):
    """A migration that makes one of the tables anew, as only SQLite needs it, must create its triggers again."""
    modelled = make_engine(f"sqlite:///{sqlite_template}")
    migrated = make_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    config = Config("alembic.ini")
    wanted = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")

    with migrated.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        by_migrations = dict(connection.execute(wanted).all())
    with modelled.connect() as connection:
        by_models = dict(connection.execute(wanted).all())
    migrated.dispose()
    modelled.dispose()

    assert {name: by_migrations.get(name) for name in TRIGGERS} == {name: by_models.get(name) for name in TRIGGERS}
    assert None not in by_migrations.values()
