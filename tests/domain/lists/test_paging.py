"""Pages by key: no row is lost or shown twice, and a made-up cursor is the first page."""

import base64
import json

import pytest
from sqlalchemy import func, select

from domain import paging
from domain.models.stations import Station
from tests import factories


@pytest.fixture
def stations(db, make):
    operator = make(factories.operator)
    for name in ("Dock", "Arena", "Cape", "Bay", "Arena"):
        factories.station(db, operator, name=name)
    db.commit()


def page(db, cursor=None, descending=False, limit=2):
    keys = [Station.name, Station.id]
    return paging.fetch_page(db, select(Station), keys, descending=descending, cursor=cursor, limit=limit)


def names(found):
    return [station.name for station in found.rows]


def test_it_walks_forward_over_equal_names(db, stations):
    first = page(db)
    second = page(db, first.next)
    third = page(db, second.next)

    assert [names(first), names(second), names(third)] == [["Arena", "Arena"], ["Bay", "Cape"], ["Dock"]]
    assert (first.previous, third.next) == (None, None)


def test_it_walks_back_to_the_first_page(db, stations):
    third = page(db, page(db, page(db).next).next)

    second = page(db, third.previous)
    first = page(db, second.previous)

    assert [names(second), names(first)] == [["Bay", "Cape"], ["Arena", "Arena"]]
    assert first.previous is None
    assert names(page(db, first.next)) == ["Bay", "Cape"]


def test_it_walks_downwards(db, stations):
    first = page(db, descending=True)

    assert names(first) == ["Dock", "Cape"]
    assert names(page(db, first.next, descending=True)) == ["Bay", "Arena"]


def test_a_tuple_stays_a_tuple(db, stations):
    statement = select(Station.name, Station.city)

    found = paging.fetch_page(db, statement, [Station.name, Station.id], limit=1)

    assert found.rows == [("Arena", "Helsinki")]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%%%",
        base64.urlsafe_b64encode(json.dumps(["n"]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(["n", 5, "x"]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(["n", "a\x00b", 1]).encode()).decode(),
        base64.urlsafe_b64encode(b'["n", "\\ud800", 1]').decode(),
        base64.urlsafe_b64encode(json.dumps(["n", "a", 2**63]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(["n", "a", True]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps({"n": 1}).encode()).decode(),
    ],
)
def test_a_made_up_cursor_is_the_first_page(db, stations, cursor):
    assert names(page(db, cursor)) == ["Arena", "Arena"]


def test_a_key_without_a_type_is_a_bug_that_shows_at_once(db, stations):
    with pytest.raises(TypeError, match="type_="):
        paging.fetch_page(db, select(Station), [func.lower(Station.name), Station.id])
