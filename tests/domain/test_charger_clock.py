"""Chargers' clocks, quirks E1 to E9."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.charger_clock import EARLIEST, parse, read_time
from tests.factories import NOW  # 2026-11-20 11:04 UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T11:04:00Z",
        "2026-11-20T11:04:00.000Z",
        "2026-11-20T11:04:00.0001234567Z",
        "2026-11-20T11:04:00z",
        "2026-11-20t11:04:00Z",
        "2026-11-20 11:04:00Z",
        "2026-11-20T11:04Z",
        "2026-11-20T11:04:00+0000",
        "2026-11-20T13:04:00+02",
        "2026-11-20T13:04:00+02:00",
        "2026-11-21T01:04:00+14:00",
        "2026-11-19T21:04:00-14:00",
        "20261120T110400Z",
        "2026-W47-5T11:04:00Z",
        " 2026-11-20T11:04:00Z ",
    ],
)
def test_e2_iso_8601_is_understood_in_all_its_spellings(text):
    time = read_time(text, NOW, "UTC")

    assert abs(time.at - NOW) < timedelta(milliseconds=1)
    assert (time.text, time.flags) == (text, ())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-19T24:00:00Z", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2023-10-19T15:28:07", datetime(2023, 10, 19, 12, 28, 7, tzinfo=UTC)),
        ("2023-10-19T15:28:45.377", datetime(2023, 10, 19, 12, 28, 45, 377000, tzinfo=UTC)),
        ("2023-12-19 15:28:07", datetime(2023, 12, 19, 13, 28, 7, tzinfo=UTC)),
        ("2026-03-29T03:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # the hour that does not exist
    ],
)
def test_local_times_and_odd_seconds_are_what_they_mean(text, meant):
    assert parse(text, NOW, "Europe/Helsinki") == meant


def test_of_the_hour_that_comes_twice_the_nearer_one_is_meant():
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert parse("2026-10-25T03:30:00", first, "Europe/Helsinki") == first
    assert parse("2026-10-25T03:30:00", second, "Europe/Helsinki") == second


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "1970-01-01T00:00:00.740Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0000-00-00T00:00:00.000Z",
        "9999-12-31T23:59:59-14:00",
        "2022-02-29T12:00:00Z",
        "2000-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T11:04:61Z",
        "2026-11-20T11:04:00+99:99",
        "yesterday",
        "\u0662\u0660\u0662\u0666-11-20T11:04:00Z",
    ],
)
def test_e3_to_e5_without_a_usable_time_that_of_receipt_counts(text):
    time = read_time(text, NOW, "UTC")

    assert (time.at, time.text, time.flags) == (NOW, text, ("time_unknown",))
    assert not time.is_the_chargers


@pytest.mark.parametrize("text", ["2038-01-19T03:14:07Z", "9999-12-31T23:59:59Z", "2026-11-20T11:06:00Z"])
def test_the_future_cannot_be_meant(text):
    time = read_time(text, NOW, "UTC")

    assert time.at == NOW
    assert "clock_ahead" in time.flags


def test_e7_a_few_seconds_ahead_are_tolerated():
    time = read_time("2026-11-20T11:04:09Z", NOW, "UTC")

    assert (time.at, time.flags) == (NOW + timedelta(seconds=9), ())


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("2026-11-20T11:03:00Z", ()),
        ("2026-11-20T11:02:59Z", ("arrived_late",)),
        ("2026-11-20T09:04:07Z", ("arrived_late", "clock_whole_hours")),
        ("2026-11-20T13:04:02Z", ("clock_ahead", "clock_whole_hours")),
        ("2026-11-20T07:44:07Z", ("arrived_late",)),
        ("2026-11-20T11:00:00", ("arrived_late",)),
        ("2026-11-20T10:58:59", ("arrived_late", "clock_zone_unsure")),
        ("2025-06-20T10:58:59Z", ("arrived_late",)),
    ],
)
def test_e1_e6_what_differs_from_our_clock_is_flagged(text, flags):
    assert read_time(text, NOW, "UTC").flags == flags


def test_an_unknown_zone_is_utc():
    assert parse("2026-11-20T11:04:00", NOW, "Mars/Olympus") == NOW


@given(st.text(max_size=40) | st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat))
def test_any_text_gives_a_time_that_databases_can_keep(text):
    time = read_time(text, NOW, "Europe/Helsinki")

    assert EARLIEST <= time.at <= NOW + timedelta(seconds=60)
    assert time.at.tzinfo is UTC
