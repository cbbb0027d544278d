"""Currencies: how many decimals each has, and the one way money is rounded.

Source: ISO 4217, list of active codes and their minor units.
"""

from decimal import Decimal
from fractions import Fraction

from domain.errors import Refused

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE
CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY
TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW
"""
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in ((0, _NO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS))
    for code in codes.split()
}


class UnknownCurrency(Refused):
    """A code that is not in the table."""

    def __init__(self) -> None:
        message = "This currency is not known. Use a three-letter ISO 4217 code such as EUR."
        super().__init__(message, errors=[("currency", message)])


def exponent(currency: str) -> int:
    """The number of decimals of a currency: 0, 2 or 3.

    Raises: UnknownCurrency.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency from None


def round_half_up(amount: Fraction | Decimal | int, decimals: int) -> Decimal:
    """An exact amount with so many decimals; a half goes away from zero.

    >>> round_half_up(Decimal("5.125"), 2)
    Decimal('5.13')
    """
    scaled = Fraction(amount) * 10**decimals
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    sign = "-" if scaled < 0 and whole else ""
    # Built from text because arithmetic on Decimal keeps only 28 digits.
    return Decimal(f"{sign}{whole}E-{decimals}") if decimals else Decimal(f"{sign}{whole}")


def to_minor(amount: Fraction | Decimal | int, currency: str) -> int:
    """An exact amount as whole minor units, rounded half up.

    >>> to_minor(Decimal("0.8845"), "BHD")
    885
    """
    exact = amount if isinstance(amount, Fraction) else Fraction(amount)
    scaled, parts = exact.numerator * 10 ** exponent(currency), exact.denominator
    whole: int = (2 * abs(scaled) + parts) // (2 * parts)
    return -whole if scaled < 0 else whole


def from_minor(minor: int, currency: str) -> Decimal:
    """Minor units as a Decimal with the currency's decimals.

    >>> from_minor(1050, "EUR")
    Decimal('10.50')
    """
    return round_half_up(Fraction(minor, 10 ** exponent(currency)), exponent(currency))


def round_money(amount: Fraction | Decimal | int, currency: str) -> Decimal:
    """An exact amount with the currency's decimals, rounded half up.

    >>> round_money(Decimal("430.5"), "JPY")
    Decimal('431')
    """
    return round_half_up(amount, exponent(currency))
