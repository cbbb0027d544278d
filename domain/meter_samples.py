"""What the samples of one meter value say: energy, power, state of charge, whatever their units and phases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from domain.charging_flags import Flag

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
VOLTAGE = "Voltage"
SOC = "SoC"
UNCLASSIFIED = ""
BEGIN = "Transaction.Begin"
END = "Transaction.End"

# A register beyond this is a broken one (1,000 GWh), and would not be exact as a float.
MOST_REGISTER_WH = 10**15

_FACTORS: dict[str, dict[str | None, float]] = {
    ENERGY: {None: 1, "Wh": 1, "kWh": 1000},
    POWER: {None: 1, "W": 1, "kW": 1000},
    CURRENT: {None: 1, "A": 1},
    VOLTAGE: {None: 1, "V": 1},
    SOC: {None: 1, "Percent": 1},
}
# Quantities that we only keep, with the units that they may have (quirk D4).
_UNITS: dict[str, tuple[str | None, ...]] = {
    "Frequency": (None, "Hertz"),
    "Current.Offered": (None, "A"),
    "Current.Export": (None, "A"),
    "Temperature": (None, "Celsius", "Celcius", "Fahrenheit", "K"),
}
_ENERGY_UNITS = (None, "Wh", "kWh")
_PHASES = {"L1": "L1", "L2": "L2", "L3": "L3", "L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
_LIKELY_PLACES = (None, "Outlet")
_NOTABLE_POWER_W = 500.0


@dataclass(slots=True)
class Reading:
    """One meter value in numbers."""

    energy_wh: int | None = None
    power_w: int | None = None
    soc_percent: int | None = None
    begin_wh: int | None = None  # register with context Transaction.Begin
    end_wh: int | None = None  # register with context Transaction.End
    flags: list[Flag] = field(default_factory=list)


def read(samples: Iterable[Mapping[str, Any]]) -> Reading:
    """The figures of one meter value.

    A total counts before its phases, and phases are added where there is no total (quirk D13). Signed samples are
    kept, never read: their unit is inside the container (quirk D11). A sample without measurand is energy only if
    its unit can be (quirk D9).
    """
    reading = Reading()
    totals: dict[str, tuple[int, float]] = {}  # measurand -> (rank of the place, value)
    phases: dict[str, dict[str, float]] = {}
    for sample in samples:
        value = number(sample.get("value"))
        if value is None or sample.get("format") == "SignedData":
            continue
        unit = sample.get("unit")
        measurand: str = sample.get("measurand") or (ENERGY if unit in _ENERGY_UNITS else UNCLASSIFIED)
        factors = _FACTORS.get(measurand)
        if factors is None:
            if measurand in _UNITS and unit not in _UNITS[measurand]:
                reading.flags = [Flag.UNIT_IMPLAUSIBLE]
            continue
        factor = factors.get(unit)
        if factor is None:  # the measurand is trusted, the unit is not
            reading.flags = [Flag.UNIT_IMPLAUSIBLE]
            factor = 1
        value *= factor
        phase = sample.get("phase")
        if measurand == ENERGY and phase is None:
            _note_ends(reading, sample.get("context"), value)
        if phase is None:
            _prefer(totals, measurand, sample, value)
        elif phase in _PHASES:
            phases.setdefault(measurand, {})[_PHASES[phase]] = value
    _draw(reading, totals, phases)
    return reading


def highest_current(samples: Iterable[Mapping[str, Any]]) -> float | None:
    """Amperes on the phase that carries most; None if no current is told."""
    amps = [
        number(sample.get("value"))
        for sample in samples
        if sample.get("measurand") == CURRENT and sample.get("unit") in (None, "A") and sample.get("phase") != "N"
    ]
    return max((value for value in amps if value is not None), default=None)


def number(text: object) -> float | None:
    """The finite number that a sample's value means, if any."""
    if not isinstance(text, str) or "_" in text or not text.isascii():
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _prefer(totals: dict[str, tuple[int, float]], measurand: str, sample: Mapping[str, Any], value: float) -> None:
    # What is measured at the outlet is what is sold; the register at the begin is not the present one.
    rank = 2 * (sample.get("context") != BEGIN) + (sample.get("location") in _LIKELY_PLACES)
    if measurand not in totals or totals[measurand][0] <= rank:
        totals[measurand] = (rank, value)


def _note_ends(reading: Reading, context: str | None, value: float) -> None:
    if context == BEGIN:
        reading.begin_wh = register(value)
    elif context == END:
        reading.end_wh = register(value)


def _draw(reading: Reading, totals: dict[str, tuple[int, float]], phases: dict[str, dict[str, float]]) -> None:
    def of(measurand: str) -> float | None:
        if measurand in totals:
            return totals[measurand][1]
        return sum(phases[measurand].values()) if measurand in phases else None

    energy, power, soc = of(ENERGY), of(POWER), of(SOC)
    reading.energy_wh = None if energy is None else register(energy)
    reading.power_w = None if power is None or abs(power) > MOST_REGISTER_WH else round(power)
    reading.soc_percent = round(soc) if soc is not None and 0 <= soc <= 100 else None
    if power is not None and _contradicts(power, totals, phases):
        reading.flags = [*reading.flags, Flag.POWER_IMPLAUSIBLE]


def _contradicts(power: float, totals: dict[str, tuple[int, float]], phases: dict[str, dict[str, float]]) -> bool:
    """Whether power is far from voltage times current (quirk D12: voltage 0 while charging, power a tenth)."""
    if CURRENT in phases and VOLTAGE in phases:
        volts = phases[VOLTAGE]
        least = most = sum(volts.get(phase, 0.0) * amps for phase, amps in phases[CURRENT].items())
    elif CURRENT in totals and VOLTAGE in totals:
        least = totals[CURRENT][1] * totals[VOLTAGE][1]
        most = least * 3  # one figure for three phases
    else:
        return False
    if max(abs(power), abs(most)) < _NOTABLE_POWER_W:
        return False
    return power < 0.3 * least or power > 3 * most


def register(value: float) -> int | None:
    """A register in whole Wh; None if no meter can show it."""
    return round(value) if abs(value) <= MOST_REGISTER_WH else None
