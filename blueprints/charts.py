"""Geometry of the SVG charts; the macros in templates/ui/_m.html draw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil, log10
from zoneinfo import ZoneInfo

WIDTH, HEIGHT = 1000, 300  # the drawing's own units; the browser stretches it, strokes keep their width
LINES = 3  # steps of the value axis


@dataclass(frozen=True)
class LineChart:
    """Paths and axis labels, top to bottom and left to right."""

    first: str
    area: str
    second: str
    left: list[str]
    right: list[str]
    bottom: list[str]
    is_empty: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar; `series` 1 or 2 its colour."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True)
class BarChart:
    """Bars and axis labels, top to bottom and left to right. A label may be empty, so that the others have room."""

    bars: list[Bar]
    left: list[str]
    bottom: list[str]
    is_empty: bool = False


def spark(values: Sequence[float], width: int = 92, height: int = 20) -> tuple[str, str]:
    """Line and area of a sparkline from zero up; a flat line on the floor without values."""
    points = list(values) if len(values) > 1 else [0, 0]
    line = _path(_spread(points, width), [height - v / (max(points) or 1) * height for v in points])
    return line, f"{line}V{height}H0Z"


def power_and_battery(
    power: Sequence[tuple[datetime, float]],
    battery: Sequence[tuple[datetime, float]],
    zone: str,
    ticks: int = 5,
) -> LineChart:
    """Power in kW on the left axis, battery in percent on the right one, time in the station's zone below."""
    times = [at for at, _ in power] + [at for at, _ in battery]
    if len(set(times)) < 2:
        return LineChart("", "", "", [], [], [], is_empty=True)
    start, end = min(times), max(times)
    step = _round_step(max((value for _, value in power), default=1) / LINES)
    top = step * LINES
    first = _line(power, start, end, top)
    last_x = _x(power[-1][0], start, end) if power else 0
    first_x = _x(power[0][0], start, end) if power else 0
    return LineChart(
        first=first,
        area=f"{first}L{last_x} {HEIGHT}L{first_x} {HEIGHT}Z" if power else "",
        second=_line(battery, start, end, 100),
        left=[f"{step * n:g}" for n in range(LINES, -1, -1)],
        right=["100", "67", "33", "0"] if battery else [],
        bottom=[_clock(start + (end - start) * n / (ticks - 1), zone) for n in range(ticks)],
    )


def bars(
    labels: Sequence[str], *series: Sequence[Decimal | float | None], top: float | None = None, most_labels: int = 6
) -> BarChart:
    """Groups of bars from zero up, one for each label; None has no bar. Without `top` the axis has round steps."""
    values = [[None if value is None else max(float(value), 0.0) for value in one] for one in series]
    highest = max((value for one in values for value in one if value is not None), default=0.0)
    step = top / LINES if top else _round_step(highest / LINES)
    group = WIDTH / max(len(labels), 1)
    width = group * 0.7 / len(values)
    made = [
        _bar(group * place + group * 0.15 + width * number, width, value / (step * LINES), number + 1)
        for number, one in enumerate(values)
        for place, value in enumerate(one)
        if value
    ]
    every = -(-len(labels) // most_labels)
    return BarChart(
        made,
        left=[f"{step * n:,.0f}" if top or step >= 10 else f"{step * n:g}" for n in range(LINES, -1, -1)],
        bottom=[label if place % every == 0 else "" for place, label in enumerate(labels)],
        is_empty=not made,
    )


def _bar(x: float, width: float, share: float, series: int) -> Bar:
    height = round(min(share, 1) * HEIGHT, 1)
    return Bar(round(x, 1), round(HEIGHT - height, 1), round(width, 1), height, series)


def _line(series: Sequence[tuple[datetime, float]], start: datetime, end: datetime, top: float) -> str:
    xs = [_x(at, start, end) for at, _ in series]
    return _path(xs, [round(HEIGHT - max(value, 0) / top * HEIGHT, 1) for _, value in series]) if series else ""


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return round((at - start) / max(end - start, timedelta(seconds=1)) * WIDTH, 1)


def _clock(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def _spread(points: Sequence[float], width: int) -> list[float]:
    return [round(index * width / (len(points) - 1), 1) for index in range(len(points))]


def _path(xs: Sequence[float], ys: Sequence[float]) -> str:
    return "M" + "L".join(f"{x:g} {y:.4g}" for x, y in zip(xs, ys, strict=True))


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is at least `least`."""
    if least <= 0:
        return 1
    magnitude = 10 ** (ceil(log10(least)) - 1)
    return next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= least)


@dataclass(frozen=True)
class Band:
    """One price on one weekday; `from_minute` up to 1440, `label` the figure inside, `kind` 1 to 4 its colour."""

    weekday: int
    from_minute: int
    to_minute: int
    label: str
    kind: int

    @property
    def left(self) -> float:
        return round(self.from_minute / 14.4, 2)

    @property
    def width(self) -> float:
        return round((self.to_minute - self.from_minute) / 14.4, 2)

    @property
    def is_narrow(self) -> bool:
        return self.to_minute - self.from_minute < 180
