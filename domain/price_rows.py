"""A tariff as the rows of a price list, and what becomes of the tariff when a row is changed.

A row is one OCPI element: prices for some days, hours and conditions. What a row cannot show (prices of reservations,
several VAT rates in one element) stays in its element untouched. Time is in minutes here; OCPI prices it by the hour
and limits it in seconds.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from domain.tariffs.parsing import WEEKDAYS

MIDNIGHT = "24:00"
# Conditions on how the session stands: from `min_`, below `max_`; kWh, minutes, kW, A.
LIMITS = tuple(f"{bound}_{of}" for of in ("kwh", "duration", "power", "current") for bound in ("min", "max"))
_SHOWN = frozenset({"day_of_week", "start_time", "end_time", "start_date", "end_date", *LIMITS})
_PER_MINUTE = frozenset({"TIME", "PARKING_TIME"})
_DIGITS = Decimal("0.000001")


@dataclass(frozen=True)
class PriceRow:
    """One price. `days` are 0 (Monday) to 6, none means every day; a price of None is left to a later row."""

    name: str = ""
    days: tuple[int, ...] = ()
    from_time: str = "00:00"
    to_time: str = MIDNIGHT
    energy: Decimal | None = None  # per kWh
    time: Decimal | None = None  # per minute of charging
    parking: Decimal | None = None  # per minute after charging
    flat: Decimal | None = None  # per session
    vat: Decimal | None = None
    limits: Mapping[str, Decimal] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None  # excluded
    has_more: bool = False  # restrictions that the row cannot show

    @property
    def is_always(self) -> bool:
        """Whether it applies at every time of day."""
        return self.from_time == "00:00" and self.to_time == MIDNIGHT

    @property
    def is_fallback(self) -> bool:
        """Whether nothing behind it is ever reached, as far as it has prices."""
        is_bound = self.days or self.limits or self.since or self.until or self.has_more
        return self.is_always and not is_bound

    @property
    def wraps(self) -> bool:
        """Whether its hours go on past midnight."""
        return self.from_time > self.to_time and self.to_time != "00:00"


_MEMBERS = {"ENERGY": "energy", "TIME": "time", "PARKING_TIME": "parking", "FLAT": "flat"}


def rows(body: Mapping[str, Any]) -> list[PriceRow]:
    """The elements of a tariff body as rows, first match first."""
    return [_row(element) for element in body.get("elements", [])]


def put(body: Mapping[str, Any], index: int | None, row: PriceRow) -> dict[str, Any]:
    """The body with that row in place of the one at `index`, or as a new one.

    A new row goes before the first that is more general than it: behind it, it would never be reached, or not always.
    """
    new = _copied(body)
    elements = new["elements"]
    if index is not None:
        elements[index] = _element(row, elements[index])
        return new
    elements.insert(place(body, row), _element(row, {}))
    return new


def place(body: Mapping[str, Any], row: PriceRow) -> int:
    """Where `put` adds a new row."""
    known = rows(body)
    if row.is_fallback:
        return len(known)
    return next((at for at, each in enumerate(known) if each.is_fallback or _is_more_general(each, row)), len(known))


def _is_more_general(other: PriceRow, row: PriceRow) -> bool:
    """Whether the other applies on all days of the row, at some of its hours, for longer, and without conditions."""
    if other.limits or other.since or other.until or other.has_more:
        return False
    is_on_all_days = not other.days or (row.days and set(row.days) <= set(other.days))
    hours, others_hours = _minutes(row), _minutes(other)
    is_longer = len(others_hours) * (len(other.days) or 7) > len(hours) * (len(row.days) or 7)
    has_more_conditions = bool(row.limits or row.since or row.until) and hours <= others_hours
    return bool(is_on_all_days and hours & others_hours and (is_longer or has_more_conditions))


def _minutes(row: PriceRow) -> set[int]:
    start, end = ((int(text[:2]) * 60 + int(text[3:])) for text in (row.from_time, row.to_time))
    return {*range(start, 1440), *range(end)} if row.wraps else set(range(start, end or 1440))


def without(body: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The body without that row."""
    new = _copied(body)
    del new["elements"][index]
    return new


