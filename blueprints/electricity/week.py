"""A tariff's week as bands of colour and as sentences; what is odd about it; what a session would cost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle, groupby
from typing import Any
from zoneinfo import ZoneInfo

from blueprints import charts, price_words
from blueprints.billings import line_words
from blueprints.electricity.forms import DAYS
from domain.price_rows import PriceRow
from domain.tariffs import Bill, Dimension, Period, TariffTerms, Usage, price, price_bands, review_week

SHORT = tuple(day[:3] for day in DAYS)
KINDS = 4
# The colours of the usual names; other rows take what these leave.
_KNOWN = {"night": 1, "day": 2, "peak": 3, "weekend": 4}


def colours(rows: Sequence[PriceRow]) -> list[int]:
    """The colour, 1 to 4, of each row; two rows share one only when all are taken."""
    known = [_KNOWN.get(row.name.strip().lower()) for row in rows]
    every = range(1, KINDS + 1)
    others = cycle([kind for kind in every if kind not in known] or every)
    return [kind or next(others) for kind in known]


def main_dimension(terms: TariffTerms) -> Dimension:
    """What the week shows: energy, or time if energy has no price at all."""
    kinds = {component.dimension for element in terms.elements for component in element.components}
    return Dimension.ENERGY if Dimension.ENERGY in kinds or Dimension.TIME not in kinds else Dimension.TIME


def bands(terms: TariffTerms, rows: Sequence[PriceRow], zone: ZoneInfo, now: datetime) -> list[charts.Band]:
    """The bands to draw; hours without a price stay empty."""
    dimension, colour = main_dimension(terms), colours(rows)
    found = (band for band in price_bands(terms, zone, now, dimension) if band.price is not None)
    return [
        charts.Band(
            band.weekday, band.from_minute, band.to_minute, _figure(band.price, dimension), colour[band.price.element]
        )
        for band in found
    ]


def sentence(terms: TariffTerms, rows: Sequence[PriceRow], currency: str, zone: ZoneInfo, now: datetime) -> str:
    """The whole week for those who do not see it; equal days are told together."""
    dimension, days = main_dimension(terms), {}
    for weekday, group in groupby(price_bands(terms, zone, now, dimension), key=lambda band: band.weekday):
        days[weekday] = "; ".join(_told(band, rows, currency, dimension) for band in group)
    told: dict[str, list[int]] = {}
    for weekday, text in days.items():
        told.setdefault(text, []).append(weekday)
    return ". ".join(f"{day_words(numbers)}: {text}" for text, numbers in told.items()) + "."


def oddities(
    terms: TariffTerms, rows: Sequence[PriceRow], zone: ZoneInfo, now: datetime
) -> tuple[list[str], list[str]]:
    """What has to be confirmed (hours without a price, rows never reached), and what is only worth knowing."""
    dimension = main_dimension(terms)
    found = review_week(terms, zone, now, dimension)
    what = "energy" if dimension is Dimension.ENERGY else "charging time"
    gaps = [f"No price for {what}: {text}. It is free then." for text in _spans(found.gaps)]
    hidden = [f"“{_name(rows, index)}” is never reached: rows above it match first." for index in found.never_used]
    pairs = dict.fromkeys((each.winner, other) for each in found.overlaps for other in each.hidden)
    notes = [f"“{_name(rows, winner)}” and “{_name(rows, other)}” overlap; “{_name(rows, winner)}” is used."
             for winner, other in pairs if other not in found.never_used]  # fmt: skip
    return gaps + hidden, notes


def hidden_rows(terms: TariffTerms, zone: ZoneInfo, now: datetime) -> tuple[int, ...]:
    """The rows that are never reached."""
    return review_week(terms, zone, now, main_dimension(terms)).never_used


def when_words(row: PriceRow) -> str:
    """ "Mon to Fri, 16:00 to 20:00" """
    days = day_words(row.days, SHORT) if row.days else "Every day"
    hours = "all day" if row.is_always else f"{row.from_time} to {row.to_time}"
    return f"{days}, {hours}"


def day_words(days: Sequence[int], names: Sequence[str] = DAYS) -> str:
    """ "Mon to Fri", "Sat and Sun" """
    numbers = sorted(days)
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [
        f"{names[run[0]]} to {names[run[-1]]}" if len(run) > 2 else " and ".join(names[day] for day in run)
        for run in runs
    ]
    return ", ".join(parts)


def preview(
    terms: TariffTerms,
    zone: ZoneInfo,
    currency: str,
    now: datetime,
    weekday: int,
    at: str,
    minutes: int,
    wh: Decimal,
    parked: int,
) -> tuple[Bill, list[tuple[str, str, int | None]]]:
    """What such a session costs, by the code that bills: the bill, and its lines as name, quantity × price, amount."""
    today = now.astimezone(zone).date()
    day = today + timedelta(days=(weekday - today.weekday()) % 7)
    hour, minute = (int(part) for part in at.split(":"))
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hour, minutes=minute)
    start = local.astimezone(now.tzinfo)
    end = start + timedelta(minutes=minutes)
    periods = [Period(start, end, wh)]
    if parked:
        periods.append(Period(end, end + timedelta(minutes=parked), charging=False))
    bill = price(terms, Usage(start, tuple(periods)), zone, currency)
    return bill, [(*line_words(_line(line), currency), line.billed.gross_minor) for line in bill.lines]


class _line:  # noqa: N801 - a line of a bill as line_words reads those of an order
    def __init__(self, line: Any) -> None:
        self.kind, self.label, self.unit = str(line.dimension), line.name, line.unit
        self.quantity = Decimal(line.quantity.numerator) / line.quantity.denominator
        self.unit_price = line.unit_price


def _figure(found: Any, dimension: Dimension) -> str:
    amount = found.component.price if dimension is Dimension.ENERGY else price_words.per_minute(found.component.price)
    cents = amount.quantize(Decimal("0.01"))
    return f"{cents if cents == amount else amount.normalize():f}"


def _told(band: Any, rows: Sequence[PriceRow], currency: str, dimension: Dimension) -> str:
    hours = f"{_clock(band.from_minute)} to {_clock(band.to_minute)}"
    if band.price is None:
        return f"{hours} no price"
    amount = band.price.component.price
    shown = price_words.unit_price(
        amount if dimension is Dimension.ENERGY else price_words.per_minute(amount), currency
    )
    return f"{hours} {rows[band.price.element].name} {shown}".replace("  ", " ")


def _spans(gaps: Sequence[Any]) -> list[str]:
    """Gaps of the same hours are told once: "Mon to Fri 22:00 to 24:00"."""
    by_hours: dict[tuple[int, int], list[int]] = {}
    for gap in gaps:
        by_hours.setdefault((gap.from_minute, gap.to_minute), []).append(gap.weekday)
    return [f"{day_words(days)} {_clock(low)} to {_clock(high)}" for (low, high), days in by_hours.items()]


def _name(rows: Sequence[PriceRow], index: int) -> str:
    return rows[index].name or f"Row {index + 1}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
