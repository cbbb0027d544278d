"""Cards from a spreadsheet."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from domain import tokens
from domain.models.batches import BatchKind
from domain.models.tokens import Token, TokenStatus
from tests import factories
from tests.domain.batch_world import World, csv_of, told
from tests.factories import NOW

HEAD = ("card number", "holder", "status", "group", "expires", "charging stations")


@pytest.fixture
def world(engine, db, tmp_path):
    station = factories.station(db)
    db.commit()
    return World(engine, tmp_path / "files", station)


def test_each_row_has_its_verdict(db, world):
    tokens.add(db, world.station.operator_id, "OLD", now=NOW)
    rows = [
        HEAD,
        ("04A1", "Sanna", "", "", "", ""),
        ("04a1", "", "", "", "", ""),
        ("old", "", "", "", "", ""),
        ("04A2", "", "Lost", "", "", ""),
        ("04A3", "", "", "", "tomorrow", ""),
        ("04A4", "", "", "", "", "Nowhere"),
        ("04A5", "", "", "04a5", "", ""),
        ("x" * 37, "", "", "", "", ""),
        ("", "Oskar", "", "", "", ""),
    ]

    batch = world.check(db, csv_of(*rows), BatchKind.TOKENS)

    assert [(row[0], row[2]) for row in told(db, batch)] == [
        (2, "ok"),
        (3, "duplicate"),
        (4, "exists"),
        (5, "malformed"),
        (6, "malformed"),
        (7, "malformed"),
        (8, "malformed"),
        (9, "malformed"),
        (10, "malformed"),
    ]


def test_cards_are_imported_as_told_and_taken_back_unless_shown(db, world):
    data = csv_of(
        HEAD, ("04A1", "Sanna", "blocked", "CITY", "2027-12-31", "harbour garage"), ("04A2", "", "", "", "", "")
    )

    batch = world.imported(db, data, BatchKind.TOKENS)

    first, second = db.scalars(select(Token).order_by(Token.uid))
    assert (first.name, first.status, first.parent_uid) == ("Sanna", TokenStatus.BLOCKED, "CITY")
    assert first.expires_at == datetime(2028, 1, 1, tzinfo=UTC)
    assert tokens.station_ids(db, first) == [world.station.id]
    assert tokens.station_ids(db, second) is None
    second.last_seen_at = NOW
    db.commit()
    world.undo(db, batch)
    assert [row[2:] for row in told(db, batch)] == [("removed", None), ("added", "It has been shown to a charger.")]
    assert list(db.scalars(select(Token.uid))) == ["04A2"]
