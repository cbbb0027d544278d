"""Template filters: money, times, energy and power as people read them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision
from flask import Flask
from flask_babel import get_locale
from markupsafe import Markup

LETTERS_BEFORE_DIGITS = re.compile(r"(?<=[A-Za-z])(?=\d)")  # a currency without a sign of its own: KWD 12.345
PATTERNS = {
    "minute": "d MMM, HH:mm",
    "second": "d MMM, HH:mm:ss",
    "time": "HH:mm",
    "clock": "HH:mm:ss",
    "date": "d MMM",
}


def init_app(app: Flask) -> None:
    for make in (money, moneys, when, ago, kwh, kw, number, percent, duration, sentence):
        app.jinja_env.filters[make.__name__] = make


def sentence(text: str) -> str:
    """The text with a capital at its beginning, and the rest as it is.

    >>> sentence("closed, opens Sat 08:00")
    'Closed, opens Sat 08:00'
    """
    return text[:1].upper() + text[1:]


def money(minor: int, currency: str) -> str:
    """Minor units with their currency, in the reader's language, with a true minus.

    >>> money(-80, "EUR")
    '−€0.80'
    """
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    text = format_currency(amount, currency, locale=_locale()).replace("-", "−")
    return LETTERS_BEFORE_DIGITS.sub("\xa0", text)


def moneys(minor_by_currency: dict[str, int], currency: str) -> str:
    """Amounts of several currencies side by side, never added up; nothing at all is zero of that currency."""
    return " + ".join(money(minor, each) for each, minor in minor_by_currency.items()) or money(0, currency)


def number(value: int | Decimal, digits: int = 0) -> str:
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return format_decimal(rounded, format=f"#,##0.{'0' * digits}" if digits else "#,##0", locale=_locale()).replace(
        "-", "−"
    )


def kwh(energy_wh: int) -> str:
    return f"{number(Decimal(energy_wh) / 1000, 1)} kWh"


def kw(power_w: int) -> str:
    return f"{number(Decimal(power_w) / 1000, 1)} kW"


def percent(value: int | Decimal, digits: int = 0) -> str:
    return f"{number(Decimal(value), digits)} %"


def duration(seconds: int) -> str:
    """
    >>> duration(3_900)
    '1 h 5 min'
    """
    day = "j" if _locale().language == "fr" else "d"
    for size, unit, small, small_unit in ((86_400, day, 3_600, "h"), (3_600, "h", 60, "min")):
        if seconds >= size:
            rest = seconds % size // small
            return f"{seconds // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{seconds // 60} min" if seconds >= 60 else f"{max(seconds, 0)} s"


def when(at: datetime, zone: str, show: str = "minute") -> Markup:
    """A `<time>` in the station's zone with its abbreviation; the title has UTC. `show` is a key of PATTERNS."""
    local = at.astimezone(ZoneInfo(zone))
    pattern = PATTERNS[show]
    if _locale().language == "de":
        pattern = pattern.replace("d MMM", "d. MMM")
    if local.year != datetime.now(ZoneInfo(zone)).year:
        pattern = pattern.replace("MMM", "MMM y")
    text = format_datetime(local.replace(tzinfo=None), pattern, locale=_locale())
    return _time_tag(at, text if show == "date" else f"{text} {zone_name(local)}")


def ago(at: datetime, zone: str) -> Markup:
    """How long ago, up to one day; older times as `when`."""
    passed = datetime.now(UTC) - at
    if passed >= timedelta(days=1):
        return when(at, zone)
    seconds = max(int(passed.total_seconds()), 0)
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= size:
            return _time_tag(at, f"{seconds // size} {unit} ago")
    return _time_tag(at, f"{seconds} s ago")


def zone_name(local: datetime) -> str:
    """EET, CEST; zones without an abbreviation as UTC−3, UTC+5:30."""
    name = local.tzname() or "UTC"
    if name[0] not in "+-":
        return name
    hours, minutes = int(name[1:3]), name[3:5]
    return f"UTC{'−' if name[0] == '-' else '+'}{hours}" + (f":{minutes}" if minutes not in ("", "00") else "")


def _time_tag(at: datetime, text: str) -> Markup:
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), text
    )


def _locale() -> Locale:
    return get_locale() or Locale("en")
