"""What the worker looks for again and again is found by an index, however long the history is."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from domain import jobs, key_offers, power_delivery, secret_links
from tests.factories import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def steps(db, look):
    """How SQLite goes about each statement of that look."""
    asked = []
    event.listen(db.get_bind(), "before_cursor_execute", lambda _c, _u, text, values, *_: asked.append((text, values)))
    look()
    looks = [each for each in asked if not each[0].startswith("BEGIN")]
    plans = [db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in looks]
    return [step for plan in plans for *_, step in plan]


@pytest.mark.parametrize(
    "look",
    [
        lambda db: jobs.waiting(db, NOW),
        lambda db: power_delivery.due(db, NOW),
        lambda db: power_delivery.under_way(db),
        lambda db: secret_links.forget(db, NOW - timedelta(days=30)),
        lambda db: key_offers.overdue(db, NOW),
    ],
    ids=["jobs", "power due", "power under way", "links", "passwords"],
)
def test_no_table_is_read_from_end_to_end(db, look):
    taken = steps(db, lambda: look(db))

    whole = [step for step in taken if step.startswith("SCAN") and " INDEX " not in step]
    assert taken
    assert whole == []
