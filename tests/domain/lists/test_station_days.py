"""Today begins at each station's own midnight."""

from datetime import UTC, datetime

import pytest

from domain import station_days
from domain.models.charging import SessionStatus
from domain.models.orders import OrderStatus
from tests import factories

# In Helsinki it is 01:30 on Saturday the 21st, in Lisbon 23:30 on Friday the 20th.
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Helsinki", datetime(2026, 11, 20, 22, tzinfo=UTC)),
        ("Europe/Lisbon", datetime(2026, 11, 20, 0, tzinfo=UTC)),
    ],
)
def test_midnight(zone, expected):
    assert station_days.midnight(zone, NOW) == expected


def test_midnight_of_a_day_with_25_hours():
    # Clocks in Helsinki went back on 2026-10-25 at 01:00 UTC: that midnight was still UTC+3, the next one UTC+2.
    now = datetime(2026, 10, 26, 12, tzinfo=UTC)

    assert station_days.midnight("Europe/Helsinki", now, 1) == datetime(2026, 10, 24, 21, tzinfo=UTC)
    assert station_days.midnight("Europe/Helsinki", now) == datetime(2026, 10, 25, 22, tzinfo=UTC)


def test_each_station_counts_by_its_own_day(db, make):
    operator = make(factories.operator)
    at = datetime(2026, 11, 20, 21, tzinfo=UTC)  # yesterday in Helsinki, today in Lisbon
    for zone in ("Europe/Helsinki", "Europe/Lisbon"):
        charger = make(factories.charger, make(factories.station, operator, time_zone=zone))
        charging = make(factories.charging, charger, started_at=at)
        make(factories.order, charging, created_at=at, status=OrderStatus.PAID)

    today = station_days.totals(db, operator.id, NOW)
    two_days = station_days.totals(db, operator.id, NOW, days=2)

    assert (today.sessions, today.energy_wh, today.orders, today.revenue_minor) == (1, 10_000, 1, {"EUR": 502})
    assert (two_days.sessions, two_days.revenue_minor) == (2, {"EUR": 1004})


def test_refused_sessions_and_refunded_orders_bring_nothing(db, make):
    station = make(factories.station)
    charger = make(factories.charger, station)
    make(factories.charging, charger, started_at=NOW, status=SessionStatus.REFUSED)
    refunded = make(factories.charging, charger, started_at=NOW)
    make(factories.order, refunded, created_at=NOW, status=OrderStatus.REFUNDED)

    totals = station_days.station_totals(db, station, NOW)

    assert (totals.sessions, totals.orders, totals.revenue_minor) == (1, 0, {})
    assert station_days.charger_totals(db, charger.id, NOW).sessions == 1


def test_currencies_are_not_added_up(db, make):
    charger = make(factories.charger)
    for currency in ("EUR", "SEK"):
        charging = make(factories.charging, charger, started_at=NOW)
        make(factories.order, charging, created_at=NOW, currency=currency, status=OrderStatus.PAID)

    assert station_days.totals(db, charger.operator_id, NOW).revenue_minor == {"EUR": 502, "SEK": 502}


def test_an_operator_without_stations(db, make):
    operator = make(factories.operator)

    assert station_days.totals(db, operator.id, NOW).sessions == 0
    assert station_days.operator_zone(db, operator.id) == "UTC"
