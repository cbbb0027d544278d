"""Charging profiles as OCPP 1.6 says them, and composite schedules as chargers say them.

Ids and stack levels are ours alone: each use and connector has its own id, a connector's START stands one level above
a person's CONNECTOR (both are TxDefaultProfiles), and all stand as high as the charger allows, above what others left.
Source: OCPP 1.6 edition 2, sections 3.13 and 7.8 to 7.13.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from domain import power_schedule, power_units
from domain.models.power import PowerAbility, ProfileUse
from domain.power_schedule import Wish
from domain.power_units import Outlet, RateUnit

SUPPOSED_STACK_LEVEL = 1  # of a charger that did not tell ChargeProfileMaxStackLevel
_IDS = {ProfileUse.CHARGER: 7100, ProfileUse.CONNECTOR: 7200, ProfileUse.START: 7300, ProfileUse.SHARE: 7400}
_PURPOSES = {
    ProfileUse.CHARGER: "ChargePointMaxProfile",
    ProfileUse.CONNECTOR: "TxDefaultProfile",
    ProfileUse.START: "TxDefaultProfile",
    ProfileUse.SHARE: "TxProfile",
}
# A clock that is behind must not take the start of a schedule for the future.
LEAD = timedelta(hours=2)


@dataclass(frozen=True)
class Variant:
    """One of the ways in which a profile can be said; the next one is tried when a charger refuses."""

    rate: RateUnit
    kind: str  # Absolute, Relative, Recurring


def understood(ability: PowerAbility | None) -> tuple[RateUnit, ...]:
    """The units that the charger told it understands; both if it told nothing."""
    units = ability.units if ability else None
    return ("A", "W") if units is None else tuple(unit for unit in ("A", "W") if unit in units.split(","))


def variants(units: Iterable[RateUnit], first: RateUnit, is_constant: bool) -> list[Variant]:
    """What is tried, in this order. Some chargers take a limit only if it counts from the start of charging."""
    rates: list[RateUnit] = sorted(units, key=lambda unit: unit != first)
    kinds = ("Absolute", "Relative") if is_constant else ("Recurring",)
    return [Variant(rate, kind) for kind in kinds for rate in rates]


def profile_id(use: ProfileUse, connector_number: int) -> int:
    return _IDS[use] + connector_number


def purpose(use: ProfileUse) -> str:
    return _PURPOSES[use]


def stack_level(use: ProfileUse, ability: PowerAbility | None) -> int:
    top = ability.max_stack_level if ability and ability.max_stack_level is not None else SUPPOSED_STACK_LEVEL
    return max(top - 1, 0) if use is ProfileUse.CONNECTOR else top


def constant(
    use: ProfileUse,
    connector_number: int,
    limit: Decimal,
    variant: Variant,
    ability: PowerAbility | None,
    now: datetime,
    transaction_id: str | None = None,
) -> dict[str, Any]:
    """SetChargingProfile with one limit from now on."""
    schedule: dict[str, Any] = {
        "chargingRateUnit": variant.rate,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": _number(limit)}],
    }
    if variant.kind == "Absolute":
        schedule = {"startSchedule": stamp((now - LEAD).replace(minute=0, second=0, microsecond=0)), **schedule}
    return _message(use, connector_number, ability, {"chargingProfileKind": variant.kind}, schedule, transaction_id)


def scheduled(
    use: ProfileUse,
    connector_number: int,
    wish: Wish,
    of: Outlet,
    variant: Variant,
    ability: PowerAbility | None,
    zone: str,
    now: datetime,
) -> dict[str, Any]:
    """SetChargingProfile with a limit for each hour of the week, or of the day, and its validity."""
    daily = power_schedule.day(wish)
    turns = daily if daily is not None else power_schedule.week(wish)
    unlimited = power_units.most(of, wish.unit)
    periods = [
        {
            "startPeriod": minute * 60,
            "limit": _number(power_units.in_rate(unlimited if limit is None else limit, wish.unit, variant.rate, of)),
        }
        for minute, limit in turns
    ]
    kind: dict[str, Any] = {"chargingProfileKind": variant.kind}
    schedule: dict[str, Any] = {"chargingRateUnit": variant.rate, "chargingSchedulePeriod": periods}
    if variant.kind == "Recurring":
        kind["recurrencyKind"] = "Weekly" if daily is None else "Daily"
        schedule = {
            "duration": (power_schedule.WEEK_MIN if daily is None else power_schedule.DAY_MIN) * 60,
            "startSchedule": stamp(power_schedule.monday(now, zone)),
            **schedule,
        }
    elif variant.kind == "Absolute":
        schedule = {"startSchedule": stamp((now - LEAD).replace(minute=0, second=0, microsecond=0)), **schedule}
    if wish.valid_from is not None:
        kind["validFrom"] = stamp(wish.valid_from)
    if wish.valid_until is not None:
        kind["validTo"] = stamp(wish.valid_until)
    return _message(use, connector_number, ability, kind, schedule, None)


def _message(
    use: ProfileUse,
    connector_number: int,
    ability: PowerAbility | None,
    kind: dict[str, Any],
    schedule: dict[str, Any],
    transaction_id: str | None,
) -> dict[str, Any]:
    profile: dict[str, Any] = {"chargingProfileId": profile_id(use, connector_number)}
    if transaction_id is not None:
        profile["transactionId"] = int(transaction_id)
    profile |= {"stackLevel": stack_level(use, ability), "chargingProfilePurpose": _PURPOSES[use]}
    return {"connectorId": connector_number, "csChargingProfiles": profile | kind | {"chargingSchedule": schedule}}


def key(message: dict[str, Any], zone: str | None = None, now: datetime | None = None) -> str:
    """The same for messages that mean the same: the moment from which they count does not matter.

    Args:
        zone: with `now`, of a schedule by the hours: another offset from UTC is another schedule.
    """
    profile = json.loads(json.dumps(message))
    profile["csChargingProfiles"]["chargingSchedule"].pop("startSchedule", None)
    if zone is not None and now is not None:
        profile["offset"] = (power_schedule.monday(now, zone).hour, power_schedule.monday(now, zone).minute)
    return hashlib.sha256(json.dumps(profile, sort_keys=True).encode()).hexdigest()[:32]


def clear(use: ProfileUse, connector_number: int) -> dict[str, Any]:
    """ClearChargingProfile of ours."""
    return {"id": profile_id(use, connector_number)}


def ask(connector_number: int, duration_s: int, rate: RateUnit) -> dict[str, Any]:
    """GetCompositeSchedule."""
    return {"connectorId": connector_number, "duration": duration_s, "chargingRateUnit": rate}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(limit: Decimal) -> int | float:
    return int(limit) if limit == limit.to_integral_value() else float(limit)


@dataclass(frozen=True)
class Composite:
    """A composite schedule that could be read: (second, limit) from the answer on."""

    rate: RateUnit
    periods: tuple[tuple[int, Decimal], ...]

    def at(self, second: float) -> Decimal | None:
        begun = [limit for start, limit in self.periods if start <= second]
        return begun[-1] if begun else None


def composite(answer: dict[str, Any] | None) -> Composite | None:
    """What the answer says, or None: some chargers refuse, or answer with placeholders (quirk B12)."""
    schedule = (answer or {}).get("chargingSchedule")
    if not isinstance(schedule, dict) or (answer or {}).get("status") != "Accepted":
        return None
    rate, periods = schedule.get("chargingRateUnit"), schedule.get("chargingSchedulePeriod")
    if rate not in ("A", "W") or not isinstance(periods, list) or not periods:
        return None
    try:
        read = [(int(period["startPeriod"]), Decimal(str(period["limit"]))) for period in periods]
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return None
    if any(not limit.is_finite() for _, limit in read):
        return None
    return Composite(rate, tuple(sorted(read)))
