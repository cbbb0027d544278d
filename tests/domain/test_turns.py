"""Two at the same charger in the same moment: each gets a sensible result."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain import configuration, local_lists, reservations
from domain.errors import Conflict
from domain.models.chargers import Charger
from domain.models.commands import Command
from tests import factories
from tests.factories import NOW
from tests.waiting import wait_until

BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
ME = "alice@example.com"


def reserve(db, charger):
    return reservations.make(db, charger, 1, "04AA", NOW + timedelta(minutes=30), by=ME, now=NOW)


def read(db, charger):
    return configuration.read(db, charger, by=ME, now=NOW)


def sync(db, charger):
    return local_lists.sync(db, charger, by=ME, now=NOW)


def change(db, charger):
    changes = [configuration.Change("HeartbeatInterval", None, "60")]
    return configuration.change(db, charger, changes, by=ME, now=NOW)


def is_blocked(engine):
    with engine.connect() as watcher:
        return watcher.execute(BLOCKED).scalar_one() > 0


def second(engine, do, charger_id):
    """What somebody else is told who asks for the same."""
    with Session(engine) as own:
        try:
            do(own, own.get_one(Charger, charger_id))
        except Conflict as conflict:
            return str(conflict)
        own.commit()
        return "done"


@pytest.mark.parametrize(
    ("do", "told", "asked"),
    [
        (reserve, "This plug is reserved already. Cancel that reservation first.", 1),
        (read, "HG-01 is being read already.", 1),
        (sync, "The list of HG-01 is being sent already.", 1),
        (change, "done", 2),
    ],
)
def test_the_second_one_is_told_what_the_first_one_did(engine, db, make, do, told, asked):
    charger = make(factories.charger, connectors=1, node="ocpp-1", ocpp_version="1.6", label="HG-01")
    do(db, charger)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(second, engine, do, charger.id)
        if engine.dialect.name == "postgresql":
            wait_until(lambda: other.done() or is_blocked(engine), what="the second one's wait")
        db.commit()

        assert other.result(timeout=10) == told
    assert db.scalar(select(func.count()).select_from(Command)) == asked
