"""Figures and times as people read them; every expectation was worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from blueprints import formats

WINTER = datetime(2026, 11, 20, 10, 4, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1852, "EUR", "€18.52"),
        (-80, "EUR", "−€0.80"),
        (921405, "EUR", "€9,214.05"),
        (500, "JPY", "¥500"),
        (12345, "KWD", "KWD\xa012.345"),
        (0, "EUR", "€0.00"),
        (2**53 + 1, "EUR", "€90,071,992,547,409.93"),
    ],
)
def test_money(app, minor, currency, text):
    with app.test_request_context():
        assert formats.money(minor, currency) == text


@pytest.mark.parametrize(
    ("wh", "text"), [(37_800, "37.8 kWh"), (0, "0.0 kWh"), (1_204_449, "1,204.4 kWh"), (50, "0.1 kWh")]
)
def test_kwh_has_one_decimal(app, wh, text):
    with app.test_request_context():
        assert formats.kwh(wh) == text


def test_percent_is_whole(app):
    with app.test_request_context():
        assert formats.percent(Decimal("62.5")) == "63 %"


@pytest.mark.parametrize(
    ("zone", "show", "text"),
    [
        ("Europe/Helsinki", "minute", "20 Nov, 12:04 EET"),
        ("Europe/Helsinki", "second", "20 Nov, 12:04:31 EET"),
        ("Europe/Helsinki", "time", "12:04 EET"),
        ("Europe/Helsinki", "date", "20 Nov"),
        ("America/Sao_Paulo", "time", "07:04 UTC−3"),
        ("Asia/Kolkata", "clock", "15:34:31 IST"),
        ("Asia/Kathmandu", "time", "15:49 UTC+5:45"),
    ],
)
def test_times_are_the_stations_own(app, zone, show, text):
    with app.test_request_context(), time_machine.travel(WINTER, tick=False):
        tag = formats.when(WINTER, zone, show)

    assert tag == f'<time datetime="2026-11-20T10:04:31Z" title="2026-11-20 10:04:31 UTC">{text}</time>'


def test_another_year_is_named(app):
    with app.test_request_context(), time_machine.travel(datetime(2027, 1, 5, tzinfo=UTC), tick=False):
        assert ">20 Nov 2026, 12:04 EET<" in formats.when(WINTER, "Europe/Helsinki")


def test_the_repeated_hour_in_autumn_is_told_apart_by_its_zone(app):
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    with app.test_request_context(), time_machine.travel(second, tick=False):
        assert "03:30 EEST" in formats.when(first, "Europe/Helsinki", "time")
        assert "03:30 EET" in formats.when(second, "Europe/Helsinki", "time")


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ("2026-11-20T10:04:39Z", "8 s ago"),
        ("2026-11-20T10:04:00Z", "0 s ago"),
        ("2026-11-20T10:06:30Z", "1 min ago"),
        ("2026-11-20T13:10:00Z", "3 h ago"),
        ("2026-11-21T10:04:31Z", "20 Nov, 12:04 EET"),
    ],
)
def test_relative_times_end_after_a_day(app, now, text):
    with app.test_request_context(), time_machine.travel(now, tick=False):
        assert f">{text}<" in formats.ago(WINTER, "Europe/Helsinki")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h"), (3_900, "1 h 5 min"), (532_800, "6 d 4 h")],
)
def test_durations(seconds, text):
    assert formats.duration(seconds) == text
