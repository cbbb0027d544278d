"""The physics: curves, limits, units."""

import pytest

from simulator.power import Outlet, Vehicle, charging_power_w

AC7, AC22, DC150 = Outlet("AC", 7_400, 1), Outlet("AC", 22_000, 3), Outlet("DC", 150_000, 1)
LATER_S = 600


@pytest.mark.parametrize(
    ("outlet", "vehicle", "limit_w", "watts"),
    [
        (AC22, Vehicle(ac_max_w=11_000), None, 11_000),
        (AC22, Vehicle(ac_max_w=22_000), None, 22_000),
        (AC7, Vehicle(ac_max_w=22_000), None, 7_400),
        (AC22, Vehicle(ac_max_w=11_000), 5_000, 5_000),
        # 6 A on three phases is 4140 W: less is a pause.
        (AC22, Vehicle(ac_max_w=11_000), 4_139, 0),
        (AC7, Vehicle(), 1_380, 1_380),
        (AC22, Vehicle(soc=1.0), None, 0),
        # 98.5 %: half of the way from full power to a fifth.
        (AC22, Vehicle(soc=0.985), None, 6_600),
        (DC150, Vehicle(soc=0.3, dc_max_w=120_000), None, 120_000),
        # 80 %: 45 % of the peak.
        (DC150, Vehicle(soc=0.8, dc_max_w=120_000), None, 54_000),
        (DC150, Vehicle(soc=0.3, dc_max_w=250_000), None, 150_000),
        (DC150, Vehicle(soc=0.3), 1_000, 1_000),
    ],
)
def test_power_is_the_least_of_car_connector_and_limit(outlet, vehicle, limit_w, watts):
    power_w = charging_power_w(outlet, vehicle, limit_w=limit_w, on_for_s=LATER_S)

    assert power_w == pytest.approx(watts)


def test_power_rises_in_the_first_seconds():
    powers = [charging_power_w(AC22, Vehicle(), limit_w=None, on_for_s=seconds) for seconds in (0, 2, 10)]

    assert powers == pytest.approx([1_100, 5_500, 11_000])


def test_a_full_battery_stays_full():
    vehicle = Vehicle(battery_wh=10_000, soc=0.95)

    vehicle.take(400)
    almost = vehicle.soc
    vehicle.take(400)

    assert almost == pytest.approx(0.99)
    assert vehicle.soc == 1.0
    assert vehicle.is_full


def test_amps_become_watts():
    assert AC22.watts(16) == 11_040
    assert AC22.watts(16, phases=1) == 3_680
    assert AC7.watts(16) == 3_680
    assert DC150.watts(100) == 41_000
    assert AC22.amps(11_040) == 16
