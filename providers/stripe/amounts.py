"""Amounts as Stripe counts them, which is not always as ISO 4217 does.

Source: Stripe, "Supported currencies": zero-decimal list, special cases, three-decimal currencies.
"""

from domain.currencies import exponent

_ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
# Without decimals since long, but counted in hundredths, of which only whole hundreds are taken.
_HUNDREDTHS_ALL_THE_SAME = frozenset({"ISK", "UGX"})


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units in Stripe's, rounded down to what Stripe takes: nobody pays more than the bill says.

    >>> to_stripe(1050, "EUR"), to_stripe(500, "JPY"), to_stripe(500, "ISK"), to_stripe(5127, "KWD")
    (1050, 500, 50000, 5120)
    """
    if currency in _HUNDREDTHS_ALL_THE_SAME:
        return minor * 100
    if currency in _ZERO_DECIMAL:
        return minor // 10 ** exponent(currency)
    return minor // 10 * 10 if exponent(currency) == 3 else minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's amount in our minor units.

    >>> from_stripe(50000, "ISK"), from_stripe(7, "MGA"), from_stripe(5120, "KWD")
    (500, 700, 5120)
    """
    if currency in _HUNDREDTHS_ALL_THE_SAME:
        return amount // 100
    return amount * 10 ** exponent(currency) if currency in _ZERO_DECIMAL else amount
