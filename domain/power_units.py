"""Amperes, kilowatts and what a connector gives: how one is turned into the other, and which way errs to the safe side.

Alternating current has 230 V between phase and neutral. Amperes of a direct-current charger are those that it takes
from its three-phase supply, without its losses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Literal

from domain.models.chargers import Connector
from domain.models.power import LimitUnit

RateUnit = Literal["A", "W"]

VOLTS = 230
FLOOR_A = 6  # no car charges with less on alternating current (IEC 61851-1)
SINGLE_PHASE_W = 7_400  # a weaker connector has one phase
SUPPOSED_W = 22_000  # of a connector that nobody described
MOST_KW, MOST_A = 1_000, 4_000
DIRECT = frozenset({"CCS", "CHAdeMO", "GB/T DC", "NACS"})


@dataclass(frozen=True)
class Outlet:
    """What a connector, or a whole charger, can give."""

    max_w: int
    phases: int
    is_direct: bool = False
    is_supposed: bool = False  # nobody told its rating

    @property
    def max_da(self) -> int:
        """Tenths of an ampere per phase; 22 kW means 32 A, 7.4 kW on one phase as well."""
        amps = Decimal(self.max_w) / self.volts
        return int(amps.quantize(Decimal("0.1"), ROUND_UP) * 10) if self.is_direct else round(amps) * 10

    @property
    def volts(self) -> int:
        """Watts of one ampere per phase."""
        return VOLTS * self.phases


def outlet(connector: Connector) -> Outlet:
    """The connector's rating as it was described, or what is supposed."""
    watts = connector.max_power_w or SUPPOSED_W
    if connector.kind in DIRECT:
        return Outlet(watts, 3, is_direct=True, is_supposed=connector.max_power_w is None)
    return Outlet(watts, 1 if watts <= SINGLE_PHASE_W else 3, is_supposed=connector.max_power_w is None)


def cabinet(connectors: Iterable[Connector]) -> Outlet:
    """The whole charger: its connectors together."""
    parts = [outlet(connector) for connector in connectors if connector.number > 0] or [
        Outlet(SUPPOSED_W, 3, is_supposed=True)
    ]
    return Outlet(
        sum(part.max_w for part in parts),
        max(part.phases for part in parts),
        any(part.is_direct for part in parts),
        any(part.is_supposed for part in parts),
    )


def most(of: Outlet, unit: LimitUnit) -> Decimal:
    """Its rating in that unit."""
    return Decimal(of.max_w) / 1000 if unit is LimitUnit.KW else Decimal(of.max_da) / 10


def in_rate(value: Decimal, unit: LimitUnit, rate: RateUnit, of: Outlet) -> Decimal:
    """A person's limit as a charger is told it, never more than was meant.

    Watts are whole, amperes have one decimal (OCPP 1.6, ChargingSchedulePeriod.limit).
    """
    if unit is LimitUnit.KW:
        watts = value * 1000
        exact = watts if rate == "W" else watts / of.volts
    else:
        exact = value if rate == "A" else value * of.volts
    return exact.quantize(Decimal(1) if rate == "W" else Decimal("0.1"), ROUND_DOWN)


@dataclass(frozen=True)
class Scale:
    """How a connector's share of a station's limit is counted: `amount` in tenths of an ampere per phase, or in watts.

    A charger that only understands watts at a station with a limit in amperes: a car that charges on one phase would
    draw all of them there, so an ampere is told as 230 W, and the least is what three phases need.
    """

    unit: LimitUnit
    outlet: Outlet
    understands: tuple[RateUnit, ...]

    @property
    def most(self) -> int:
        return self.outlet.max_da if self.unit is LimitUnit.A else self.outlet.max_w

    @property
    def floor(self) -> int:
        if self.unit is LimitUnit.KW:
            return FLOOR_A * self.outlet.volts
        return FLOOR_A * 10 * (self.outlet.phases if self._is_told_watts and not self.outlet.is_direct else 1)

    @property
    def _is_told_watts(self) -> bool:
        return "A" not in self.understands

    def told(self, amount: int, rate: RateUnit) -> Decimal:
        """That amount as the charger is told it."""
        if self.unit is LimitUnit.KW:
            return in_rate(Decimal(amount) / 1000, LimitUnit.KW, rate, self.outlet)
        if rate == "A":
            return Decimal(amount) / 10
        if amount >= self.most:
            return Decimal(self.outlet.max_w)
        volts = self.outlet.volts if self.outlet.is_direct else VOLTS
        return Decimal(amount * volts // 10)

    def heard(self, value: Decimal, rate: RateUnit) -> int:
        """A limit that the charger told, as an amount; rounded up."""
        if self.unit is LimitUnit.KW:
            return int(-(-(value if rate == "W" else value * self.outlet.volts) // 1))
        amps = value if rate == "A" else value / (self.outlet.volts if self.outlet.is_direct else VOLTS)
        return min(int(-(-amps * 10 // 1)), max(self.most, int(value)))

    def used(self, power_w: int, amps: float | None) -> int:
        """What the car takes: its highest phase current if told, else its power, on one phase if in doubt."""
        if self.unit is LimitUnit.KW:
            return power_w
        if amps is not None and not self.outlet.is_direct:
            return int(amps * 10)
        return power_w * 10 // (self.outlet.volts if self.outlet.is_direct else VOLTS)
