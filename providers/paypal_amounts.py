"""Amounts as PayPal writes them: decimal strings, with exactly the decimals that PayPal has for a currency.

Source: developer.paypal.com, REST reference, "Currency codes".
"""

from decimal import Decimal, InvalidOperation

from domain.currencies import exponent, from_minor
from domain.payment_provider import ProviderDeclined, ProviderMisuse

TWO_DECIMALS = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD ILS MXN MYR NOK NZD PHP PLN SEK SGD THB USD"
# PayPal takes whole forints and dollars; our bills have hundredths of them, which could then not be captured.
NO_DECIMALS = "HUF JPY TWD"
DECIMALS = {code: decimals for decimals, codes in ((2, TWO_DECIMALS), (0, NO_DECIMALS)) for code in codes.split()}


def refuse_unless_payable(currency: str) -> None:
    """
    Raises:
        ProviderDeclined: a bill in that currency could not be paid through PayPal to the last minor unit.
    """
    if DECIMALS.get(currency) != exponent(currency):
        raise ProviderDeclined(f"PayPal cannot take amounts in {currency}. Choose another payment provider.")


def to_value(minor: int, currency: str) -> str:
    """
    >>> to_value(4500, "EUR"), to_value(430, "JPY")
    ('45.00', '430')
    """
    refuse_unless_payable(currency)
    if minor <= 0:
        raise ProviderMisuse(f"{minor} {currency} is no amount to be paid")
    return str(from_minor(minor, currency))


def from_value(value: str, currency: str) -> int:
    """The minor units of an amount that PayPal told; it may be negative.

    Raises:
        ValueError: no amount, or one with more decimals than the currency has.
    """
    try:
        scaled = Decimal(value).scaleb(exponent(currency))
    except InvalidOperation:
        raise ValueError(f"PayPal told an amount of {value!r} {currency}") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"PayPal told an amount of {value!r} {currency}")
    return int(scaled)
