"""One charger's page: plugs, timeline, the last week."""

from datetime import timedelta

import pytest

from domain import charger_story
from domain.models.chargers import ChargerEvent
from domain.models.charging import MeterValue, SessionStatus
from domain.models.commands import CommandStatus
from tests import factories
from tests.factories import NOW


@pytest.fixture
def charger(make):
    return make(factories.charger, connectors=2)


def event(db, charger, kind, hours_ago, summary="x"):
    at = NOW - timedelta(hours=hours_ago)
    db.add(ChargerEvent(charger_id=charger.id, at=at, received_at=at, kind=kind, summary=summary))
    db.commit()


def test_a_plug_shows_what_runs_and_what_ran(db, make, charger):
    running = make(factories.charging, charger, status=SessionStatus.ACTIVE, stopped_at=None)
    last = make(factories.charging, charger, connector_number=2)
    code = make(factories.qr_code, charger, connector_number=2)

    one, two = charger_story.plugs(db, charger, NOW - timedelta(days=1))

    assert (one.running, one.last, one.sessions_today, one.codes) == (running, None, 1, [])
    assert (two.running, two.last, two.sessions_today, two.codes) == (None, last, 1, [code])


def test_the_running_session_is_the_latest_one(db, make, charger):
    done = make(factories.charging, charger)

    assert charger_story.latest_session(db, charger.id) == done

    running = make(factories.charging, charger, connector_number=2, status=SessionStatus.ACTIVE, stopped_at=None)

    assert charger_story.latest_session(db, charger.id) == running


def test_a_long_curve_is_thinned_out_and_keeps_its_end(db, make, charger):
    charging = make(factories.charging, charger)
    for second in range(700):
        at = NOW + timedelta(seconds=second)
        db.add(
            MeterValue(
                charger_id=charger.id,
                connector_number=1,
                charging_session_id=charging.id,
                at=at,
                received_at=at,
                power_w=second,
                samples=[],
            )
        )
    db.commit()

    powers = [each.power_w for each in charger_story.curve(db, charging.id)]

    assert powers[:3] == [0, 3, 6]
    assert powers[-1] == 699
    assert len(powers) == 234


def test_the_timeline_tells_everything_newest_first(db, make, charger):
    make(
        factories.charging,
        charger,
        started_at=NOW - timedelta(hours=3),
        stopped_at=NOW - timedelta(hours=1),
        stop_reason="Local",
    )
    make(factories.command, charger, queued_at=NOW - timedelta(hours=2))
    event(db, charger, "boot", 4, "Booted")

    told = [(each.kind, each.title) for each in charger_story.timeline(db, charger)]

    assert told == [
        ("stop", "Charging stopped on connector 1"),
        ("command", "Reset"),
        ("start", "Charging started on connector 1"),
        ("boot", "Booted"),
    ]


def test_the_share_of_time_online(db, charger):
    event(db, charger, "connected", 30 * 24)
    event(db, charger, "disconnected", 42)
    event(db, charger, "connected", 0)

    # Away for 42 of the last 168 hours.
    assert charger_story.week(db, charger, NOW).online_percent == 75


def test_a_new_charger_counts_from_its_first_connection(db, charger):
    event(db, charger, "connected", 10)
    event(db, charger, "disconnected", 5)

    assert charger_story.week(db, charger, NOW).online_percent == 50


def test_nothing_is_known_of_a_charger_that_never_connected(db, charger):
    assert charger_story.week(db, charger, NOW).online_percent is None


def test_failed_starts(db, make, charger):
    make(factories.charging, charger, status=SessionStatus.REFUSED)
    make(factories.charging, charger, status=SessionStatus.REFUSED, started_at=NOW - timedelta(days=8))
    for status in (CommandStatus.REJECTED, CommandStatus.ACCEPTED):
        make(factories.command, charger, action="RemoteStartTransaction", status=status)

    assert charger_story.week(db, charger, NOW).failed_starts == 2
