"""From an OCPI-like tariff body to terms, or to a list of everything that is wrong with it."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from domain.errors import Refused
from domain.tariffs.fields import Fields
from domain.tariffs.terms import (
    Dimension,
    Element,
    PriceComponent,
    PriceLimit,
    Range,
    ReservationKind,
    Restrictions,
    TariffTerms,
    TaxIncluded,
)

MAX_ELEMENTS = 200
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

# Who publishes a tariff sends its name, currency and validity along; they do not change what a session costs.
_TARIFF = frozenset({"elements", "min_price", "max_price", "idle_grace_s", "tax_included"})
_PUBLISHING = frozenset({"name", "currency", "valid_from", "valid_until"})
# OCPI elements have no name; ours may, for price lists and bills.
_ELEMENT = frozenset({"name", "price_components", "restrictions"})
_COMPONENT = frozenset({"type", "price", "vat", "step_size"})
_LIMIT = frozenset({"excl_vat", "incl_vat"})
_RANGES = ("kwh", "duration", "power", "current")
_RESTRICTIONS = frozenset(
    ["start_time", "end_time", "start_date", "end_date", "day_of_week", "reservation"]
    + [f"{bound}_{of}" for bound in ("min", "max") for of in _RANGES]
)


class InvalidTariff(Refused):
    """A tariff that cannot price anything; `errors` names each field."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("This tariff cannot be used. " + errors[0][1], errors=errors)


def parse_tariff(body: Mapping[str, Any]) -> TariffTerms:
    """The terms that a tariff body describes.

    Raises: InvalidTariff, naming every field that is wrong.
    """
    fields = Fields()
    terms = read_tariff(fields, body, "")
    if fields.errors:
        raise InvalidTariff(fields.errors)
    return terms


def read_tariff(fields: Fields, body: object, path: str) -> TariffTerms:
    """The terms of a body that may be anything; only worth something if `fields` has no errors afterwards."""
    prefix = f"{path}." if path else ""
    tariff = fields.members(body, path or "tariff", _TARIFF | _PUBLISHING)
    tax = tariff.get("tax_included")
    tax_included = tax is not None and fields.choice(tax, f"{prefix}tax_included", list(TaxIncluded))
    elements = tuple(
        _element(fields, element, at)
        for at, element in fields.items(tariff.get("elements"), f"{prefix}elements", MAX_ELEMENTS)
    )
    grace = tariff.get("idle_grace_s")
    terms = TariffTerms(
        elements=elements,
        min_price=_limit(fields, tariff.get("min_price"), f"{prefix}min_price", elements),
        max_price=_limit(fields, tariff.get("max_price"), f"{prefix}max_price", elements),
        idle_grace_s=0 if grace is None else fields.whole(grace, f"{prefix}idle_grace_s") or 0,
        tax_included=TaxIncluded(tax_included) if tax_included else None,
    )
    _check_limits(fields, terms, prefix)
    _check_tax(fields, terms, prefix)
    return terms


def _element(fields: Fields, body: object, path: str) -> Element:
    element = fields.members(body, path, _ELEMENT)
    components: dict[Dimension, PriceComponent] = {}
    for at, item in fields.items(element.get("price_components"), f"{path}.price_components", len(Dimension)):
        component = _component(fields, item, at)
        if component and component.dimension in components:
            fields.wrong(f"{at}.type", "This element has a price of this type already; the second would never be used.")
        elif component:
            components[component.dimension] = component
    restrictions = _restrictions(fields, element.get("restrictions"), f"{path}.restrictions")
    if restrictions.reservation and components.keys() - {Dimension.FLAT, Dimension.TIME}:
        fields.wrong(f"{path}.price_components", "A reservation can only have the prices FLAT and TIME.")
    return Element(tuple(components.values()), restrictions, fields.name(element.get("name"), f"{path}.name"))


def _component(fields: Fields, body: object, path: str) -> PriceComponent | None:
    component = fields.members(body, path, _COMPONENT)
    dimension = fields.choice(component.get("type"), f"{path}.type", list(Dimension))
    price = fields.decimal(component.get("price"), f"{path}.price")
    vat = component.get("vat")
    rate = None if vat is None else fields.decimal(vat, f"{path}.vat")
    if rate is not None and rate > 100:
        fields.wrong(f"{path}.vat", "A VAT rate is a percentage from 0 to 100.")
    step = fields.whole(component.get("step_size", 1), f"{path}.step_size")
    if dimension is None or price is None or step is None:
        return None
    return PriceComponent(Dimension(dimension), price, rate, step)


