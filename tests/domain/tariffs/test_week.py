"""The price now, the week in bands, and what is odd about it. The tariff is the one of the price editor's picture."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.tariffs import Dimension, parse_tariff, price_bands, price_now, review_week

HELSINKI = ZoneInfo("Europe/Helsinki")
WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
FRIDAY_NOON = datetime(2026, 11, 20, 10, 4, tzinfo=UTC)  # 12:04 in Helsinki


def energy(price, **restrictions):
    component = {"type": "ENERGY", "price": price, "vat": "25.5"}
    return {"price_components": [component], "restrictions": restrictions}


def week(*elements):
    return parse_tariff({"elements": list(elements), "tax_included": "YES"})


HARBOUR = week(
    energy("0.59", start_time="16:00", end_time="20:00", day_of_week=WORKDAYS),
    energy("0.49", start_time="06:00", end_time="22:00", day_of_week=WORKDAYS),
    energy("0.42", start_time="06:00", end_time="22:00", day_of_week=["SATURDAY", "SUNDAY"]),
    energy("0.35", start_time="22:00", end_time="06:00"),
)


def shown(bands, weekday):
    return [
        (band.from_minute / 60, band.to_minute / 60, str(band.price.component.price) if band.price else None)
        for band in bands
        if band.weekday == weekday
    ]


def test_the_week_is_covered_by_bands():
    bands = price_bands(HARBOUR, HELSINKI, FRIDAY_NOON)

    friday = [(0, 6, "0.35"), (6, 16, "0.49"), (16, 20, "0.59"), (20, 22, "0.49"), (22, 24, "0.35")]
    assert [shown(bands, weekday) for weekday in range(5)] == [friday] * 5
    saturday = [(0, 6, "0.35"), (6, 22, "0.42"), (22, 24, "0.35")]
    assert [shown(bands, weekday) for weekday in (5, 6)] == [saturday] * 2


def test_the_week_is_the_local_one():
    terms = week(energy("0.10", start_date="2026-11-23"), energy("0.50"))
    sunday_night_in_utc = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)  # Monday 00:30 in Helsinki

    bands = price_bands(terms, HELSINKI, sunday_night_in_utc)

    assert shown(bands, 0) == [(0, 24, "0.10")]


def test_a_dimension_without_a_price_is_one_empty_band_a_day():
    bands = price_bands(HARBOUR, HELSINKI, FRIDAY_NOON, Dimension.PARKING_TIME)

    assert [shown(bands, weekday) for weekday in range(7)] == [[(0, 24, None)]] * 7


def test_the_price_now_and_the_next_one():
    now = price_now(HARBOUR, HELSINKI, FRIDAY_NOON)

    assert str(now.prices[Dimension.ENERGY].component.price) == "0.49"
    assert now.until == datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    assert str(now.following[Dimension.ENERGY].component.price) == "0.59"
    assert not now.depends_on_session


def test_a_price_lasts_until_it_really_changes():
    terms = week(
        energy("0.35", start_time="22:00", end_time="06:00"),
        energy("0.35", day_of_week=["SUNDAY"]),
        energy("0.49"),
    )
    saturday_night = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)

    now = price_now(terms, HELSINKI, saturday_night)

    assert now.until == datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # Monday 06:00
    assert now.following[Dimension.ENERGY].element == 2


def test_a_border_skipped_by_the_clock_change_takes_effect_at_the_change():
    terms = week(energy("0.20", start_time="00:00", end_time="03:30"), energy("0.40"))
    before = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 02:00; at 03:00 the clocks show 04:00

    now = price_now(terms, HELSINKI, before)

    assert now.until == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_one_price_for_ever_has_no_end():
    now = price_now(week(energy("0.40")), HELSINKI, FRIDAY_NOON)

    assert (now.until, now.following) == (None, {})


def test_it_says_when_the_session_itself_may_change_the_price():
    terms = week(energy("0.40", max_kwh="10"), energy("0.60"))

    now = price_now(terms, HELSINKI, FRIDAY_NOON)

    assert str(now.prices[Dimension.ENERGY].component.price) == "0.40"
    assert now.depends_on_session


def test_a_reservation_price_is_no_price_for_charging():
    reserved = {
        "price_components": [{"type": "TIME", "price": "3"}],
        "restrictions": {"reservation": "RESERVATION", "max_duration": 60},
    }

    now = price_now(week(reserved, energy("0.40")), HELSINKI, FRIDAY_NOON)

    assert list(now.prices) == [Dimension.ENERGY]
    assert not now.depends_on_session


def test_overlapping_hours_are_named_with_their_winner():
    review = review_week(HARBOUR, HELSINKI, FRIDAY_NOON)

    found = [(each.weekday, each.from_minute, each.to_minute, each.winner, each.hidden) for each in review.overlaps]
    assert found == [(weekday, 16 * 60, 20 * 60, 0, (1,)) for weekday in range(5)]
    assert (review.gaps, review.never_used) == ((), ())


def test_an_overlap_reaches_as_far_as_it_does():
    terms = week(energy("0.5", end_time="12:00"), energy("0.4", start_time="06:00"), energy("0.3", start_time="18:00"))

    review = review_week(terms, HELSINKI, FRIDAY_NOON)

    monday = [(each.from_minute, each.to_minute, each.winner, each.hidden) for each in review.overlaps[:2]]
    assert monday == [(6 * 60, 12 * 60, 0, (1,)), (18 * 60, 24 * 60, 1, (2,))]


def test_hours_without_a_price_are_named():
    terms = week(
        energy("0.5", start_time="06:00", end_time="22:00", day_of_week=WORKDAYS), energy("0.4", end_time="06:00")
    )

    review = review_week(terms, HELSINKI, FRIDAY_NOON)

    gaps = [(gap.weekday, gap.from_minute, gap.to_minute) for gap in review.gaps]
    assert gaps[0] == (0, 22 * 60, 24 * 60)
    assert gaps[-1] == (6, 6 * 60, 24 * 60)


def test_a_fallback_is_no_overlap():
    review = review_week(
        week(energy("0.2", start_time="22:00", end_time="06:00"), energy("0.4")), HELSINKI, FRIDAY_NOON
    )

    assert (review.gaps, review.overlaps, review.never_used) == ((), (), ())


def test_an_element_behind_one_that_always_applies_is_never_used():
    terms = week(energy("0.4"), energy("0.2", start_time="22:00", end_time="06:00"))

    assert review_week(terms, HELSINKI, FRIDAY_NOON).never_used == (1,)


def test_an_element_behind_limits_or_dates_may_be_used():
    terms = week(energy("0.4", max_kwh="10"), energy("0.3", end_date="2026-12-24"), energy("0.5"))

    assert review_week(terms, HELSINKI, FRIDAY_NOON).never_used == ()


def test_an_overlap_is_one_stretch_whatever_changes_for_other_prices_meanwhile():
    parking = {
        "price_components": [{"type": "PARKING_TIME", "price": "6"}],
        "restrictions": {"start_time": "08:00", "end_time": "18:00"},
    }
    terms = week(energy("0.5", end_time="12:00"), energy("0.4", start_time="06:00", end_time="22:00"), parking)

    review = review_week(terms, HELSINKI, FRIDAY_NOON)

    assert [(each.from_minute, each.to_minute) for each in review.overlaps] == [(6 * 60, 12 * 60)] * 7
