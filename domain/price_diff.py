"""What differs between two price lists: rows that came, went or changed, their order, and what holds for all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain import price_rows
from domain.price_changes import Prices
from domain.price_rows import PriceRow

# What belongs together in a sentence about a changed row.
FIELDS = ("name", "days", "hours", "conditions", "energy", "time", "parking", "flat", "vat")
SETTINGS = ("name", "currency", "tax_included", "min_price", "max_price", "idle_grace_s", "valid_from", "valid_until")


@dataclass(frozen=True)
class RowChange:
    """A row that came (`before` None), went (`after` None) or changed, with the fields that did."""

    before: PriceRow | None
    after: PriceRow | None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Everything that differs. `order` are the rows in their new order, if only that tells them apart."""

    rows: tuple[RowChange, ...]
    order: tuple[PriceRow, ...]
    settings: tuple[tuple[str, Any, Any], ...]

    @property
    def count(self) -> int:
        return len(self.rows) + len(self.settings) + bool(self.order)


def compare(before: Prices | None, after: Prices) -> Difference:
    """From one price list to the next."""
    old, new = (price_rows.rows(each.terms) if each else [] for each in (before, after))
    found = pairs(old, new)
    changed = [RowChange(old[at], new[to], fields) for to, at in found.items() if (fields := _fields(old[at], new[to]))]
    gone = [RowChange(row, None) for at, row in enumerate(old) if at not in found.values()]
    come = [RowChange(None, row) for to, row in enumerate(new) if to not in found]
    places = [found[to] for to in sorted(found)]
    return Difference(
        rows=(*changed, *gone, *come),
        order=tuple(new) if places != sorted(places) else (),
        settings=tuple(_settings(before, after)) if before else (),
    )


def pairs(old: Sequence[PriceRow], new: Sequence[PriceRow]) -> dict[int, int]:
    """Which old row became which new one: the same, else of the same name, else at the same times."""
    found: dict[int, int] = {}
    alike: tuple[Callable[[PriceRow, PriceRow], bool], ...] = (
        lambda one, other: one == other,
        lambda one, other: bool(one.name) and one.name == other.name,
        lambda one, other: _when(one) == _when(other),
    )
    for is_alike in alike:
        for to, row in enumerate(new):
            free = (at for at, other in enumerate(old) if at not in found.values() and is_alike(row, other))
            if to not in found and (at := next(free, None)) is not None:
                found[to] = at
    return found


def _fields(before: PriceRow, after: PriceRow) -> tuple[str, ...]:
    def of(row: PriceRow, name: str) -> object:
        if name == "hours":
            return row.from_time, row.to_time
        if name == "conditions":
            return dict(row.limits), row.since, row.until, row.has_more
        return getattr(row, name)

    return tuple(name for name in FIELDS if of(before, name) != of(after, name))


def _when(row: PriceRow) -> object:
    return row.days, row.from_time, row.to_time, dict(row.limits), row.since, row.until


def _settings(before: Prices, after: Prices) -> list[tuple[str, Any, Any]]:
    old, new = _members(before), _members(after)
    return [(name, old[name], new[name]) for name in SETTINGS if old[name] != new[name]]


def _members(prices: Prices) -> dict[str, Any]:
    terms: Mapping[str, Any] = prices.terms
    return {
        "name": prices.name,
        "currency": prices.currency,
        "tax_included": terms.get("tax_included"),
        "min_price": terms.get("min_price"),
        "max_price": terms.get("max_price"),
        "idle_grace_s": int(terms.get("idle_grace_s") or 0),
        "valid_from": prices.valid_from,
        "valid_until": prices.valid_until,
    }
