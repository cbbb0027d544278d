"""Which commands a sidecar is given to send."""

import pytest
from sqlalchemy import event

from domain import commands
from tests import factories
from tests.factories import NOW


def test_long_queues_of_silent_chargers_hide_nobody_elses_command(db):
    silent = [factories.charger(db, node="ocpp-1", epoch=1) for _ in range(6)]
    free = factories.charger(db, node="ocpp-1", epoch=1)
    for charger in silent:
        for _ in range(90):
            commands.queue(db, charger, "Reset", {"type": "Soft"}, by="alice@example.com", now=NOW)
    wanted = commands.queue(db, free, "Reset", {"type": "Hard"}, by="alice@example.com", now=NOW)
    db.commit()

    claimed = commands.claim(db, "ocpp-1", {free.id: 1}, NOW)

    assert [command.id for command in claimed] == [wanted.id]


def test_a_charger_gets_its_commands_in_the_order_they_were_asked_for(db):
    charger = factories.charger(db, node="ocpp-1", epoch=1)
    first = commands.queue(db, charger, "ClearCache", {}, by="alice@example.com", now=NOW)
    commands.queue(db, charger, "Reset", {"type": "Soft"}, by="alice@example.com", now=NOW)
    db.commit()

    claimed = commands.claim(db, "ocpp-1", {charger.id: 1}, NOW)

    assert [command.id for command in claimed] == [first.id]


def test_a_long_history_costs_nothing_when_looking_for_what_waits(db):
    if db.get_bind().dialect.name != "sqlite":
        pytest.skip("tells its plans in other words")
    asked = []
    event.listen(db.get_bind(), "before_cursor_execute", lambda _c, _u, text, values, *_: asked.append((text, values)))

    commands.claim(db, "ocpp-1", {}, NOW)

    looks = [(text, values) for text, values in asked if "command.status" in text]
    assert len(looks) == 2  # for what is over, and for what is next
    for text, values in looks:
        plan = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
        steps = [step for *_, step in plan if step.split()[1] in ("command", "earlier")]
        assert steps
        assert all("ix_command_waiting" in step for step in steps), steps
