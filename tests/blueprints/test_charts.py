"""The drawings' geometry."""

from datetime import UTC, datetime, timedelta

from blueprints.charts import Band, bars, power_and_battery, spark

START = datetime(2026, 11, 20, 9, 24, tzinfo=UTC)


def minutes(*values):
    return [(START + timedelta(minutes=10 * n), value) for n, value in enumerate(values)]


def test_a_sparkline_rises_from_the_floor():
    line, area = spark([0, 5, 10])

    assert line == "M0 20L46 10L92 0"
    assert area == "M0 20L46 10L92 0V20H0Z"


def test_a_sparkline_without_values_lies_on_the_floor():
    assert spark([])[0] == "M0 20L92 20"


def test_power_and_battery_share_the_time_axis():
    chart = power_and_battery(minutes(0, 60, 30), minutes(20, 40, 100), "Europe/Helsinki", ticks=3)

    assert chart.first == "M0 300L500 0L1000 150"
    assert chart.second == "M0 240L500 180L1000 0"
    assert chart.area == "M0 300L500 0L1000 150L1000.0 300L0.0 300Z"
    assert chart.left == ["60", "40", "20", "0"]
    assert chart.bottom == ["11:24", "11:34", "11:44"]


def test_the_power_axis_has_round_steps():
    chart = power_and_battery(minutes(1, 62), [], "Europe/Helsinki")

    assert chart.left == ["75", "50", "25", "0"]
    assert chart.right == []


def test_one_reading_draws_nothing():
    assert power_and_battery(minutes(5), [], "Europe/Helsinki").is_empty


def test_a_band_of_the_week_is_placed_in_percent_of_the_day():
    band = Band(weekday=0, from_minute=360, to_minute=960, label="0.49", kind=2)

    assert (band.left, band.width, band.is_narrow) == (25.0, 41.67, False)


def test_bars_stand_on_the_floor_side_by_side():
    chart = bars(["Oct", "Nov"], [30, 60], [None, 15])

    assert [(bar.x, bar.y, bar.width, bar.height, bar.series) for bar in chart.bars] == [
        (75, 150, 175, 150, 1),
        (575, 0, 175, 300, 1),
        (750, 225, 175, 75, 2),
    ]
    assert chart.left == ["60", "40", "20", "0"]
    assert chart.bottom == ["Oct", "Nov"]


def test_bars_on_a_fixed_axis_and_without_values():
    assert bars(["a"], [50], top=100).bars[0].height == 150
    assert bars(["a"], [None]).is_empty


def test_labels_of_many_bars_leave_each_other_room():
    assert bars(list("abcdefghijkl"), [1] * 12).bottom == ["a", "", "c", "", "e", "", "g", "", "i", "", "k", ""]
