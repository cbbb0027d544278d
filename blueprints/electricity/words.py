"""Prices, doubts and differences in sentences."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import format_date

from blueprints.electricity import week
from blueprints.formats import duration, number, when
from blueprints.price_words import unit_price
from domain.price_diff import Difference, RowChange
from domain.price_rows import PriceRow
from domain.price_sense import Doubt, doubtful_grace, doubts

PER = {
    "energy": " per kWh",
    "time": " per minute of charging",
    "parking": " per minute of parking",
    "flat": " per session",
}
LABELS = {
    "name": "Name",
    "days": "Days",
    "hours": "Hours",
    "conditions": "Conditions",
    "energy": "Energy, kWh",
    "time": "Charging, min",
    "parking": "Parking, min",
    "flat": "Per session",
    "vat": "VAT",
}
SETTING_LABELS = {
    "name": "Price list",
    "currency": "Currency",
    "tax_included": "VAT",
    "min_price": "Minimum price of a session",
    "max_price": "Maximum price of a session",
    "idle_grace_s": "Parking is free for",
    "valid_from": "Valid from",
    "valid_until": "Valid until",
}
TAX = {"YES": "included in the prices", "NO": "added to the prices", "N/A": "none"}
_OF = {"kwh": ("", "kWh"), "duration": ("", "min"), "power": ("", "kW"), "current": ("", "A")}


def row_name(row: PriceRow, index: int | None = None) -> str:
    if row.name:
        return row.name
    return f"Row {index + 1}" if index is not None else "a price without a name"


def conditions(row: PriceRow) -> str:
    """ "from 20 kWh, below 22 kW, from 1 Jun 2027" """
    return ", ".join(_conditions(row))


def unusual(row: PriceRow, grace: int | None, currency: str) -> list[str]:
    """What to ask before such a row is saved."""
    asked = [_doubt(each, currency) for each in doubts(row, currency)]
    if grace is not None and doubtful_grace(grace):
        asked.append(f"Parking would be free for {duration(grace * 60)}. Is that meant?")
    return asked


def past_midnight(row: PriceRow, name: str) -> str | None:
    """What hours mean that go on past midnight; on chosen days not what people expect."""
    if not row.wraps:
        return None
    if not row.days:
        return f"“{name}” runs past midnight, from {row.from_time} to {row.to_time} of the next day."
    return (
        f"“{name}” runs past midnight, and only on {week.day_words(row.days)}: there it applies from 00:00 to "
        f"{row.to_time} and from {row.from_time} to 24:00 of the same day."
    )


Told = list[tuple[str, list[tuple[str, str, str]]]]


def differences(found: Difference, currencies: tuple[str, str], zone: str) -> Told:
    """What differs: a heading such as "Peak changed", and lines of label, before, after."""
    told = [_row_change(each, currencies) for each in found.rows]
    if found.order:
        names = ", ".join(row_name(row, index) for index, row in enumerate(found.order))
        told.append(("Order changed", [("First match wins", "", names)]))
    if found.settings:
        lines = [
            (SETTING_LABELS[name], *(setting(name, value, currency, zone) for value, currency in
             zip((before, after), currencies, strict=True)))
            for name, before, after in found.settings
        ]  # fmt: skip
        told.append(("The whole price list", lines))
    return told


def value(row: PriceRow, name: str, currency: str) -> str:
    """One field of a row as people read it."""
    if name == "days":
        return week.day_words(row.days, week.SHORT) if row.days else "every day"
    if name == "hours":
        return "all day" if row.is_always else f"{row.from_time} to {row.to_time}"
    if name == "conditions":
        return conditions(row) or "none"
    if name == "name":
        return row.name or "none"
    amount: Decimal | None = getattr(row, name)
    if amount is None:
        return "none"
    return f"{amount.normalize():f} %" if name == "vat" else unit_price(amount, currency)


def limit(amounts: dict[str, Any] | None, currency: str) -> str:
    """ "€2.00 with VAT" """
    names = (("incl_vat", "with VAT"), ("excl_vat", "without VAT"))
    given = [(Decimal(str(amounts[key])), text) for key, text in names if amounts.get(key)] if amounts else []
    told = [f"{unit_price(amount, currency)} {text}" for amount, text in given]
    return ", ".join(told) or "none"


def _row_change(change: RowChange, currencies: tuple[str, str]) -> tuple[str, list[tuple[str, str, str]]]:
    before, after = change.before, change.after
    if before is not None and after is not None:
        lines = [
            (LABELS[name], value(before, name, currencies[0]), value(after, name, currencies[1]))
            for name in change.fields
        ]
        return f"{row_name(after)} changed", lines
    row, verb = (after, "added") if after is not None else (before, "removed")
    assert row is not None  # noqa: S101 - a change has a side
    lines = [("When", "", week.when_words(row))]
    for name in ("conditions", "energy", "time", "parking", "flat", "vat"):
        told = value(row, name, currencies[after is not None])
        if told != "none":
            lines.append((LABELS[name], "", told))
    return f"{row_name(row)} {verb}", lines


def setting(name: str, value: Any, currency: str, zone: str) -> str:
    """One member of a price list as people read it."""
    shows: dict[str, Callable[[Any], str]] = {
        "tax_included": lambda told: TAX.get(told or "NO", str(told)),
        "min_price": lambda told: limit(told, currency),
        "max_price": lambda told: limit(told, currency),
        "idle_grace_s": lambda told: duration(told) if told else "not free",
        "valid_from": lambda told: when(told, zone) if told else "at once",
        "valid_until": lambda told: when(told, zone) if told else "no end",
    }
    return shows.get(name, str)(value)


def _conditions(row: PriceRow) -> Iterator[str]:
    for name, amount in row.limits.items():
        bound, of = name.split("_")
        yield f"{'from' if bound == 'min' else 'below'} {number(amount, _decimals(amount))} {_OF[of][1]}"
    if row.since:
        yield f"from {_day(row.since)}"
    if row.until:
        yield f"until {_day(row.until - timedelta(days=1))}"
    if row.has_more:
        yield "further conditions, set through the API"


def _doubt(doubt: Doubt, currency: str) -> str:
    if doubt.field == "vat":
        return f"VAT of {doubt.amount.normalize():f} % is unusual. Is that meant?"
    asked = f" Did you mean {unit_price(doubt.perhaps, currency)}?" if doubt.perhaps is not None else " Is that meant?"
    return f"{unit_price(doubt.amount, currency)}{PER[doubt.field]} is unusual.{asked}"


def _day(day: date) -> str:
    return str(format_date(day, "d MMM y"))


def _decimals(amount: Decimal) -> int:
    return max(0, -int(amount.normalize().as_tuple().exponent))
