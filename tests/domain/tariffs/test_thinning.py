"""Readings left out change nothing: the bill is the same as with all of them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tariffs import ChargingState, Pricer, Reading, Thinning, parse_tariff, price, usage_from_meter

HELSINKI = ZoneInfo("Europe/Helsinki")
START = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)


def element(price, **restrictions):
    components = [
        {"type": "ENERGY", "price": price, "vat": "25.5", "step_size": 1},
        {"type": "PARKING_TIME", "price": "6.00", "vat": "25.5", "step_size": 60},
    ]
    return {"price_components": components} | ({"restrictions": restrictions} if restrictions else {})


CLOCK = [element("0.59", start_time="03:15", end_time="05:00"), element("0.41", day_of_week=["SUNDAY"]), element("0.3")]
BY_CLOCK = {"elements": CLOCK, "idle_grace_s": 900, "tax_included": "YES"}
BY_TIME = {"elements": [element("0.2", max_duration=1800), *CLOCK], "tax_included": "NO"}
BY_ENERGY = {"elements": [element("0.2", max_kwh="5"), *CLOCK], "tax_included": "YES"}
BY_POWER = {"elements": [element("0.9", min_power="11"), *CLOCK], "tax_included": "YES"}


@st.composite
def visits(draw):
    """A session around the night that the clocks go back, with a register that mostly behaves."""
    start = START + timedelta(minutes=draw(st.integers(0, 600)))
    gaps = draw(st.lists(st.integers(1, 3000), min_size=2, max_size=14))
    steps = draw(st.lists(st.integers(0, 900), min_size=len(gaps), max_size=len(gaps)))
    if draw(st.booleans()):
        steps[draw(st.integers(0, len(steps) - 1))] = draw(st.sampled_from([-400, -90_000, 3_000_000]))
    at, register, readings = start, draw(st.integers(100_000, 200_000)), []
    begin = register
    for gap, step in zip(gaps, steps, strict=True):
        at, register = at + timedelta(seconds=gap), max(0, register + step)
        readings.append(Reading(at, register))
    stop = at + timedelta(seconds=draw(st.integers(1, 3000)))
    end = draw(st.sampled_from([register, register + 120, None]))
    parked = start + (stop - start) * draw(st.sampled_from([0.3, 0.8]))
    states = [
        ChargingState(start, parked, True),
        ChargingState(parked, stop, False, draw(st.sampled_from(["vehicle", "station"]))),
    ]
    return start, stop, begin, end, readings, states


@pytest.mark.parametrize("body", [BY_CLOCK, BY_TIME, BY_ENERGY, BY_POWER])
@settings(deadline=None, max_examples=150)
@given(visit=visits())
def test_the_bill_is_the_same(body, visit):
    start, stop, begin, end, readings, states = visit
    terms = parse_tariff(body)
    whole = price(terms, usage_from_meter(*visit), HELSINKI, "EUR")

    kept = Thinning(terms, HELSINKI).thin(*visit)
    thin = price(terms, usage_from_meter(start, stop, begin, end, kept, states), HELSINKI, "EUR")

    assert (thin.total, thin.billed, thin.energy_wh, thin.adjustment) == (
        whole.total,
        whole.billed,
        whole.energy_wh,
        whole.adjustment,
    )
    assert thin.flags - {"interpolated"} == whole.flags - {"interpolated"}
    assert {(line.element, line.dimension, line.exact) for line in thin.lines} == {
        (line.element, line.dimension, line.exact) for line in whole.lines
    }


@settings(deadline=None, max_examples=50)
@given(several=st.lists(visits(), min_size=2, max_size=4))
@pytest.mark.parametrize("body", [BY_CLOCK, BY_TIME, BY_ENERGY, BY_POWER])
def test_a_price_does_not_depend_on_what_was_priced_before(body, several):
    terms = parse_tariff(body)
    usages = [usage_from_meter(*visit) for visit in several]
    pricer = Pricer(terms, HELSINKI, "EUR")

    bills = [pricer.price(usage) for usage in usages]

    assert bills == [price(terms, usage, HELSINKI, "EUR") for usage in usages]


def test_a_steady_register_needs_few_readings():
    readings = [Reading(START + timedelta(minutes=minute), 1000 + 100 * minute) for minute in range(1, 60)]
    states = [ChargingState(START, START + timedelta(minutes=40, seconds=30), True)]

    kept = Thinning(parse_tariff(BY_CLOCK), HELSINKI).thin(
        START, START + timedelta(hours=1), 1000, 7000, readings, states
    )

    # Helsinki is at 23:00: only the state that ends at 23:40:30 asks for its two neighbours, and the start for one.
    assert [reading.at.minute for reading in kept] == [1, 40, 41]
