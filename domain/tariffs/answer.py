"""A bill in JSON: the shape that `POST /api/v1/tariffs/price` answers."""

from fractions import Fraction
from typing import Any

from domain.currencies import exponent, round_half_up
from domain.tariffs.bill import Bill, Exact, Line, Rounded

_REPEATING_DECIMALS = 6


def bill_in_json(bill: Bill, with_energy: bool = False) -> dict[str, Any]:
    """The bill as an object of decimal strings; what the tariff does not tell is null or absent."""
    decimals = exponent(bill.currency)
    answer: dict[str, Any] = {
        "total_excl_vat": _text(bill.total.net, decimals),
        "total_incl_vat": _text(bill.total.gross, decimals),
        "rounded_excl_vat": _or_none(bill.rounded.net),
        "rounded_incl_vat": _or_none(bill.rounded.gross),
        "lines": [_line(line, decimals) for line in bill.lines],
    }
    if bill.is_tax_known:
        answer["billed"] = _billed(bill.billed)
    if bill.adjustment:
        answer["adjustment"] = {"reason": bill.adjustment.reason, **_exact(bill.adjustment.exact, decimals)}
    if with_energy:
        answer["energy_kwh"] = _text(bill.energy_wh / 1000, 1)
        answer["needs_review"] = bill.needs_review
    return answer


def decimal_text(amount: Fraction, decimals: int) -> str:
    """The exact amount with at least so many decimals, or six of them, half up, if it never ends.

    >>> decimal_text(Fraction(1, 8), 2), decimal_text(Fraction(5), 2), decimal_text(Fraction(61, 60), 2)
    ('0.125', '5.00', '1.016667')
    """
    twos, rest = _divided_out(amount.denominator, 2)
    fives, rest = _divided_out(rest, 5)
    places = max(decimals, twos, fives) if rest == 1 else _REPEATING_DECIMALS
    return f"{round_half_up(amount, places):f}"


def _divided_out(number: int, factor: int) -> tuple[int, int]:
    times = 0
    while number % factor == 0:
        number //= factor
        times += 1
    return times, number


def _line(line: Line, decimals: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "type": str(line.dimension),
        "element": line.element,
        "quantity": decimal_text(line.quantity, 0),
        "unit": line.unit,
        "price": f"{line.unit_price:f}",
        **_exact(line.exact, decimals),
    }
    if line.quantity_s is not None:
        answer["quantity_s"] = decimal_text(line.quantity_s, 0)
    if line.vat_rate is not None:
        answer["vat"] = f"{line.vat_rate:f}"
    if line.reservation:
        answer["reservation"] = True
    return answer


def _exact(amount: Exact, decimals: int) -> dict[str, Any]:
    return {"excl_vat": _text(amount.net, decimals), "incl_vat": _text(amount.gross, decimals)}


def _billed(amount: Rounded) -> dict[str, Any]:
    return {"excl_vat": _or_none(amount.net), "vat": _or_none(amount.vat), "incl_vat": _or_none(amount.gross)}


def _text(amount: Fraction | None, decimals: int) -> str | None:
    return None if amount is None else decimal_text(amount, decimals)


def _or_none(amount: object) -> str | None:
    return None if amount is None else str(amount)
