"""Prices, amounts and times as drivers read them: filters of the templates."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, format_decimal
from flask_babel import get_locale

from blueprints import driver_language
from blueprints.formats import zone_name
from domain import price_list, station_hours
from domain.clock import utcnow
from domain.models.orders import OrderLine
from domain.tariffs import Bill


def unit_price(amount: Decimal, currency: str) -> str:
    """A price of one unit, with the decimals it has, at most four.

    >>> unit_price(Decimal("0.5020"), "EUR")
    '€0.502'
    """
    return format_currency(amount, currency, locale=get_locale() or "en", decimal_quantization=False)


def moment(at: datetime, zone: str) -> str:
    """The time on the station's clock: today alone, with the weekday within a week, with the date beyond."""
    local, locale = at.astimezone(ZoneInfo(zone)), driver_language.now()
    return f"{station_hours.moment_words(at, utcnow(), ZoneInfo(zone), locale)} {zone_name(local)}"


def quantity(amount: str | Decimal) -> str:
    """A quantity with at most three decimals."""
    return format_decimal(Decimal(amount), format="#,##0.###", locale=get_locale() or "en")


def power(power_w: int) -> str:
    """A rated power that stays on one line: 60 kW, 7.4 kW."""
    return f"{quantity(Decimal(power_w) / 1000)}\u00a0kW"


def line_seconds(line: OrderLine) -> int:
    """The seconds of a line that is billed by time."""
    return int(Decimal(line.quantity) * 3600)


def line_price(line: OrderLine, terms: dict[str, Any], currency: str) -> tuple[Decimal, str]:
    """The price with VAT behind a line of the bill, and its unit."""
    return price_list.price_of_line(line, terms.get("tax_included") == "YES", currency)


def gross_minor(bill: Bill | None) -> int:
    """What a running session costs so far; nothing if its price does not tell the VAT."""
    return (bill.billed.gross_minor or 0) if bill else 0


FILTERS = (unit_price, moment, quantity, power, line_seconds, line_price, gross_minor)
