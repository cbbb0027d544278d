"""The list of chargers: one word each, attention first, filters, power."""

from datetime import timedelta

import pytest

from domain import charger_list
from domain.charger_list import Filter, View
from domain.models.charging import MeterValue, SessionStatus
from tests import factories
from tests.factories import NOW

HERE = {"node": "ocpp-1", "connected_at": NOW - timedelta(hours=5), "last_seen_at": NOW - timedelta(seconds=20)}


@pytest.fixture
def station(make):
    return make(factories.station)


def plug(db, charger, number, status):
    next(each for each in charger.connectors if each.number == number).status = status
    db.commit()


def listed(db, station, wanted=None, sort="attention"):
    return charger_list.page(db, station.operator_id, wanted or Filter(), NOW, sort, None, 25).rows


def word(db, station):
    return listed(db, station)[0].word.value


def test_a_charger_that_was_never_here(db, make, station):
    make(factories.charger, station)

    assert word(db, station) == "Never connected"


def test_a_charger_that_left_is_offline_whatever_its_plugs_said(db, make, station):
    charger = make(factories.charger, station, connectors=1, **HERE | {"node": None})
    plug(db, charger, 1, "Faulted")

    assert word(db, station) == "Offline"


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("Available", "Faulted", "Faulted"),
        ("Charging", "Faulted", "Faulted"),
        ("Charging", "Available", "Charging"),
        ("SuspendedEV", "Available", "Charging"),
        ("Preparing", "Available", "Preparing"),
        ("Finishing", "Available", "Finishing"),
        ("Reserved", "Available", "Reserved"),
        ("Available", "Unavailable", "Available"),
        ("Unavailable", "Unavailable", "Unavailable"),
        ("Unknown", "Unknown", "Unknown"),
    ],
)
def test_the_gravest_or_busiest_plug_decides(db, make, station, one, two, expected):
    charger = make(factories.charger, station, connectors=2, **HERE)
    plug(db, charger, 1, one)
    plug(db, charger, 2, two)

    assert word(db, station) == expected


def test_a_running_session_is_charging_even_if_the_plug_says_nothing(db, make, station):
    charger = make(factories.charger, station, connectors=1, **HERE)
    make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None)

    assert word(db, station) == "Charging"


def test_a_silent_socket_is_late(db, make, station):
    make(factories.charger, station, connectors=1, **HERE | {"last_seen_at": NOW - timedelta(minutes=11)})

    assert word(db, station) == "Late"


def test_what_needs_a_person_comes_first(db, make, station):
    make(factories.charger, station, label="A", connectors=1, **HERE)
    make(factories.charger, station, label="B", connectors=1, **HERE | {"node": None})
    broken = make(factories.charger, station, label="C", connectors=1, **HERE)
    plug(db, broken, 1, "Faulted")

    assert [row.charger.label for row in listed(db, station)] == ["C", "B", "A"]
    assert [row.charger.label for row in listed(db, station, sort="-charger")] == ["C", "B", "A"]
    assert [row.charger.label for row in listed(db, station, sort="charger")] == ["A", "B", "C"]


@pytest.mark.parametrize("sort", ["attention", "charger", "-charger", "station", "-station", "seen", "-seen"])
def test_every_order_walks_through_all(db, make, station, sort):
    for number in range(5):
        seen = {"last_seen_at": NOW - timedelta(seconds=number)} if number else {"last_seen_at": None}
        make(factories.charger, station, label=f"Pier {number % 3}", **HERE | seen)

    walked, cursor = [], None
    for _ in range(3):
        found = charger_list.page(db, station.operator_id, Filter(), NOW, sort, cursor, 2)
        walked += [row.charger.id for row in found.rows]
        cursor = found.next

    assert cursor is None
    assert len(set(walked)) == len(walked) == 5


def test_views_texts_and_firmware_narrow_the_list(db, make, station):
    make(factories.charger, station, label="Pier 1", device_id="X_1%", firmware_version="2.8.1", connectors=1, **HERE)
    make(factories.charger, station, label="Pier 2", device_id="X21", firmware_version="2.7.0")

    def found(**values):
        return [row.charger.label for row in listed(db, station, Filter(**values))]

    assert found(text="pier") == ["Pier 2", "Pier 1"]
    assert found(text="_1%") == ["Pier 1"]
    assert found(view=View.AVAILABLE) == ["Pier 1"]
    assert found(view=View.OFFLINE) == ["Pier 2"]
    assert found(firmware="2.7.0") == ["Pier 2"]
    assert found(station_id=station.id + 1) == []
    assert charger_list.counts(db, station.operator_id, Filter(text="pier"), NOW) == {
        View.ALL: 2,
        View.CHARGING: 0,
        View.AVAILABLE: 1,
        View.FAULTED: 0,
        View.OFFLINE: 1,
    }


def test_power_now_is_the_sum_of_the_running_sessions(db, make, station):
    charger = make(factories.charger, station, connectors=2, **HERE)
    for number, power_w in ((1, 11_000), (2, 22_000)):
        running = {"status": SessionStatus.ACTIVE, "stopped_at": None, "connector_number": number, "power_w": power_w}
        make(factories.charging, charger, **running)

    assert listed(db, station)[0].power_w == 33_000
    assert charger_list.summary(db, station.operator_id, NOW).power_w == 33_000


def test_nobody_knows_the_power_of_a_session_at_an_offline_charger(db, make, station):
    charger = make(factories.charger, station, connectors=1, **HERE | {"node": None})
    make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None, power_w=11_000)

    assert listed(db, station)[0].power_w is None


def test_the_last_hour_in_twenty_steps(db, make, station):
    charger = make(factories.charger, station, connectors=1, **HERE)
    for minutes, power_w in ((59, 4_000), (1, 9_000)):
        at = NOW - timedelta(minutes=minutes)
        reading = {"connector_number": 1, "at": at, "received_at": at, "power_w": power_w, "samples": []}
        db.add(MeterValue(charger_id=charger.id, **reading))
    db.commit()

    points = listed(db, station)[0].spark_w

    # A reading counts for its own step of three minutes and the silent one after it.
    assert points == [4_000, 4_000, *[0] * 17, 9_000]


def test_another_operators_chargers_are_not_there(db, make, station):
    make(factories.charger, make(factories.station), connectors=1, **HERE)

    assert listed(db, station) == []
    assert charger_list.summary(db, station.operator_id, NOW).total == 0