def moved(body: Mapping[str, Any], index: int, by: int) -> dict[str, Any]:
    """The body with that row some places further down, or up if `by` is negative."""
    new = _copied(body)
    elements = new["elements"]
    elements.insert(max(0, min(len(elements) - 1, index + by)), elements.pop(index))
    return new


def usual_vat(body: Mapping[str, Any]) -> Decimal | None:
    """The VAT rate of most rows."""
    rates = [row.vat for row in rows(body) if row.vat is not None]
    return max(rates, key=rates.count) if rates else None


def _copied(body: Mapping[str, Any]) -> dict[str, Any]:
    new = copy.deepcopy(dict(body))
    new.setdefault("elements", [])
    return new


def _row(element: Mapping[str, Any]) -> PriceRow:
    asked = {name: value for name, value in (element.get("restrictions") or {}).items() if value not in (None, [])}
    components = element["price_components"]
    prices = {_MEMBERS[each["type"]]: _shown(each) for each in components}
    rates = [Decimal(str(each["vat"])) for each in components if each.get("vat") is not None]
    start, end = asked.get("start_time", "00:00"), asked.get("end_time", "00:00")
    since, until = (date.fromisoformat(asked[name]) if name in asked else None for name in ("start_date", "end_date"))
    return PriceRow(
        name=element.get("name") or "",
        days=tuple(sorted(WEEKDAYS.index(day) for day in asked.get("day_of_week", []))),
        from_time=start,
        to_time=MIDNIGHT if end == "00:00" else end,
        vat=rates[0] if rates else None,
        limits={name: _limit(name, asked[name]) for name in LIMITS if name in asked},
        since=since,
        until=until,
        has_more=bool(asked.keys() - _SHOWN),
        **prices,
    )


def _shown(component: Mapping[str, Any]) -> Decimal:
    price = Decimal(str(component["price"]))
    return (price / 60).quantize(_DIGITS).normalize() if component["type"] in _PER_MINUTE else price


def _limit(name: str, value: Any) -> Decimal:
    number = Decimal(str(value))
    return (number / 60).quantize(_DIGITS).normalize() if name.endswith("duration") else number


def _element(row: PriceRow, before: Mapping[str, Any]) -> dict[str, Any]:
    components = [made for kind in _MEMBERS if (made := _component(row, kind, before))]
    old = before.get("restrictions") or {}
    asked = {name: value for name, value in old.items() if name not in _SHOWN}
    asked |= {name: _kept_limit(name, row.limits[name], old) for name in LIMITS if name in row.limits}
    dates = {"start_date": row.since, "end_date": row.until}
    asked |= {name: day.isoformat() for name, day in dates.items() if day}
    if row.days and len(row.days) < len(WEEKDAYS):
        asked["day_of_week"] = [WEEKDAYS[day] for day in row.days]
    if not row.is_always:
        asked |= {"start_time": row.from_time, "end_time": "00:00" if row.to_time == MIDNIGHT else row.to_time}
    element: dict[str, Any] = {"name": row.name} if row.name else {}
    element["price_components"] = components
    return element | ({"restrictions": asked} if asked else {})


def _component(row: PriceRow, kind: str, before: Mapping[str, Any]) -> dict[str, Any] | None:
    price = getattr(row, _MEMBERS[kind])
    if price is None:
        return None
    components = before.get("price_components", [])
    kept = next((each for each in components if each["type"] == kind), None)
    # A price by the hour need not be a whole number of what is shown by the minute.
    is_same = kept is not None and _shown(kept) == price
    exact = str(kept["price"]) if kept and is_same else _text(price * 60 if kind in _PER_MINUTE else price)
    made = {"type": kind, "price": exact, "step_size": kept.get("step_size", 1) if kept else 1}
    # One rate is shown for all prices of a row. While nobody changes it, each keeps its own.
    has_same_rate = kept is not None and bool(before) and _row(before).vat == row.vat
    vat = kept.get("vat") if kept and has_same_rate else None if row.vat is None else _text(row.vat)
    return made | ({"vat": str(vat)} if vat is not None else {})


def _kept_limit(name: str, limit: Decimal, old: Mapping[str, Any]) -> Any:
    if old.get(name) is not None and _limit(name, old[name]) == limit:
        return old[name]
    return int((limit * 60).to_integral_value()) if name.endswith("duration") else _text(limit)


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"
