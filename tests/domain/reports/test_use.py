"""Utilisation and uptime, worked by hand."""

from datetime import UTC, datetime, timedelta

from domain.models.chargers import ChargerEvent
from tests import factories


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


LATER = utc(2026, 12, 10)
DAY = 24 * 3600


def connection(db, charger, kind, at):
    db.add(ChargerEvent(charger_id=charger.id, at=at, received_at=at, kind=kind, summary=kind))
    db.flush()


def test_utilisation_is_session_time_of_all_plug_time(db, make_yard, report):
    # In UTC: November has 30 days, two plugs: 60 plug days. 36 h of sessions are 2.5 %.
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 10, 1))
    factories.charging(db, yard.charger, started_at=utc(2026, 11, 3), stopped_at=utc(2026, 11, 4), energy_wh=20_000)
    factories.charging(
        db, yard.charger, connector_number=2, started_at=utc(2026, 11, 3), stopped_at=utc(2026, 11, 3, 12)
    )
    db.commit()

    line = report(yard, LATER, "2026-11", "2026-11")["2026-11"]

    assert (line.use.sessions, line.use.energy_wh) == (2, 30_000)
    assert (line.use.charging_s, line.use.plug_s) == (36 * 3600, 60 * DAY)
    assert line.utilisation == 2.5


def test_a_session_over_midnight_is_split_by_time_and_counted_once(db, make_yard, report):
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 10, 1))
    factories.charging(db, yard.charger, started_at=utc(2026, 11, 30, 22), stopped_at=utc(2026, 12, 1, 3))
    db.commit()

    lines = report(yard, LATER, "2026-11", "2026-12")

    assert [line.use.charging_s for line in lines.values()] == [2 * 3600, 3 * 3600]
    assert [line.use.sessions for line in lines.values()] == [1, 0]


def test_the_present_month_is_only_what_has_passed(make_yard, report):
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 10, 1))

    line = report(yard, LATER, "2026-12", "2026-12")["2026-12"]

    assert line.use.plug_s == 2 * 9 * DAY


def test_the_month_in_which_clocks_go_back_has_an_hour_more(make_yard, report):
    yard = make_yard(time_zone="Europe/Helsinki", created_at=utc(2026, 9, 1))

    line = report(yard, LATER, "2026-10", "2026-10")["2026-10"]

    assert line.use.plug_s == 2 * (31 * DAY + 3600)


def test_uptime_is_known_from_the_first_connection_on(db, make_yard, report):
    # Known for 10 of 30 days; a day without connection and a day with one of two plugs faulted: 20 - 2 - 1 of 20.
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 10, 1))
    connection(db, yard.charger, "connected", utc(2026, 11, 21))
    connection(db, yard.charger, "disconnected", utc(2026, 11, 22))
    connection(db, yard.charger, "connected", utc(2026, 11, 23))
    factories.charger_status(db, yard.charger, "Faulted: GroundFailure", utc(2026, 11, 25), connector_number=2)
    factories.charger_status(db, yard.charger, "Available", utc(2026, 11, 26), connector_number=2)
    db.commit()

    line = report(yard, LATER, "2026-11", "2026-11")["2026-11"]

    assert (line.use.known_s, line.use.up_s) == (20 * DAY, 17 * DAY)
    assert line.uptime == 85
    assert round(line.known, 2) == 33.33


def test_how_it_was_before_the_month_holds_on(db, make_yard, report):
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 9, 1))
    connection(db, yard.charger, "connected", utc(2026, 9, 2))
    factories.charger_status(db, yard.charger, "Faulted", utc(2026, 10, 30), connector_number=0)
    factories.charger_status(db, yard.charger, "Available", utc(2026, 11, 16), connector_number=0)
    db.commit()

    line = report(yard, LATER, "2026-11", "2026-11")["2026-11"]

    # The whole charger was faulted for the first 15 of 30 days.
    assert line.uptime == 50


def test_a_charger_that_is_offline_now_is_not_up(db, make_yard, report):
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 9, 1))
    connection(db, yard.charger, "connected", utc(2026, 9, 2))
    yard.charger.disconnected_at = utc(2026, 11, 11)
    db.commit()

    line = report(yard, LATER, "2026-11", "2026-11")["2026-11"]

    # Ten of thirty days: the timeline does not tell of the break before it is over.
    assert round(line.uptime, 2) == 33.33


def test_what_nobody_heard_of_is_not_guessed(make_yard, report):
    line = report(make_yard(created_at=utc(2026, 9, 1)), LATER, "2026-11", "2026-11")["2026-11"]

    assert (line.uptime, line.use.known_s) == (None, 0)


def test_a_retired_charger_counts_until_then(db, make_yard, report):
    yard = make_yard(time_zone="UTC", created_at=utc(2026, 9, 1))
    yard.charger.retired_at = utc(2026, 11, 2)
    db.commit()

    line = report(yard, LATER, "2026-11", "2026-11")["2026-11"]

    assert timedelta(seconds=line.use.plug_s) == timedelta(days=2)
