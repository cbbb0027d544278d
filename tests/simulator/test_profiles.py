"""Charging profiles against limits worked by hand."""

from datetime import UTC, datetime

import pytest

from simulator.connector import Connector, Transaction
from simulator.power import Outlet
from simulator.profiles import Installed, Profiles

AT = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
CABINET = Connector(0, Outlet("AC", 22_000), 0.0)


def clock(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2025, 6, day, hour, minute, tzinfo=UTC)


def profile(number, purpose, periods, *, level=0, kind="Absolute", unit="W", **more):
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": []}
    for start, limit in periods:
        schedule["chargingSchedulePeriod"].append({"startPeriod": start, "limit": limit})
    schedule |= {name: more.pop(name) for name in ("startSchedule", "duration") if name in more}
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **more,
    }


@pytest.fixture
def connector():
    return Connector(1, Outlet("AC", 22_000), 0.0)


@pytest.fixture
def charging(connector):
    connector.transaction = Transaction("k", 1, "TAG", AT, 0, id=5)
    return connector


def limits(connector, *installed, at=AT, sharing=1):
    profiles = Profiles()
    for connector_id, entry in installed:
        profiles.install(Installed(connector_id, entry, AT))
    return profiles.limit_w(connector, CABINET, sharing, at)


def test_without_profiles_there_is_no_limit(charging):
    assert limits(charging) is None


def test_amps_count_on_all_phases(charging):
    assert limits(charging, (0, profile(1, "TxDefaultProfile", [(0, 10)], unit="A"))) == 6_900


def test_the_higher_stack_level_wins(charging):
    low = (0, profile(1, "TxDefaultProfile", [(0, 5_000)], level=1))
    high = (0, profile(2, "TxDefaultProfile", [(0, 9_000)], level=2))

    assert limits(charging, high, low) == 9_000


def test_a_level_that_is_over_leaves_the_next(charging):
    low = (0, profile(1, "TxDefaultProfile", [(0, 5_000)], level=1))
    high = (0, profile(2, "TxDefaultProfile", [(0, 9_000)], level=2, duration=60))

    assert limits(charging, low, high, at=clock(10, 1)) == 5_000


def test_the_transactions_profile_wins_over_the_default(charging):
    default = (0, profile(1, "TxDefaultProfile", [(0, 5_000)], level=8))
    own = (1, profile(2, "TxProfile", [(0, 9_000)]))

    assert limits(charging, default, own) == 9_000


def test_a_connectors_default_wins_over_that_of_all(charging):
    every = (0, profile(1, "TxDefaultProfile", [(0, 5_000)]))
    one = (1, profile(2, "TxDefaultProfile", [(0, 9_000)]))
    other = (2, profile(3, "TxDefaultProfile", [(0, 1_000)]))

    assert limits(charging, every, one, other) == 9_000


def test_the_charge_points_limit_is_shared_and_the_lower_holds(charging):
    whole = (0, profile(1, "ChargePointMaxProfile", [(0, 12_000)]))
    default = (0, profile(2, "TxDefaultProfile", [(0, 9_000)]))

    assert limits(charging, whole, default, sharing=1) == 9_000
    assert limits(charging, whole, default, sharing=2) == 6_000


def test_a_relative_schedule_starts_with_the_transaction(charging):
    relative = (1, profile(1, "TxProfile", [(0, 9_000), (1800, 6_000)], kind="Relative"))

    assert limits(charging, relative, at=clock(10, 29)) == 9_000
    assert limits(charging, relative, at=clock(10, 30)) == 6_000


def test_an_absolute_schedule_waits_for_its_start(charging):
    absolute = (0, profile(1, "TxDefaultProfile", [(0, 6_000)], startSchedule="2025-06-02T11:00:00Z"))

    assert limits(charging, absolute, at=clock(10, 59)) is None
    assert limits(charging, absolute, at=clock(11)) == 6_000


@pytest.mark.parametrize(
    ("at", "limit_w"),
    [(clock(17, 59), 11_000), (clock(18), 5_000), (clock(21), 11_000), (clock(18, day=9), 5_000)],
)
def test_a_daily_schedule_comes_again(charging, at, limit_w):
    # Every day from 18:00 for three hours 5 kW, otherwise 11 kW.
    periods = [(0, 11_000), (18 * 3600, 5_000), (21 * 3600, 11_000)]
    daily = profile(
        1,
        "TxDefaultProfile",
        periods,
        kind="Recurring",
        recurrencyKind="Daily",
        startSchedule="2025-06-01T00:00:00Z",
    )

    assert limits(charging, (0, daily), at=at) == limit_w


def test_a_weekly_schedule_rests_between(charging):
    weekly = profile(
        1,
        "TxDefaultProfile",
        [(0, 5_000)],
        kind="Recurring",
        recurrencyKind="Weekly",
        startSchedule="2025-06-01T00:00:00+02:00",
        duration=86_400,
    )

    assert limits(charging, (0, weekly), at=clock(21, 59, day=8)) == 5_000
    assert limits(charging, (0, weekly), at=clock(22, 0, day=8)) is None


def test_validity_bounds_a_profile(charging):
    bounded = profile(
        1,
        "TxDefaultProfile",
        [(0, 5_000)],
        validFrom="2025-06-02T10:10:00Z",
        validTo="2025-06-02T10:20:00Z",
    )

    assert limits(charging, (0, bounded), at=clock(10, 9)) is None
    assert limits(charging, (0, bounded), at=clock(10, 10)) == 5_000
    assert limits(charging, (0, bounded), at=clock(10, 20)) is None


def test_a_profile_replaces_its_id_and_its_level():
    profiles = Profiles()
    for number, level in ((1, 0), (1, 1), (2, 1)):
        profiles.install(Installed(0, profile(number, "TxDefaultProfile", [(0, 1)], level=level), AT))

    assert [(p.profile["chargingProfileId"], p.profile["stackLevel"]) for p in profiles.installed] == [(2, 1)]


def test_the_composite_schedule_joins_what_holds(charging):
    profiles = Profiles()
    profiles.install(Installed(0, profile(1, "ChargePointMaxProfile", [(0, 9_000), (1200, 20_000)]), AT))
    profiles.install(Installed(1, profile(2, "TxProfile", [(0, 16), (600, 8)], unit="A", kind="Relative"), AT))

    watts = profiles.composite(charging, CABINET, AT, 1800, "W")
    amps = profiles.composite(charging, CABINET, AT, 900, "A")

    # 16 A are 11040 W, above the 9 kW of the whole; 8 A are 5520 W.
    assert watts == {
        "duration": 1800,
        "startSchedule": "2025-06-02T10:00:00.000Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9000.0}, {"startPeriod": 600, "limit": 5520.0}],
    }
    assert amps["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 13.0, "numberPhases": 3},
        {"startPeriod": 600, "limit": 8.0, "numberPhases": 3},
    ]


def test_the_composite_schedule_of_a_daily_profile_crosses_midnight(connector):
    daily = profile(
        1,
        "TxDefaultProfile",
        [(0, 5_000), (6 * 3600, 11_000)],
        kind="Recurring",
        recurrencyKind="Daily",
        startSchedule="2025-05-01T00:00:00Z",
    )
    profiles = Profiles()
    profiles.install(Installed(0, daily, AT))

    schedule = profiles.composite(connector, CABINET, clock(22), 10 * 3600, "W")

    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 11000.0},
        {"startPeriod": 7200, "limit": 5000.0},
        {"startPeriod": 28800, "limit": 11000.0},
    ]
