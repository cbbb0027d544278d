"""How fast a car charges: its battery's curve, the connector's rating, and a limit from outside."""

from dataclasses import dataclass

VOLTS = 230.0
# A car does not charge below this current (IEC 61851-1); a lower limit pauses it.
LEAST_AMPS = 6.0
# Share of the peak power that a battery takes, by state of charge.
DC_CURVE = ((0.0, 0.9), (0.1, 1.0), (0.5, 1.0), (0.8, 0.45), (0.9, 0.25), (1.0, 0.05))
AC_CURVE = ((0.0, 1.0), (0.97, 1.0), (1.0, 0.2))
# Seconds from the closing of the contactor to full power.
AC_RAMP_S, DC_RAMP_S = 5.0, 20.0
# An empty and a full pack of a common 400 V car.
DC_VOLTS_EMPTY, DC_VOLTS_FULL = 350.0, 410.0


@dataclass
class Vehicle:
    """A car at a cable; `soc` is the state of charge from 0 to 1."""

    battery_wh: int = 60_000
    soc: float = 0.3
    ac_max_w: int = 11_000
    dc_max_w: int = 120_000

    @property
    def is_full(self) -> bool:
        return self.soc >= 1.0

    def take(self, energy_wh: float) -> None:
        self.soc = min(1.0, self.soc + energy_wh / self.battery_wh)


@dataclass(frozen=True)
class Outlet:
    """What a connector can give: kind `AC` or `DC`, its rating, its phases (1 for DC)."""

    kind: str
    max_w: float
    phases: int = 3

    def watts(self, amps: float, phases: int | None = None) -> float:
        """Power of a current limit; a DC current counts at the pack's full voltage."""
        if self.kind == "DC":
            return amps * DC_VOLTS_FULL
        return amps * VOLTS * min(phases or 3, self.phases)

    def amps(self, watts: float) -> float:
        return watts / (DC_VOLTS_FULL if self.kind == "DC" else VOLTS * self.phases)


def charging_power_w(outlet: Outlet, vehicle: Vehicle, *, limit_w: float | None, on_for_s: float) -> float:
    """The power that flows, in W; 0 when the car is full or the limit is too low to charge at all."""
    if vehicle.is_full:
        return 0.0
    offered_w = outlet.max_w if limit_w is None else min(outlet.max_w, limit_w)
    is_dc = outlet.kind == "DC"
    if not is_dc and offered_w < outlet.watts(LEAST_AMPS):
        return 0.0
    wanted_w = _at(DC_CURVE if is_dc else AC_CURVE, vehicle.soc) * _car_max_w(outlet, vehicle)
    ramp = min(1.0, 0.1 + on_for_s / (DC_RAMP_S if is_dc else AC_RAMP_S))
    return max(0.0, min(offered_w, wanted_w * ramp))


def dc_volts(soc: float) -> float:
    return DC_VOLTS_EMPTY + (DC_VOLTS_FULL - DC_VOLTS_EMPTY) * soc


def _car_max_w(outlet: Outlet, vehicle: Vehicle) -> float:
    if outlet.kind == "DC":
        return vehicle.dc_max_w
    # On one phase 32 A is the most that any car takes.
    return vehicle.ac_max_w if outlet.phases == 3 else min(vehicle.ac_max_w, 7_400)


def _at(curve: tuple[tuple[float, float], ...], x: float) -> float:
    for (x0, y0), (x1, y1) in zip(curve, curve[1:], strict=False):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]
