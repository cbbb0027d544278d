"""Open or closed, and until when: on the station's clock, across midnight and both changes of clocks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain import hours
from domain.errors import Refused
from domain.hours import DayThatDiffers, Hours, Now, Period

HELSINKI = ZoneInfo("Europe/Helsinki")
DAY = Period(8 * 60, 20 * 60)
WEEKDAYS = Hours(((DAY,),) * 5 + ((), ()))


def at(text):
    """Wall clock in Helsinki."""
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI)


def state(wanted, text):
    found = hours.state(wanted, HELSINKI, at(text).astimezone(UTC))
    return found.is_open, found.until and found.until.isoformat()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27T07:59", (False, "2026-11-27T08:00:00+02:00")),
        ("2026-11-27T08:00", (True, "2026-11-27T20:00:00+02:00")),
        ("2026-11-27T19:59", (True, "2026-11-27T20:00:00+02:00")),
        # A Friday evening: it opens on Monday.
        ("2026-11-27T20:00", (False, "2026-11-30T08:00:00+02:00")),
        ("2026-11-29T12:00", (False, "2026-11-30T08:00:00+02:00")),
    ],
)
def test_a_week(moment, expected):
    assert state(WEEKDAYS, moment) == expected


def test_no_hours_are_around_the_clock():
    assert hours.state(None, HELSINKI, at("2026-11-27T03:00")) == Now(True)


def test_whole_days_one_after_the_other_do_not_close_at_midnight():
    nights = Hours(((Period(0, 1440),),) * 7)

    assert state(nights, "2026-11-27T23:59") == (True, None)


def test_a_night_over_midnight():
    bar = Hours(((Period(0, 120), Period(22 * 60, 1440)),) * 7)

    assert state(bar, "2026-11-27T23:00") == (True, "2026-11-28T02:00:00+02:00")
    assert state(bar, "2026-11-28T03:00") == (False, "2026-11-28T22:00:00+02:00")


def test_a_day_that_differs_wins_over_the_week():
    christmas = {
        date(2026, 12, 24): DayThatDiffers((Period(600, 840),), "Christmas Eve"),
        date(2026, 12, 25): DayThatDiffers(()),
    }
    wanted = Hours(WEEKDAYS.week, christmas)

    assert state(wanted, "2026-12-24T09:00") == (False, "2026-12-24T10:00:00+02:00")
    assert state(wanted, "2026-12-24T14:00") == (False, "2026-12-28T08:00:00+02:00")


def test_a_station_that_never_opens_again_names_no_moment():
    assert state(Hours(((),) * 7), "2026-11-27T12:00") == (False, None)


def test_clocks_go_forward():
    # On 29 March 2026 the clocks of Helsinki go from 03:00 to 04:00.
    wanted = Hours(((Period(3 * 60 + 30, 5 * 60),),) * 7)

    assert state(wanted, "2026-03-29T02:59") == (False, "2026-03-29T04:30:00+03:00")
    assert hours.state(wanted, HELSINKI, datetime(2026, 3, 29, 1, 10, tzinfo=UTC)).is_open


def test_clocks_go_back():
    # On 25 October 2026 the hour from 03:00 to 04:00 comes twice; it is open both times.
    wanted = Hours(((Period(3 * 60, 4 * 60),),) * 7)

    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert [hours.state(wanted, HELSINKI, moment).is_open for moment in (first, second)] == [True, True]
    assert not hours.state(wanted, HELSINKI, datetime(2026, 10, 25, 2, 0, tzinfo=UTC)).is_open


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("22:00", "02:00", "22:00 to 24:00 here and 00:00 to 02:00 on the next day"),
        ("20:00", "08:00", "It ends before it starts"),
        ("08:00", "08:00", "no time at all"),
        ("8", "20:00", "Write times as 08:00"),
        ("08:60", "20:00", "Write times as 08:00"),
        ("24:01", "24:30", "Write times as 08:00"),
        ("٠٨:٠٠", "20:00", "Write times as 08:00"),
        ("", "20:00", "Write times as 08:00"),
    ],
)
def test_what_cannot_be_meant_is_told(start, end, sentence):
    with pytest.raises(Refused, match=sentence):
        hours.parse_period(start, end)


def test_times_as_people_type_them():
    assert hours.parse_period("8:00", "24:00") == Period(480, 1440)
    assert hours.parse_period(" 08.30 ", "12.00") == Period(510, 720)


def test_periods_that_overlap_are_told():
    with pytest.raises(Refused, match="08:00 to 12:00 and 11:00 to 20:00 overlap"):
        hours.checked_day([Period(660, 1200), Period(480, 720)])


def test_touching_periods_are_fine_and_come_in_order():
    assert hours.checked_day([Period(720, 1200), Period(480, 720)]) == (Period(480, 720), Period(720, 1200))


def test_they_are_stored_and_read_again():
    wanted = Hours(WEEKDAYS.week, {date(2026, 12, 24): DayThatDiffers((DAY,), "Christmas Eve")})

    assert hours.from_json(hours.to_json(wanted)) == wanted
    assert hours.from_json(hours.to_json(None)) is None


def test_around_the_clock_but_for_a_holiday():
    wanted = Hours(((DAY,),) * 7, {date(2026, 12, 25): DayThatDiffers(())}, is_always=True)

    assert state(wanted, "2026-12-24T23:00") == (True, "2026-12-25T00:00:00+02:00")
    assert state(wanted, "2026-12-25T12:00") == (False, "2026-12-26T00:00:00+02:00")
    assert state(wanted, "2026-12-26T03:00") == (True, None)
    assert hours.from_json(hours.to_json(wanted)) == wanted
