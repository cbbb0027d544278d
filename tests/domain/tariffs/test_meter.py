"""Registers of all kinds, and the energy that is billed for them."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tariffs import ChargingState, Reading, parse_tariff, price, usage_from_meter

START = datetime(2026, 3, 17, 9, tzinfo=UTC)


def after(minutes):
    return START + timedelta(minutes=minutes)


def metered(*registers, states=()):
    """Usage of a session whose register was read every ten minutes, the first and last time at its ends."""
    inside = [Reading(after(10 * n), wh) for n, wh in enumerate(registers)][1:-1]
    return usage_from_meter(START, after(10 * (len(registers) - 1)), registers[0], registers[-1], inside, states)


def energies(usage):
    return [period.energy_wh for period in usage.periods]


def test_the_energy_lies_between_the_readings():
    usage = metered(1000, 3000, 3500, 8000)

    assert energies(usage) == [2000, 500, 4500]
    assert [period.start for period in usage.periods] == [START, after(10), after(20)]
    assert usage.energy_wh == 7000
    assert usage.flags == frozenset()


CASES = {
    "a dip that is made up for": ((1000, 3000, 2500, 4000), 3000, {"meter_dip"}),
    "a glitch to zero": ((500_000, 510_000, 0, 511_000, 512_000), 12_000, {"meter_dip"}),
    "a stop below the last reading: the stop rules": ((1000, 2421, 2310), 1310, {"meter_dip"}),
    "a stop below the start": ((500_000, 499_200), 0, {"meter_dip", "interpolated"}),
    "a restart at zero": ((500_000, 510_000, 200, 3200), 13_000, {"meter_reset"}),
    "a restart of a register that counts per session": ((0, 5000, 0, 3000), 8000, {"meter_reset"}),
    "a restart that ends above the start": ((1000, 6000, 100, 3100), 8000, {"meter_reset"}),
    "two restarts": ((9000, 10_000, 0, 4000, 50, 1050), 6000, {"meter_reset"}),
    "a restart before any energy, read at the stop only": ((500_000, 3000), 0, {"meter_reset", "interpolated"}),
    "a dip before a restart": ((500_000, 510_000, 509_000, 0, 3000), 12_000, {"meter_dip", "meter_reset"}),
    "a rollover": ((9_999_000, 9_999_900, 100, 1100), 1900, {"meter_reset"}),
    "a spike": ((500_000, 510_000, 99_999_999, 511_000, 520_000), 20_000, {"meter_spike"}),
    "a stop no connector can reach": ((0, 10_000, 2_147_483_647), 2_147_483_647, {"meter_implausible"}),
    "a register that stands still": ((700, 700, 700), 0, set()),
    "more than 32 bits": ((4_296_900_000, 4_296_920_000, 4_296_944_685), 44_685, set()),
}


@pytest.mark.parametrize(("registers", "energy_wh", "flags"), CASES.values(), ids=CASES.keys())
def test_registers(registers, energy_wh, flags):
    usage = metered(*registers)

    assert usage.energy_wh == energy_wh
    assert usage.flags == flags
    assert all(wh >= 0 for wh in energies(usage))


def test_readings_outside_the_session_are_ignored():
    readings = [Reading(after(-1), 0), Reading(after(5), 1500), Reading(after(10), 1), Reading(after(600), 99_000)]

    usage = usage_from_meter(START, after(10), 1000, 2000, readings)

    assert energies(usage) == [500, 500]
    assert usage.flags == frozenset()


def test_without_readings_the_energy_is_spread_evenly():
    usage = usage_from_meter(START, after(60), 1000, 9000)

    assert energies(usage) == [8000]
    assert usage.flags == {"interpolated"}


def test_states_cut_the_energy_and_say_who_paused():
    states = [
        ChargingState(after(40), after(50), charging=False, suspended_by="vehicle"),
        ChargingState(after(20), after(30), charging=False, suspended_by="station"),
    ]

    usage = usage_from_meter(START, after(60), 0, 6000, [Reading(after(20), 4000), Reading(after(30), 4000)], states)

    assert [(p.start, p.energy_wh, p.charging, p.suspended_by) for p in usage.periods] == [
        (START, 4000, True, None),
        (after(20), 0, False, "station"),
        (after(30), Fraction(2000, 3), True, None),
        (after(40), Fraction(2000, 3), False, "vehicle"),
        (after(50), Fraction(2000, 3), True, None),
    ]
    assert usage.energy_wh == 6000


def test_states_are_clipped_to_the_session_and_the_first_of_two_at_once_counts():
    states = [
        ChargingState(after(-10), after(20), charging=False),
        ChargingState(after(10), after(90), charging=True),
        ChargingState(after(100), after(200), charging=False),
    ]

    usage = usage_from_meter(START, after(60), 0, 0, (), states)

    assert [(p.start, p.end, p.charging) for p in usage.periods] == [
        (START, after(20), False),
        (after(20), after(60), True),
    ]


@pytest.mark.parametrize(
    ("start_wh", "stop_wh", "energy_wh"), [(1000, None, 1500), (None, 3000, 1000), (None, None, 500)]
)
def test_an_unknown_register_is_estimated_from_the_nearest_reading(start_wh, stop_wh, energy_wh):
    readings = [Reading(after(10), 2000), Reading(after(20), 2500)]

    usage = usage_from_meter(START, after(30), start_wh, stop_wh, readings)

    assert usage.energy_wh == energy_wh
    assert usage.flags == {"estimated"}


def test_nothing_known_is_nothing_billed():
    usage = usage_from_meter(START, after(30), None, None)

    assert energies(usage) == [0]
    assert usage.flags == {"estimated", "interpolated"}


def test_a_session_of_no_length_keeps_its_energy():
    usage = usage_from_meter(START, START, 1000, 1800)

    assert [(p.start, p.end, p.energy_wh) for p in usage.periods] == [(START, START, 800)]
    assert usage.flags == {"interpolated"}


def test_a_lot_of_energy_in_no_time_is_implausible():
    usage = usage_from_meter(START, START, 1000, 21_000)

    assert usage.energy_wh == 20_000
    assert "meter_implausible" in usage.flags


def test_a_stop_before_the_start_is_a_session_of_no_length():
    usage = usage_from_meter(START, after(-5), 1000, 1800)

    assert usage.energy_wh == 800
    assert usage.flags == {"interpolated", "stop_before_start"}


def test_what_was_odd_goes_with_the_bill():
    terms = parse_tariff({"elements": [{"price_components": [{"type": "ENERGY", "price": "0.5"}]}]})
    odd, plain = metered(1000, 3000, 2500, 4000), usage_from_meter(START, after(10), 0, 2000)

    odd_bill, plain_bill = (price(terms, usage, ZoneInfo("UTC"), "EUR") for usage in (odd, plain))

    assert (odd_bill.needs_review, odd_bill.flags) == (True, {"meter_dip"})
    assert (plain_bill.needs_review, plain_bill.flags) == (False, {"interpolated"})


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=12))
def test_energy_is_never_negative_and_never_more_than_every_rise_together(registers):
    usage = metered(*registers)

    rises = sum(max(high - low, 0) for low, high in zip(registers, registers[1:], strict=False))
    assert 0 <= usage.energy_wh <= rises
    assert all(wh >= 0 for wh in energies(usage))


@given(st.integers(0, 10**12), st.lists(st.integers(0, 500_000), min_size=1, max_size=12))
def test_a_rising_register_bills_stop_minus_start(first, rises):
    registers = [first]
    for rise in rises:
        registers.append(registers[-1] + rise)

    usage = metered(*registers)

    assert usage.energy_wh == registers[-1] - registers[0]
    assert usage.flags <= {"interpolated"}
