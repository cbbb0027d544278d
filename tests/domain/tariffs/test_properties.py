"""What holds for every tariff and every session."""

import copy
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.tariffs import price_described
from domain.tariffs.described import priced
from tests.domain.tariffs.oracle import moment, oracle_lines, oracle_total
from tests.domain.tariffs.strategies import bodies

SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
FAST = settings(SLOW, max_examples=150)


@SLOW
@given(bodies())
def test_it_agrees_with_an_engine_that_looks_every_ten_seconds(body):
    quantities = oracle_lines(body)

    bill = priced(body)

    billed = [
        ((line.reservation, line.dimension, line.element), line.quantity * (1000 if line.unit == "kWh" else 1))
        if line.quantity_s is None
        else ((line.reservation, line.dimension, line.element), line.quantity_s)
        for line in bill.lines
    ]
    assert billed == list(quantities.items())
    assert (bill.total.net, bill.total.gross) == oracle_total(body, quantities)


@FAST
@given(bodies(), st.data())
def test_it_costs_the_same_however_the_periods_are_split(body, data):
    whole = price_described(body)
    pieces = []
    for period in body["session"]["periods"]:
        pieces += split(period, data.draw(st.sampled_from([Fraction(1, 2), Fraction(1, 5), Fraction(9, 10)])))
    body["session"]["periods"] = pieces

    parts = price_described(body)

    assert parts == whole


@FAST
@given(bodies())
def test_net_and_vat_make_gross_in_every_line_and_in_total(body):
    bill = priced(body)

    billed = [line.billed for line in bill.lines] + ([bill.adjustment.billed] if bill.adjustment else [])
    assert all(amount.net_minor + amount.vat_minor == amount.gross_minor for amount in [*billed, bill.billed])
    assert sum(amount.net_minor for amount in billed) == bill.billed.net_minor
    assert sum(amount.gross_minor for amount in billed) == bill.billed.gross_minor
    exact = [line.exact for line in bill.lines] + ([bill.adjustment.exact] if bill.adjustment else [])
    assert sum(amount.net for amount in exact) == bill.total.net
    assert sum(amount.gross for amount in exact) == bill.total.gross


@FAST
@given(bodies())
def test_it_never_costs_less_than_nothing(body):
    bill = priced(body)

    assert 0 <= bill.total.net <= bill.total.gross
    assert 0 <= bill.billed.net_minor <= bill.billed.gross_minor
    assert all(0 <= line.billed.net_minor <= line.billed.gross_minor for line in bill.lines)


@FAST
@given(bodies())
def test_rounding_each_line_moves_the_total_by_half_a_unit_a_line_at_most(body):
    bill = priced(body)

    half_units = Fraction(len(bill.lines) + 1, 2)
    scale = {"EUR": 100, "JPY": 1, "KWD": 1000}[bill.currency]
    assert abs(bill.billed.net_minor - bill.total.net * scale) <= half_units
    assert abs(bill.billed.gross_minor - bill.total.gross * scale) <= half_units


@FAST
@given(bodies(of_session=False, limits=False), st.integers(2, 9))
def test_more_energy_never_costs_less(body, factor):
    # With steps it can: what a step adds is charged at the price used last, which may be a dear one.
    for element in body["tariff"]["elements"]:
        for component in element["price_components"]:
            component["step_size"] = 0
    more = copy.deepcopy(body)
    for period in more["session"]["periods"]:
        period["energy_kwh"] = str(Decimal(period["energy_kwh"]) * factor)

    little, much = priced(body), priced(more)

    assert much.total.net >= little.total.net
    assert much.total.gross >= little.total.gross


@FAST
@given(bodies())
def test_it_only_uses_exact_numbers(body):
    bill = priced(body)

    exact = [bill.total, *(line.exact for line in bill.lines)]
    assert {type(side) for amount in exact for side in (amount.net, amount.gross)} <= {Fraction}
    assert {type(line.quantity) for line in bill.lines} <= {Fraction}


def split(period, share):
    start, end = moment(period["start"]), moment(period["end"])
    middle = start + timedelta(microseconds=int((end - start) / timedelta(microseconds=1) * share))
    if middle in (start, end):
        return [period]
    energy = Fraction(period["energy_kwh"])
    first = energy * Fraction((middle - start) // timedelta(microseconds=1), (end - start) // timedelta(microseconds=1))
    return [
        {**period, "end": middle.isoformat(), "energy_kwh": decimal(first)},
        {**period, "start": middle.isoformat(), "energy_kwh": decimal(energy - first)},
    ]


def decimal(number):
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):f}"
    assert Fraction(text) == number
    return text


def test_decimal_refuses_what_it_cannot_print():
    with pytest.raises(AssertionError):
        decimal(Fraction(1, 3))
