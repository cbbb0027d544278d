"""Whether a charger's composite schedule says what a person wished."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from domain import power_schedule, power_units
from domain.models.power import LimitUnit, PowerProfile, ProfileState, ProfileUse
from domain.power_messages import Composite

if TYPE_CHECKING:
    from domain.power_desk import Desk

EVERY_S = 1_800
# Around a change of the limit its clock and ours may disagree.
NEAR = timedelta(minutes=3)


@dataclass(frozen=True)
class Outcome:
    """What the comparison came to."""

    state: ProfileState
    sentence: str | None


def compare(desk: "Desk", profile: PowerProfile, told: Composite | None, asked_at: datetime) -> Outcome:
    """The first moment of the next day at which the schedule says something else decides."""
    if told is None:
        return Outcome(ProfileState.ACCEPTED, "The charger accepts it and does not tell its schedule.")
    margin = Decimal("0.2") if told.rate == "A" else Decimal(150)
    for second in range(0, EVERY_S * 48 if len(told.periods) > 1 else 1, EVERY_S):
        moment = asked_at + timedelta(seconds=second)
        least, most = _expected(desk, profile, moment, told.rate)
        limit = told.at(second)
        if limit is None or most is None or _is_near_a_change(desk, profile, moment):
            continue
        if limit > most + margin:
            return _more(desk, profile, limit, told.rate)
        if least is not None and limit < least - margin:
            shown = _shown(limit, told.rate)
            return Outcome(
                ProfileState.DIFFERS,
                f"The charger allows only {shown}: a limit that it had before, or its own setting, is lower.",
            )
    return Outcome(ProfileState.AGREED, None)


def _more(desk: "Desk", profile: PowerProfile, limit: Decimal, rate: power_units.RateUnit) -> Outcome:
    if profile.use is ProfileUse.CONNECTOR and not desk.is_charging(profile.connector_number):
        # Some firmware tells limits of sessions only while one charges.
        return Outcome(ProfileState.ACCEPTED, "The charger accepts it and does not show it until somebody charges.")
    return Outcome(ProfileState.DIFFERS, f"The charger accepts it, and its schedule allows {_shown(limit, rate)}.")


def _expected(
    desk: "Desk", profile: PowerProfile, moment: datetime, rate: power_units.RateUnit
) -> tuple[Decimal | None, Decimal | None]:
    """(least, most) that the schedule may say then; `least` None where other limits are not known well enough."""
    number, of = profile.connector_number, desk.outlet(profile.connector_number)
    own = _limit(desk, profile, moment, rate)
    if own is None:
        return None, None
    others = [power_units.in_rate(power_units.most(of, LimitUnit.KW), LimitUnit.KW, rate, of)]
    if number:
        charger = desk.find(ProfileUse.CHARGER, 0)
        limit = _limit(desk, charger, moment, rate) if charger else None
        others += [limit] if limit is not None else []
        is_planned = any(desk.find(use, number) is not None for use in (ProfileUse.START, ProfileUse.SHARE))
        if is_planned:
            return None, own
    else:
        is_planned = desk.limit is not None and desk.limit.is_on
        if is_planned or desk.find(ProfileUse.CONNECTOR, 1) is not None:
            return None, own
    return None if of.is_supposed else min(own, *others), own


def _limit(desk: "Desk", profile: PowerProfile, moment: datetime, rate: power_units.RateUnit) -> Decimal | None:
    if profile.wish is None:
        return None
    wish = power_schedule.from_json(profile.wish)
    limit = power_schedule.limit_at(wish, moment, desk.zone)
    of = desk.outlet(profile.connector_number)
    return None if limit is None else power_units.in_rate(limit, wish.unit, rate, of)


def _is_near_a_change(desk: "Desk", profile: PowerProfile, moment: datetime) -> bool:
    if profile.wish is None:
        return False
    wish = power_schedule.from_json(profile.wish)
    around = [power_schedule.limit_at(wish, moment + shift, desk.zone) for shift in (-NEAR, timedelta(), NEAR)]
    return len(set(around)) > 1


def _shown(limit: Decimal, rate: str) -> str:
    return f"{limit.normalize():f} A" if rate == "A" else f"{(limit / 1000).quantize(Decimal('0.1'))} kW"
