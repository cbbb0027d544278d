"""Whatever is done to the audit log behind its back is seen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain import audit, audit_chain
from domain.models.operators import AuditEvent
from tests.factories import NOW

SOON = NOW + timedelta(minutes=1)


def record(db, number):
    audit.record(
        db, "changed", "station", number, operator_id=None, by="alice@example.com", now=NOW, name=f"Pier {number}"
    )


@pytest.fixture
def sealed(db):
    """Five rows in the chain."""
    for number in range(5):
        record(db, number)
    db.commit()
    audit_chain.seal(db)
    db.commit()
    return audit_chain.verify(db, SOON)


def test_a_log_that_nobody_touched_is_whole(db, sealed):
    record(db, 5)
    audit_chain.seal(db)
    db.commit()

    after = audit_chain.verify(db, SOON, expected=(sealed.number, sealed.hash))

    assert (sealed.number, sealed.trouble) == (5, None)
    assert (after.number, after.trouble) == (6, None)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            "UPDATE audit_event SET actor = 'bob@example.com' WHERE chain_number = 3",
            "Row 3 of the chain (audit_event 3) ",
        ),
        (
            "UPDATE audit_event SET verb = 'seen' WHERE chain_number = 1",
            "Row 1 of the chain (audit_event 1) was changed.",
        ),
        ("UPDATE audit_event SET object_id = '7' WHERE chain_number = 5", "Row 5 of the chain (audit_event 5) was "),
        (
            "UPDATE audit_event SET detail = '{}' WHERE chain_number = 2",
            "Row 2 of the chain (audit_event 2) was changed.",
        ),
        ("UPDATE audit_event SET chain_hash = 'x' WHERE chain_number = 4", "Row 4 of the chain (audit_event 4) was "),
        ("DELETE FROM audit_event WHERE chain_number = 2", "Row 2 of the chain is missing."),
        ("DELETE FROM audit_event WHERE chain_number = 5", "The chain ends at row 4, but 5 rows were sealed."),
        ("DELETE FROM audit_event", "The chain ends at row 0, but 5 rows were sealed."),
        (
            "UPDATE audit_event SET chain_number = NULL, chain_hash = NULL WHERE chain_number = 3",
            "Row 3 of the chain is missing.",
        ),
    ],
)
def test_every_change_is_seen(db, sealed, act, sentence):
    db.execute(text(act))
    db.commit()

    assert audit_chain.verify(db, SOON).trouble.startswith(sentence)


def test_a_chain_made_anew_differs_from_what_was_told_before(db, sealed):
    db.execute(text("UPDATE audit_event SET chain_number = NULL, chain_hash = NULL"))
    db.execute(text("UPDATE audit_event SET actor = 'bob@example.com' WHERE object_id = '3'"))
    db.execute(text("DELETE FROM audit_head"))
    audit_chain.seal(db)
    db.commit()

    found = audit_chain.verify(db, SOON, expected=(sealed.number, sealed.hash))

    assert found.trouble == "Row 5 of the chain is another one than was told before."


def test_rows_that_nobody_seals_are_told(db, sealed):
    record(db, 5)
    db.commit()

    early = audit_chain.verify(db, NOW + timedelta(minutes=5))
    late = audit_chain.verify(db, NOW + timedelta(minutes=6))

    assert early.trouble is None
    assert late.trouble == "1 rows are older than five minutes and not sealed: does the worker run?"


def test_many_who_write_and_seal_at_once_make_one_chain(engine, db):
    def write_and_seal(number):
        with Session(engine) as own:
            record(own, number)
            own.commit()
            audit_chain.seal(own)
            own.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_seal, range(20)))

    assert db.scalar(select(func.count()).select_from(AuditEvent)) == 20
    assert (audit_chain.verify(db, SOON).number, audit_chain.verify(db, SOON).trouble) == (20, None)
