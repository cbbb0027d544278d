"""A tariff as a driver reads it before paying: what applies now, what comes next, with VAT."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.currencies import exponent, round_half_up
from domain.models.orders import OrderLine
from domain.tariffs import Dimension, TariffTerms, price_now
from domain.tariffs.clock import LocalClock, instant
from domain.tariffs.matching import matches_clock
from domain.tariffs.terms import PriceComponent, Range, Restrictions, TaxIncluded

ORDER = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
_MOST_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Condition:
    """A limit on `of` (kWh, min, kW or A) that must hold: from `low`, below `high`."""

    of: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price with VAT. `unit` is kWh, min, h or session; `since` None means now, `until` None no end in sight."""

    dimension: Dimension
    amount: Decimal
    unit: str
    conditions: tuple[Condition, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """Everything a driver has to know before paying."""

    currency: str
    rows: tuple[PriceRow, ...]
    grace_min: int
    least: Decimal | None
    most: Decimal | None
    vat_rates: tuple[Decimal, ...]

    def headline(self) -> PriceRow | None:
        """The energy price that applies now without conditions, for the plugs."""
        now = [row for row in self.rows if row.dimension is Dimension.ENERGY and row.since is None]
        return next((row for row in now if not row.conditions), None)


def price_list(terms: TariffTerms, zone: ZoneInfo, at: datetime, currency: str) -> PriceList | None:
    """The prices for somebody who starts now; None if the tariff does not tell the VAT, so that none can be named."""
    components = [component for element in terms.elements for component in element.components]
    if any(component.vat is None for component in components) and terms.tax_included is TaxIncluded.NO:
        return None
    return PriceList(
        currency=currency,
        rows=tuple(_rows(terms, zone, at, currency)),
        grace_min=terms.idle_grace_s // 60,
        least=_money(terms.min_price.gross, currency),
        most=_money(terms.max_price.gross, currency),
        vat_rates=tuple(sorted({component.vat for component in components if component.vat})),
    )


def _rows(terms: TariffTerms, zone: ZoneInfo, at: datetime, currency: str) -> Iterator[PriceRow]:
    change = price_now(terms, zone, at).until
    for dimension in ORDER:
        now = _in_force(terms, zone, at, dimension, currency)
        then = _in_force(terms, zone, change, dimension, currency) if change else now
        # A session fee is that of the start: what follows does not concern who starts now.
        if now == then or dimension is Dimension.FLAT:
            yield from now
        else:
            yield from (replace(row, until=change) for row in now)
            yield from (replace(row, since=change) for row in then)


def _in_force(terms: TariffTerms, zone: ZoneInfo, at: datetime, dimension: Dimension, currency: str) -> list[PriceRow]:
    """What may apply on the clock of that moment, in order, up to the first without conditions."""
    day, minute = LocalClock(zone).local(instant(at))
    found: list[PriceRow] = []
    for element in terms.elements:
        asked = element.restrictions
        if asked.reservation or not matches_clock(asked, day, minute):
            continue
        found += (_row(terms, asked, each, currency) for each in element.components if each.dimension is dimension)
        if found and not found[-1].conditions:
            break
    return found


def price_of_line(line: OrderLine, is_vat_included: bool, currency: str) -> tuple[Decimal, str]:
    """The price with VAT by which a line of a bill was computed, and its unit, as the price list shows them."""
    vat = None if line.vat_rate is None or is_vat_included else Decimal(line.vat_rate)
    return _per_unit(_gross(Decimal(line.unit_price), vat), Dimension(line.kind), currency)


def _row(terms: TariffTerms, asked: Restrictions, component: PriceComponent, currency: str) -> PriceRow:
    vat = None if terms.tax_included is TaxIncluded.YES else component.vat
    amount, unit = _per_unit(_gross(component.price, vat), component.dimension, currency)
    return PriceRow(component.dimension, amount, unit, tuple(_conditions(asked)))


def _gross(price: Decimal, vat: Decimal | None) -> Fraction:
    return Fraction(price) * (1 + Fraction(vat or 0) / 100)


def _per_unit(gross: Fraction, dimension: Dimension, currency: str) -> tuple[Decimal, str]:
    """Time by the minute, where that is exact; everything as OCPI has it otherwise."""
    if dimension in (Dimension.TIME, Dimension.PARKING_TIME):
        a_minute = gross / 60
        shown = round_half_up(a_minute, _MOST_DECIMALS)
        return (shown, "min") if Fraction(shown) == a_minute else (_shown(gross, currency), "h")
    if dimension is Dimension.FLAT:
        return round_half_up(gross, exponent(currency)), "session"  # charged once, so rounded as on the bill
    return _shown(gross, currency), "kWh"


def _shown(amount: Fraction, currency: str) -> Decimal:
    return round_half_up(amount, max(exponent(currency), _MOST_DECIMALS))


def _money(amount: Fraction | None, currency: str) -> Decimal | None:
    return None if amount is None else round_half_up(amount, exponent(currency))


def _conditions(asked: Restrictions) -> Iterator[Condition]:
    limits: tuple[tuple[str, Range, int], ...] = (
        ("kWh", asked.energy_wh, 1000),
        ("min", asked.duration_s, 60),
        ("kW", asked.power_kw, 1),
        ("A", asked.current_a, 1),
    )
    for of, limit, divisor in limits:
        if not limit.is_open:
            yield Condition(
                of, *(None if end is None else round_half_up(end / divisor, 1) for end in (limit.low, limit.high))
            )
