"""Where a card may charge, groups, and where tags were last shown."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain import blocking, charging, sightings, token_list, tokens
from domain.charger_clock import read_time
from domain.charging_flags import Flag
from domain.errors import Conflict, Refused
from domain.models.charging import SessionStatus
from domain.models.commands import Command
from domain.models.operators import Operator
from domain.models.tokens import Sighting, TokenStatus
from domain.tokens import Verdict
from tests import factories
from tests.factories import NOW

BY = "alice@example.com"


@pytest.fixture
def garage(db):
    return factories.charger(db, factories.station(db), connectors=1)


@pytest.fixture
def square(db, garage):
    owner = db.get_one(Operator, garage.operator_id)
    return factories.charger(db, factories.station(db, owner, name="Station Square"), connectors=1)


def card(db, charger, uid="04A1", **values):
    return tokens.add(db, charger.operator_id, uid, now=NOW, by=BY, **values)


def start(db, charger, uid, at=NOW):
    report = charging.StartReport(1, uid, 1000, read_time(at.isoformat(), at, "UTC"))
    return charging.start(db, charger, report, at)


def test_a_limited_card_charges_at_its_stations_only(db, garage, square):
    card(db, garage, station_ids=[garage.station_id])

    assert tokens.authorise(db, garage, "04a1", NOW).verdict is Verdict.ACCEPTED
    assert tokens.authorise(db, square, "04a1", NOW).verdict is Verdict.BLOCKED


def test_a_start_where_the_card_may_not_charge_is_refused_each_time_it_is_told(db, garage, square):
    card(db, garage, station_ids=[garage.station_id])

    begun, told = start(db, square, "04A1")
    again, told_again = start(db, square, "04A1")

    assert (begun.status, begun.flags) == (SessionStatus.REFUSED, [Flag.TOKEN_NOT_HERE])
    assert (told.verdict, told_again.verdict, again.id) == (Verdict.BLOCKED, Verdict.BLOCKED, begun.id)


def test_a_group_may_be_limited_too(db, garage, square):
    card(db, garage, "CITY", is_group=True, station_ids=[square.station_id])
    card(db, garage, parent_uid="city")

    assert not tokens.authorise(db, garage, "04A1", NOW).is_accepted
    assert tokens.authorise(db, square, "04A1", NOW).is_accepted


def test_a_card_without_limits_charges_everywhere_again(db, garage, square):
    token = card(db, garage, station_ids=[garage.station_id])

    tokens.change(db, token.operator_id, token.uid, station_ids=None)

    assert tokens.authorise(db, square, "04A1", NOW).is_accepted
    assert tokens.station_ids(db, token) is None


def test_a_limit_names_stations_of_the_operator(db, garage):
    foreign = factories.station(db, factories.operator(db, name="Other"))

    with pytest.raises(Refused):
        card(db, garage, station_ids=[])
    with pytest.raises(Refused):
        card(db, garage, "04A2", station_ids=[foreign.id])


def test_the_name_of_a_group_is_no_card(db, garage):
    card(db, garage, "CITY", is_group=True)

    assert tokens.authorise(db, garage, "CITY", NOW).verdict is Verdict.INVALID


def test_a_blocked_group_blocks_its_cards(db, garage):
    group = card(db, garage, "CITY", is_group=True)
    card(db, garage, parent_uid="CITY")

    blocking.block(db, group, by=BY, now=NOW)
    assert tokens.authorise(db, garage, "04A1", NOW).verdict is Verdict.BLOCKED
    blocking.allow(db, group, by=BY, now=NOW)
    assert tokens.authorise(db, garage, "04A1", NOW).is_accepted


def test_the_chargers_that_know_a_card_can_be_asked_to_forget(db, garage, square):
    token = card(db, garage)
    garage.node, garage.connected_at = "ocpp-1", NOW
    start(db, garage, "04A1")
    factories.charging(db, square, token_id=token.id, started_at=NOW - timedelta(days=3))

    known = blocking.chargers_that_know(db, token, NOW)
    asked = blocking.clear_caches(db, known, by=BY, now=NOW)

    assert {charger.id for charger in known} == {garage.id, square.id}
    assert [(command.charger_id, command.action) for command in asked] == [(garage.id, "ClearCache")]
    assert db.scalar(select(func.count()).select_from(Command)) == 1
    assert [each.charger_id for each in blocking.running(db, token)] == [garage.id]


def test_an_unknown_card_is_noted_and_becomes_a_persons(db, garage):
    start(db, garage, "04fEeD")

    (seen,) = sightings.unknown(db, garage.operator_id, "", None, 25).rows
    assert (seen.sighting.uid, seen.charger.id, seen.sighting.times) == ("04fEeD", garage.id, 1)
    assert sightings.find_unknown(db, garage.operator_id, "04FEED") is seen.sighting
    token = card(db, garage, "04FEED", name="Sanna")
    assert sightings.count_unknown(db, garage.operator_id) == 0
    assert token_list.one(db, token, NOW).seen_by == garage


def test_a_tag_counts_once_a_minute(db, garage, square):
    for seconds in (0, 20, 40, 61):
        start(db, garage, "04FEED", NOW + timedelta(seconds=seconds))
    start(db, square, "04FEED", NOW + timedelta(seconds=62))

    (seen,) = db.scalars(select(Sighting))
    assert (seen.times, seen.charger_id, seen.seen_at) == (3, square.id, NOW + timedelta(seconds=62))


def test_a_late_report_does_not_move_a_card_back(db, garage, square):
    start(db, garage, "04FEED", NOW)
    sightings.note(db, square, "04FEED", tokens.authorise(db, square, "04FEED", NOW), NOW - timedelta(days=1), NOW)

    assert db.scalars(select(Sighting.charger_id)).one() == garage.id


def test_a_flood_of_tags_leaves_a_few(db, garage):
    refused = tokens.authorise(db, garage, "04FEED", NOW)
    for number in range(40):
        sightings.note(db, garage, f"F{number}", refused, NOW - timedelta(days=1), NOW)

    assert db.scalar(select(func.count()).select_from(Sighting)) == sightings.MOST_NEW_A_MINUTE


def test_only_the_latest_unknown_tags_are_kept_and_every_known_one(db, garage):
    card(db, garage)
    first = NOW - timedelta(days=900)
    factories.sighting(db, garage, "04A1", seen_at=first, noted_at=first)
    for number in range(sightings.MOST_UNKNOWN):
        at = NOW - timedelta(days=number + 1)
        factories.sighting(db, garage, f"F{number}", seen_at=at, noted_at=at)

    sightings.note(db, garage, "NEW", tokens.authorise(db, garage, "NEW", NOW), NOW, NOW)

    kept = set(db.scalars(select(Sighting.uid)))
    assert len(kept) == sightings.MOST_UNKNOWN + 1
    assert {"04A1", "NEW", "F0"} <= kept
    assert f"F{sightings.MOST_UNKNOWN - 1}" not in kept


@pytest.mark.parametrize("uid", ["", "x" * 40, "04\x07", "VD0123456789ABCDEF"])
def test_what_can_be_no_card_is_not_noted(db, garage, uid):
    sightings.note(db, garage, uid, tokens.authorise(db, garage, uid, NOW), NOW, NOW)

    assert db.scalars(select(Sighting)).all() == []


def test_a_card_that_charged_is_not_deleted(db, garage):
    token = card(db, garage, station_ids=[garage.station_id])
    start(db, garage, "04A1")

    with pytest.raises(Conflict):
        tokens.delete(db, token, by=BY, now=NOW)
    other = card(db, garage, "04A2", station_ids=[garage.station_id])
    tokens.delete(db, other, by=BY, now=NOW)
    assert tokens.find(db, garage.operator_id, "04A2") is None


def test_the_list_tells_the_word_the_group_and_the_places(db, garage):
    card(db, garage, "CITY", is_group=True, name="City vans")
    card(db, garage, "04A1", name="Van", parent_uid="city", station_ids=[garage.station_id])
    card(db, garage, "04A2", name="Guest", expires_at=NOW)
    card(db, garage, "04A3", status=TokenStatus.BLOCKED)

    rows = token_list.page(db, garage.operator_id, token_list.Filter(), None, 25, NOW).rows

    assert [(row.token.name, row.word, row.group.name if row.group else None) for row in rows] == [
        ("Guest", "Expired", None),
        ("Van", "Accepted", "City vans"),
        (None, "Blocked", None),
    ]
    assert [station.name for station in rows[1].stations] == ["Harbour Garage"]
    assert list(token_list.counts(db, garage.operator_id, token_list.Filter(), NOW).values()) == [3, 1, 1, 1]
    assert [(row.uid, row.cards) for row in token_list.groups(db, garage.operator_id)] == [("CITY", 1)]
