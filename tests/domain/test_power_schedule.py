"""Limits by the hours of the week, what is wrong with them, and what a charger is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain import power_messages, power_schedule, power_units
from domain.errors import Refused
from domain.models.power import LimitUnit, PowerAbility, ProfileUse
from domain.power_messages import Variant
from domain.power_schedule import Row, Wish
from domain.power_units import Outlet, Scale

HELSINKI = "Europe/Helsinki"
NOW = datetime(2026, 11, 20, 11, 4, tzinfo=UTC)  # a Friday, 13:04 in Helsinki
WALL = Outlet(22_000, 3)
NIGHT = Row((0, 1, 2, 3, 4, 5, 6), 22 * 60, 6 * 60, Decimal(7))
EVENING = Row((0, 1, 2, 3, 4), 16 * 60, 20 * 60, Decimal(11))


def wish(*rows: Row, base: str | None = "22", **values: object) -> Wish:
    return Wish(LimitUnit.KW, None if base is None else Decimal(base), rows, **values)


def wrong(wish: Wish, most: int = 22) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refusal:
        power_schedule.check(wish, Decimal(most), NOW)
    return list(refusal.value.errors)


@pytest.mark.parametrize(
    ("bad", "field", "sentence"),
    [
        (wish(base="-1"), "limit", "A limit cannot be negative. 0 means no charging."),
        (wish(base="22.1"), "limit", "That is more than the rating of 22 kW."),
        (wish(base=None), "limit", "Type a limit, or remove the limit."),
        (wish(EVENING, EVENING), "rows-1-from_time", "It overlaps with row 1."),
        (wish(NIGHT, Row((0,), 0, 60, Decimal(5))), "rows-1-from_time", "It overlaps with row 1."),
        (wish(Row((), 60, 120, Decimal(5))), "rows-0-days", "Tick at least one day."),
        (
            wish(Row((1,), 60, 60, Decimal(5))),
            "rows-0-to_time",
            "It ends when it begins. Use 00:00 to 24:00 for the whole day.",
        ),
        (wish(valid_from=NOW, valid_until=NOW), "valid_until", "It ends before it begins."),
        (wish(valid_until=NOW), "valid_until", "That is over already."),
    ],
)
def test_what_makes_no_sense_is_named(bad, field, sentence):
    assert wrong(bad) == [(field, sentence)]


def test_rows_that_touch_do_not_overlap():
    power_schedule.check(wish(EVENING, Row((0, 1), 20 * 60, 22 * 60, Decimal(5))), Decimal(22), NOW)


def test_a_row_goes_through_midnight_and_through_the_end_of_the_week():
    sunday_night = Row((6,), 22 * 60, 6 * 60, Decimal(7))

    turns = power_schedule.week(wish(sunday_night))

    assert turns == [(0, Decimal(7)), (360, Decimal(22)), (6 * 1440 + 1320, Decimal(7))]


@pytest.mark.parametrize(
    ("moment", "limit"),
    [
        (datetime(2026, 11, 20, 13, 59, tzinfo=UTC), 22),
        (datetime(2026, 11, 20, 14, 0, tzinfo=UTC), 11),
        (datetime(2026, 11, 20, 18, 0, tzinfo=UTC), 22),
        (datetime(2026, 11, 21, 15, 0, tzinfo=UTC), 22),  # Saturday
        (datetime(2026, 7, 20, 13, 0, tzinfo=UTC), 11),  # 16:00 by summer time
    ],
)
def test_hours_are_those_of_the_station(moment, limit):
    assert power_schedule.limit_at(wish(EVENING), moment, HELSINKI) == limit


def test_outside_of_its_validity_there_is_no_limit():
    limited = wish(valid_from=NOW, valid_until=NOW + timedelta(days=1))

    assert power_schedule.limit_at(limited, NOW - timedelta(seconds=1), HELSINKI) is None
    assert power_schedule.limit_at(limited, NOW, HELSINKI) == 22
    assert power_schedule.limit_at(limited, NOW + timedelta(days=1), HELSINKI) is None


def test_a_stored_wish_is_the_same_wish():
    stored = wish(EVENING, NIGHT, valid_from=NOW, valid_until=NOW + timedelta(days=1))

    assert power_schedule.from_json(power_schedule.as_json(stored)) == stored


def test_a_weekly_schedule_counts_from_monday_midnight_of_the_station():
    message = power_messages.scheduled(
        ProfileUse.CONNECTOR, 1, wish(EVENING), WALL, Variant("W", "Recurring"), None, HELSINKI, NOW
    )

    profile = message["csChargingProfiles"]
    assert (profile["recurrencyKind"], profile["chargingSchedule"]["startSchedule"]) == (
        "Weekly",
        "2026-11-15T22:00:00Z",
    )
    assert profile["chargingSchedule"]["chargingSchedulePeriod"][:3] == [
        {"startPeriod": 0, "limit": 22000},
        {"startPeriod": 57600, "limit": 11000},
        {"startPeriod": 72000, "limit": 22000},
    ]


def test_days_that_are_alike_make_a_daily_schedule():
    message = power_messages.scheduled(
        ProfileUse.CHARGER, 0, wish(NIGHT, base=None), WALL, Variant("A", "Recurring"), None, HELSINKI, NOW
    )

    schedule = message["csChargingProfiles"]["chargingSchedule"]
    assert message["csChargingProfiles"]["recurrencyKind"] == "Daily"
    assert schedule["duration"] == 86400
    # 7 kW on three phases at 230 V are 10.14 A.
    assert [(p["startPeriod"], p["limit"]) for p in schedule["chargingSchedulePeriod"]] == [
        (0, 10.1),
        (21600, 31.8),
        (79200, 10.1),
    ]


def test_summer_time_makes_another_schedule_and_a_new_week_does_not():
    def key(now: datetime) -> str:
        message = power_messages.scheduled(
            ProfileUse.CONNECTOR, 1, wish(EVENING), WALL, Variant("W", "Recurring"), None, HELSINKI, now
        )
        return power_messages.key(message, HELSINKI, now)

    assert key(NOW) == key(NOW + timedelta(days=7))
    assert key(NOW) != key(datetime(2027, 4, 1, tzinfo=UTC))


def test_ours_never_collide():
    ability = PowerAbility(max_stack_level=3)
    places = [(use, number) for use in ProfileUse for number in range(0 if use is ProfileUse.CHARGER else 1, 5)]

    ids = [power_messages.profile_id(use, number) for use, number in places]

    assert len(set(ids)) == len(ids)
    assert power_messages.stack_level(ProfileUse.START, ability) == 3
    assert power_messages.stack_level(ProfileUse.CONNECTOR, ability) == 2
    assert power_messages.stack_level(ProfileUse.CONNECTOR, PowerAbility(max_stack_level=0)) == 0


@pytest.mark.parametrize(
    ("value", "unit", "rate", "told"),
    [
        ("11", LimitUnit.KW, "A", "15.9"),
        ("11", LimitUnit.KW, "W", "11000"),
        ("16", LimitUnit.A, "W", "11040"),
        ("6.45", LimitUnit.A, "A", "6.4"),
    ],
)
def test_limits_are_converted_and_never_rounded_up(value, unit, rate, told):
    assert power_units.in_rate(Decimal(value), unit, rate, WALL) == Decimal(told)


def test_ratings_are_the_amperes_on_the_plate():
    assert [Outlet(22_000, 3).max_da, Outlet(11_000, 3).max_da, Outlet(7_400, 1).max_da] == [320, 160, 320]


def test_a_charger_that_knows_only_watts_is_told_what_one_phase_may_carry():
    watts_only = Scale(LimitUnit.A, WALL, ("W",))

    assert watts_only.floor == 180  # three phases with 6 A each are 4,140 W, which is 18 A on one
    assert watts_only.told(200, "W") == 4600
    assert watts_only.told(320, "W") == 22000


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"status": "Rejected"},
        {"status": "Accepted"},
        {
            "status": "Accepted",
            "scheduleStart": "0",
            "chargingSchedule": {"chargingRateUnit": "", "chargingSchedulePeriod": []},
        },
        {"status": "Accepted", "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"limit": 1}]}},
        {
            "status": "Accepted",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": "NaN"}],
            },
        },
    ],
)
def test_a_schedule_that_cannot_be_read_is_none(answer):
    assert power_messages.composite(answer) is None
