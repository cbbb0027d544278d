"""The wall clock of a zone, asked in any order about any time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.tariffs.clock import LocalClock, instant

NEW_YORK = ZoneInfo("America/New_York")
# Put back from 02:00 to 01:00 at 06:00 UTC sharp, forward from 02:00 to 03:00 at 07:00 UTC.
BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)
FORWARD = datetime(2026, 3, 8, 7, tzinfo=UTC)
SUNDAY = BACK.toordinal()


def at(hour, minute=0, day=BACK):
    return instant(day.replace(hour=hour, minute=minute))


def test_a_change_holds_from_its_very_instant():
    clock = LocalClock(NEW_YORK)

    assert clock.local(at(6) - 1) == (SUNDAY, 119)
    assert clock.local(at(6)) == (SUNDAY, 60)
    assert clock.local(at(7)) == (SUNDAY, 120)


def test_a_change_is_a_border_and_a_repeated_minute_comes_twice():
    clock = LocalClock(NEW_YORK, [0, 90, 120])

    assert clock.borders(at(4), at(12)) == [at(4), at(5, 30), at(6), at(6, 30), at(7)]
    assert clock.borders(at(4) + 1, at(6)) == [at(5, 30)]
    assert clock.borders(at(6), at(6) + 1) == [at(6)]
    assert clock.borders(at(6) + 1, at(6) + 1) == []


def test_a_skipped_minute_takes_effect_at_the_change():
    clock = LocalClock(NEW_YORK, [150, 180])

    assert clock.borders(at(6, day=FORWARD), at(9, day=FORWARD)) == [at(7, day=FORWARD)]


@given(st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), max_size=20))  # noqa: DTZ001 - hypothesis adds the zone
def test_it_shows_what_the_zone_shows(moments):
    clock = LocalClock(NEW_YORK)

    for moment in moments:
        local = moment.astimezone(NEW_YORK)
        assert clock.local(instant(moment)) == (local.toordinal(), local.hour * 60 + local.minute)