def _restrictions(fields: Fields, body: object, path: str) -> Restrictions:
    if body is None:
        return Restrictions()
    given = fields.members(body, path, _RESTRICTIONS)
    present = {name: value for name, value in given.items() if value is not None}

    def read(name: str, how: Any) -> Any:
        return how(present[name], f"{path}.{name}") if name in present else None

    start_date, end_date = read("start_date", fields.day), read("end_date", fields.day)
    if start_date and end_date and end_date <= start_date:
        fields.wrong(f"{path}.end_date", "The end date, which is excluded, must come after the start date.")
    reservation = read("reservation", lambda value, at: fields.choice(value, at, list(ReservationKind)))
    return Restrictions(
        start_minute=read("start_time", fields.minute),
        end_minute=read("end_time", fields.minute),
        start_date=start_date,
        end_date=end_date,
        weekdays=_weekdays(fields, present.get("day_of_week", []), f"{path}.day_of_week"),
        energy_wh=_range(fields, present, path, "kwh", fields.decimal, 1000),
        duration_s=_range(fields, present, path, "duration", fields.whole),
        power_kw=_range(fields, present, path, "power", fields.decimal),
        current_a=_range(fields, present, path, "current", fields.decimal),
        reservation=ReservationKind(reservation) if reservation else None,
    )


def _weekdays(fields: Fields, value: object, path: str) -> frozenset[int]:
    days = (fields.choice(day, at, WEEKDAYS) for at, day in fields.items(value, path, len(WEEKDAYS), at_least=0))
    return frozenset(WEEKDAYS.index(day) for day in days if day)


def _range(fields: Fields, present: Mapping[str, Any], path: str, of: str, how: Any, factor: int = 1) -> Range:
    def bound(name: str) -> Fraction | None:
        number: Decimal | int | None = how(present[name], f"{path}.{name}") if name in present else None
        return None if number is None else Fraction(number) * factor

    limits = Range(bound(f"min_{of}"), bound(f"max_{of}"))
    if limits.low is not None and limits.high is not None and limits.high <= limits.low:
        fields.wrong(f"{path}.max_{of}", "The upper limit, which is excluded, must be above the lower one.")
    return limits


def _limit(fields: Fields, body: object, path: str, elements: tuple[Element, ...]) -> PriceLimit:
    if body is None:
        return PriceLimit()
    given = fields.members(body, path, _LIMIT)
    net, gross = (
        None if given.get(name) is None else fields.decimal(given[name], f"{path}.{name}")
        for name in ("excl_vat", "incl_vat")
    )
    if net is None and gross is None:
        fields.wrong(path, "Name excl_vat, incl_vat or both.")
        return PriceLimit()
    if net is not None and gross is not None:
        if gross < net:
            fields.wrong(f"{path}.incl_vat", "The amount with VAT cannot be below the amount without it.")
        return PriceLimit(Fraction(net), Fraction(gross))
    return _completed(fields, net, gross, path, elements)


def _completed(
    fields: Fields, net: Decimal | None, gross: Decimal | None, path: str, elements: tuple[Element, ...]
) -> PriceLimit:
    # A bound on one total alone could leave the gross total below the net one.
    rates = {component.vat or Decimal(0) for element in elements for component in element.components}
    if len(rates) > 1:
        fields.wrong(path, "The prices have several VAT rates: name both excl_vat and incl_vat.")
        return PriceLimit()
    factor = 1 + Fraction(next(iter(rates), Decimal(0))) / 100
    if net is not None:
        return PriceLimit(Fraction(net), Fraction(net) * factor)
    return PriceLimit(Fraction(gross or 0) / factor, Fraction(gross or 0))


def _check_limits(fields: Fields, terms: TariffTerms, prefix: str) -> None:
    low, high = terms.min_price, terms.max_price
    pairs = ((low.net, high.net), (low.gross, high.gross))
    if any(least is not None and most is not None and most < least for least, most in pairs):
        fields.wrong(f"{prefix}max_price", "The maximum price cannot be below the minimum price.")


def _check_tax(fields: Fields, terms: TariffTerms, prefix: str) -> None:
    rates = (component.vat for element in terms.elements for component in element.components)
    if terms.tax_included is TaxIncluded.NOT_APPLICABLE and any(rates):
        fields.wrong(f"{prefix}tax_included", "Prices with a VAT rate are taxed: say YES or NO.")
