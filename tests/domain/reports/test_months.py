"""Months on a clock."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import months


@pytest.mark.parametrize("text", ["", "x", "2026-13", "2026-00", "1999-12", "2200-01", "2026-11-01", "0000-01"])
def test_what_is_no_month(text):
    assert months.read(text) is None


def test_a_month_is_read():
    assert months.read("2026-11") == "2026-11"


def test_a_span_has_every_month():
    assert months.span("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months.span("2026-02", "2026-01") == []


@pytest.mark.parametrize(
    ("month", "zone", "since", "hours"),
    [
        ("2026-03", "Europe/Helsinki", datetime(2026, 2, 28, 22, tzinfo=UTC), 743),
        ("2026-10", "Europe/Helsinki", datetime(2026, 9, 30, 21, tzinfo=UTC), 745),
        ("2026-11", "America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), 721),
        ("2026-11", "Asia/Kolkata", datetime(2026, 10, 31, 18, 30, tzinfo=UTC), 720),
    ],
)
def test_a_month_begins_and_ends_at_its_midnights(month, zone, since, hours):
    assert months.bounds(month, zone) == (since, since + timedelta(hours=hours))


def test_the_last_moment_is_still_of_the_month():
    assert months.of(datetime(2026, 11, 30, 21, 59, 59, 999999, tzinfo=UTC), "Europe/Helsinki") == "2026-11"
    assert months.of(datetime(2026, 11, 30, 22, tzinfo=UTC), "Europe/Helsinki") == "2026-12"
