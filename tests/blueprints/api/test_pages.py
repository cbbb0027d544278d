"""Lists come in pages that stay right while rows are added."""

import pytest

from tests import factories


def walk(caller, path, **query):
    """All items of a list, page by page, and how many pages it took."""
    items, pages, cursor = [], 0, ""
    while cursor is not None:
        page = caller.get(path, cursor=cursor, **query).json
        items += page["items"]
        pages, cursor = pages + 1, page["next_cursor"]
    return items, pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 200])
def test_every_row_comes_once(make, harbour, alice, limit):
    for number in range(7):
        make(factories.station, harbour, name=f"Station {number}")

    items, pages = walk(alice, "/stations", limit=limit)

    assert [item["name"] for item in items] == [f"Station {number}" for number in range(7)]
    assert pages == -(-7 // limit)


def test_fifty_rows_without_a_limit(make, harbour, alice):
    station = make(factories.station, harbour)
    for _ in range(51):
        make(factories.charger, station)

    page = alice.get("/chargers").json

    assert len(page["items"]) == 50
    assert len(alice.get("/chargers", cursor=page["next_cursor"]).json["items"]) == 1


def test_rows_added_meanwhile_disturb_nothing(make, harbour, alice):
    charger = make(factories.charger, make(factories.station, harbour))
    old = [make(factories.charging, charger) for _ in range(4)]
    first = alice.get("/sessions", limit=2).json
    make(factories.charging, charger)

    second = alice.get("/sessions", limit=2, cursor=first["next_cursor"]).json

    told = [item["id"] for item in first["items"] + second["items"]]
    assert told == [str(charging.id) for charging in reversed(old)]
    assert second["next_cursor"] is None


def test_a_cursor_belongs_to_its_list(make, harbour, alice):
    for _ in range(2):
        make(factories.station, harbour)
    cursor = alice.get("/stations", limit=1).json["next_cursor"]

    assert alice.get("/orders", cursor=cursor).status_code == 422


def test_a_filter_holds_on_every_page(make, harbour, alice):
    station = make(factories.station, harbour)
    wanted, other = make(factories.charger, station, device_id="A"), make(factories.charger, station, device_id="B")
    for _ in range(3):
        make(factories.charging, wanted)
        make(factories.charging, other)

    items, pages = walk(alice, "/sessions", limit=2, device_id="A")

    assert [item["device_id"] for item in items] == ["A"] * 3
    assert pages == 2
