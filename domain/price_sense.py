"""Which prices are unusual, so that somebody is asked before they are published, and which are beyond sense."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from domain.price_rows import PriceRow

# About how many of it are a euro. Nothing is computed with these but whether to ask.
_A_EURO = {
    "EUR": 1, "USD": 1, "GBP": 1, "CHF": 1, "CAD": 2, "AUD": 2, "NZD": 2, "SGD": 2, "BGN": 2, "SEK": 11, "NOK": 12,
    "DKK": 8, "ISK": 150, "PLN": 4, "CZK": 25, "HUF": 400, "RON": 5, "RSD": 117, "TRY": 45, "UAH": 48, "GEL": 3,
    "KZT": 550, "JPY": 170, "KRW": 1600, "CNY": 8, "HKD": 9, "TWD": 35, "INR": 100, "THB": 38, "MYR": 5, "PHP": 65,
    "VND": 28_000, "IDR": 18_000, "MXN": 21, "BRL": 6, "CLP": 1050, "COP": 4500, "ZAR": 20, "AED": 4, "SAR": 4,
    "QAR": 4, "ILS": 4, "MAD": 11, "EGP": 55, "KES": 150, "NGN": 1700,
}  # fmt: skip
# What drivers pay anywhere, in euros: more has to be confirmed, a hundred times as much is refused.
_USUAL_MOST = {"energy": Decimal(2), "time": Decimal("1.5"), "parking": Decimal(2), "flat": Decimal(30)}
_USUAL_LEAST_KWH = Decimal("0.02")
_BEYOND = 100
_USUAL_MOST_VAT = 30
_USUAL_MOST_GRACE_MIN = 12 * 60


@dataclass(frozen=True)
class Doubt:
    """An unusual amount in one field; `perhaps` is what may have been meant, in hundreds or hundredths."""

    field: str
    amount: Decimal
    perhaps: Decimal | None = None


def doubts(row: PriceRow, currency: str) -> list[Doubt]:
    """What to ask about before this row is saved. Of a currency without known worth only the VAT is judged."""
    found = [doubt for name in _USUAL_MOST if (doubt := _doubt(name, getattr(row, name), currency))]
    if row.vat is not None and row.vat > _USUAL_MOST_VAT:
        found.append(Doubt("vat", row.vat))
    return found


def doubtful_grace(minutes: int) -> bool:
    """Whether parking is free for unusually long."""
    return minutes > _USUAL_MOST_GRACE_MIN


def beyond_sense(row: PriceRow, currency: str) -> Iterator[tuple[str, Decimal]]:
    """The fields whose price nobody can mean, each with the highest that is accepted."""
    worth = _A_EURO.get(currency)
    if worth is None:
        return
    for name, most in _USUAL_MOST.items():
        amount = getattr(row, name)
        if amount is not None and amount > most * worth * _BEYOND:
            yield name, most * worth * _BEYOND


def _doubt(name: str, amount: Decimal | None, currency: str) -> Doubt | None:
    worth = _A_EURO.get(currency)
    if worth is None or not amount:
        return None
    most, least = _USUAL_MOST[name] * worth, _USUAL_LEAST_KWH * worth if name == "energy" else Decimal(0)
    if amount > most:
        return Doubt(name, amount, amount / 100 if least <= amount / 100 <= most else None)
    if amount < least:
        return Doubt(name, amount, amount * 100 if amount * 100 <= most else None)
    return None
