"""The bill: exact amounts, and what they become when each line is rounded to the currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from domain.currencies import from_minor, to_minor
from domain.tariffs.matching import Price
from domain.tariffs.terms import Dimension, Number, PriceComponent, PriceLimit, TariffTerms, TaxIncluded

UNITS = {Dimension.FLAT: "session", Dimension.ENERGY: "kWh", Dimension.TIME: "h", Dimension.PARKING_TIME: "h"}
_PER_UNIT = {Dimension.FLAT: 1, Dimension.ENERGY: 1000, Dimension.TIME: 3600, Dimension.PARKING_TIME: 3600}


class Quantity(NamedTuple):
    """What is billed at one price: sessions, Wh or seconds, steps applied."""

    reservation: bool
    price: Price
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Exact:
    """An amount without and with VAT, unrounded; None where the tariff does not tell the tax."""

    net: Fraction | None
    gross: Fraction | None


@dataclass(frozen=True, slots=True)
class Rounded:
    """An amount in whole minor units of a currency; VAT is the difference."""

    currency: str
    net_minor: int | None
    gross_minor: int | None

    @property
    def vat_minor(self) -> int | None:
        return None if self.net_minor is None or self.gross_minor is None else self.gross_minor - self.net_minor

    @property
    def net(self) -> Decimal | None:
        return self._decimal(self.net_minor)

    @property
    def vat(self) -> Decimal | None:
        return self._decimal(self.vat_minor)

    @property
    def gross(self) -> Decimal | None:
        return self._decimal(self.gross_minor)

    def _decimal(self, minor: int | None) -> Decimal | None:
        return None if minor is None else from_minor(minor, self.currency)


@dataclass(frozen=True, slots=True)
class Line:
    """One price component used. `quantity` is in `unit`; `quantity_s` are the billed seconds of a time price.

    `name` is what the tariff calls the element, such as "Peak", or empty.
    """

    dimension: Dimension
    element: int
    name: str
    reservation: bool
    quantity: Fraction
    quantity_s: Fraction | None
    unit: str
    unit_price: Decimal
    vat_rate: Decimal | None
    exact: Exact
    billed: Rounded


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What the minimum or maximum price adds to the sum of the lines, or takes off it."""

    reason: str
    exact: Exact
    billed: Rounded


@dataclass(frozen=True, slots=True)
class Bill:
    """What a session costs.

    `total` is exact, `rounded` is that total rounded; `billed` is the sum of the rounded lines and the adjustment, and
    what a driver pays. `flags` say what was odd.
    """

    currency: str
    lines: tuple[Line, ...]
    adjustment: Adjustment | None
    total: Exact
    rounded: Rounded
    billed: Rounded
    energy_wh: Fraction
    flags: frozenset[str]

    @property
    def needs_review(self) -> bool:
        return bool(self.flags - HARMLESS_FLAGS)

    @property
    def is_tax_known(self) -> bool:
        return self.total.net is not None and self.total.gross is not None


HARMLESS_FLAGS = frozenset({"interpolated"})


def make_bill(
    terms: TariffTerms, quantities: Sequence[Quantity], currency: str, energy_wh: Fraction, flags: Iterable[str]
) -> Bill:
    """The bill for these quantities, within the tariff's minimum and maximum."""
    lines = tuple(_line(quantity, terms, currency) for quantity in quantities)
    priced = Exact(_total([line.exact.net for line in lines]), _total([line.exact.gross for line in lines]))
    summed = Exact(
        _total([line.billed.net_minor for line in lines]), _total([line.billed.gross_minor for line in lines])
    )
    total, within, adjustment = priced, summed, None
    if terms.is_bounded:
        total = _bounded(priced, terms.min_price, terms.max_price)
        within = _bounded(summed, _minor(terms.min_price, currency), _minor(terms.max_price, currency))
        adjustment = _adjustment(_difference(total, priced), _difference(within, summed), currency)
    return Bill(
        currency=currency,
        lines=lines,
        adjustment=adjustment,
        total=total,
        rounded=_rounded(total, currency),
        billed=_whole(within, currency),
        energy_wh=energy_wh,
        flags=frozenset(flags),
    )


def _line(quantity: Quantity, terms: TariffTerms, currency: str) -> Line:
    component = quantity.price.component
    in_unit = quantity.amount / _PER_UNIT[component.dimension]
    exact = _taxed(in_unit * _as_fraction(component.price), component, terms.tax_included)
    unit = UNITS[component.dimension]
    return Line(
        dimension=component.dimension,
        element=quantity.price.element,
        name=terms.elements[quantity.price.element].name,
        reservation=quantity.reservation,
        quantity=in_unit,
        quantity_s=quantity.amount if unit == "h" else None,
        unit=unit,
        unit_price=component.price,
        vat_rate=component.vat,
        exact=exact,
        billed=_rounded(exact, currency),
    )


def _taxed(amount: Fraction, component: PriceComponent, tax_included: TaxIncluded | None) -> Exact:
    if component.vat is None and tax_included is TaxIncluded.NO:
        return Exact(amount, None)
    if component.vat is None and tax_included is TaxIncluded.YES:
        return Exact(None, amount)
    factor = _tax_factor(component.vat or Decimal(0))
    return Exact(amount / factor, amount) if tax_included is TaxIncluded.YES else Exact(amount, amount * factor)


@lru_cache(maxsize=4096)
def _as_fraction(number: Decimal) -> Fraction:
    # The same few prices and rates come again and again.
    return Fraction(number)


@lru_cache(maxsize=256)
def _tax_factor(vat: Decimal) -> Fraction:
    return 1 + Fraction(vat) / 100


def _total(amounts: Sequence[Number | None]) -> Fraction | None:
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return None
    return Fraction(sum(known[1:], known[0])) if known else Fraction(0)


def _bounded(amount: Exact, least: PriceLimit, most: PriceLimit) -> Exact:
    return Exact(_within(amount.net, least.net, most.net), _within(amount.gross, least.gross, most.gross))


def _within(amount: Fraction | None, least: Fraction | None, most: Fraction | None) -> Fraction | None:
    if amount is None:
        return None
    if least is not None and amount < least:
        return least
    return most if most is not None and amount > most else amount


def _minor(limit: PriceLimit, currency: str) -> PriceLimit:
    return PriceLimit(
        *(None if side is None else Fraction(to_minor(side, currency)) for side in (limit.net, limit.gross))
    )


def _rounded(amount: Exact, currency: str) -> Rounded:
    net, gross = (None if side is None else to_minor(side, currency) for side in (amount.net, amount.gross))
    return Rounded(currency, net, gross)


def _whole(minor: Exact, currency: str) -> Rounded:
    net, gross = (None if side is None else int(side) for side in (minor.net, minor.gross))
    return Rounded(currency, net, gross)


def _difference(after: Exact, before: Exact) -> Exact:
    net = None if after.net is None or before.net is None else after.net - before.net
    gross = None if after.gross is None or before.gross is None else after.gross - before.gross
    return Exact(net, gross)


def _adjustment(exact: Exact, minor: Exact, currency: str) -> Adjustment | None:
    changes = [side for side in (exact.net, exact.gross, minor.net, minor.gross) if side]
    if not changes:
        return None
    return Adjustment("min_price" if changes[0] > 0 else "max_price", exact, _whole(minor, currency))
