"""Money: decimals, rounding, minor units."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import (
    EXPONENTS,
    UnknownCurrency,
    exponent,
    from_minor,
    round_half_up,
    round_money,
    to_minor,
)


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("ISK", 0), ("EUR", 2), ("HUF", 2), ("KWD", 3)])
def test_the_decimals_of_a_currency(currency, decimals):
    assert exponent(currency) == decimals


@pytest.mark.parametrize("currency", ["XXX", "eur", "", "EURO"])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(UnknownCurrency) as refusal:
        exponent(currency)

    assert refusal.value.errors[0][0] == "currency"


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("5.125", "5.13"),
        ("5.124999", "5.12"),
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("-0.0049", "0.00"),
        ("0", "0.00"),
    ],
)
def test_a_half_goes_away_from_zero(amount, rounded):
    assert str(round_money(Decimal(amount), "EUR")) == rounded


def test_more_digits_than_a_decimal_context_keeps_are_kept():
    assert str(round_half_up(Fraction(10**40 + 1, 8), 3)) == "1250000000000000000000000000000000000000.125"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("10.5", "EUR", 1050), ("430.5", "JPY", 431), ("0.8845", "BHD", 885)]
)
def test_amounts_in_minor_units(amount, currency, minor):
    assert to_minor(Decimal(amount), currency) == minor


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
def test_minor_units_come_back_as_they_went(minor, currency):
    assert to_minor(from_minor(minor, currency), currency) == minor
