"""Limits, shares and schedules as people read them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext, ngettext

from blueprints.formats import kw
from domain import power_messages, power_plan, power_schedule, power_units
from domain.models.commands import Command, CommandStatus
from domain.models.operators import AuditEvent
from domain.models.power import (
    LimitUnit,
    Newcomers,
    PowerProfile,
    ProfileState,
    ShareMethod,
    StationLimit,
)
from domain.power import amount_text
from domain.power_plan import Why
from domain.power_schedule import Row, Wish
from domain.power_spots import Spot
from domain.power_units import Outlet

STATE_WORDS = {
    ProfileState.WAITING: "Waiting",
    ProfileState.SENT: "Sent",
    ProfileState.AGREED: "Agreed",
    ProfileState.ACCEPTED: "Accepted",
    ProfileState.DIFFERS: "Differs",
    ProfileState.REFUSED: "Refused",
    ProfileState.UNSUPPORTED: "Not supported",
}
SHORT_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
VERBS = {
    "limit set": "Limit set",
    "limit removed": "Limit removed",
    "rating set": "Rating set",
    "other profiles cleared": "Limits from before cleared",
    "told again": "Limits sent again",
}


def state_word(row: PowerProfile, is_connected: bool) -> str:
    if row.state is ProfileState.WAITING and not is_connected:
        return "Waiting for the charger"
    return STATE_WORDS[row.state]


def state_text(row: PowerProfile, is_connected: bool) -> str:
    """One sentence about where the limit stands."""
    if row.state is ProfileState.WAITING and not is_connected:
        return "The charger is offline. It is told as soon as it is back."
    if row.told:
        return row.told
    return {
        ProfileState.WAITING: "It is about to be told.",
        ProfileState.SENT: "The charger is asked.",
        ProfileState.AGREED: "The charger confirmed it with its schedule.",
    }.get(row.state, "")


def limit_text(value: Decimal, unit: LimitUnit) -> str:
    """ "11 kW", "16 A", "no charging" """
    return "no charging" if value == 0 else f"{value.normalize():f} {unit.value}"


def converted(value: Decimal, unit: LimitUnit, of: Outlet) -> str:
    """The same in the other unit, with what it was counted by: "16 A on 3 phases at 230 V"."""
    if value == 0:
        return ""
    phases = f"on {of.phases} phase{'s' if of.phases > 1 else ''} at {power_units.VOLTS} V"
    if unit is LimitUnit.KW:
        amps = power_units.in_rate(value, unit, "A", of)
        return f"{amps.normalize():f} A {phases}"
    return f"{kw(int(power_units.in_rate(value, unit, 'W', of)))} {phases}"


def wish_lines(wish: Wish) -> list[str]:
    """The schedule in lines, the base limit last."""
    lines = [
        f"{days(row)} {clock(row.from_min)}–{clock(row.to_min)}: {limit_text(row.limit, wish.unit)}"
        for row in wish.rows
    ]
    if not wish.rows:
        return [limit_text(wish.base, wish.unit)] if wish.base is not None else []
    rest = "full power" if wish.base is None else limit_text(wish.base, wish.unit)
    return [*lines, f"Otherwise: {rest}"]


def days(row: Row) -> str:
    if len(row.days) == len(SHORT_DAYS):
        return "Every day"
    first, last = row.days[0], row.days[-1]
    if len(row.days) > 2 and last - first == len(row.days) - 1:
        return f"{SHORT_DAYS[first]}–{SHORT_DAYS[last]}"
    return ", ".join(SHORT_DAYS[day] for day in row.days)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def now_text(wish: Wish, now: datetime, zone: str) -> str:
    limit = power_schedule.limit_at(wish, now, zone)
    return "No limit" if limit is None else limit_text(limit, wish.unit).capitalize().replace("kw", "kW")


# --- What the charger says ------------------------------------------------------------------------------------


def reported(command: Command | None, zone: str) -> str:
    """The composite schedule that it told, or why there is none."""
    if command is None:
        return "Not asked yet."
    if not command.is_settled:
        return "The charger is asked."
    told = power_messages.composite(command.response) if command.status is CommandStatus.ACCEPTED else None
    if told is None:
        return "It does not tell its schedule."
    return "; ".join(_turns(told, command.sent_at or command.queued_at, zone))


def _turns(told: power_messages.Composite, since: datetime, zone: str) -> Iterator[str]:
    for number, (second, limit) in enumerate(told.periods[:6]):
        shown = f"{limit.normalize():f} A" if told.rate == "A" else kw(int(limit))
        local = (since + timedelta(seconds=second + 30)).astimezone(ZoneInfo(zone))
        yield shown if number == 0 else f"{shown} from {local:%H:%M}"


# --- Shares ---------------------------------------------------------------------------------------------------


def spot_word(spot: Spot) -> str:
    if spot.method is ShareMethod.NONE:
        return "Not controllable"
    if not spot.charger.is_connected:
        return "Waiting for the charger" if spot.charger.connected_at else "Never connected"
    carrier = spot.carrier
    if carrier is None or carrier.amount is None:
        return "Waiting"
    return STATE_WORDS[carrier.state]


def spot_text(spot: Spot, limit: StationLimit) -> str:
    """Why the connector has what it has."""
    if spot.charger.connected_at is None:
        return "This charger has never connected; nothing is reserved for it."
    kept = amount_text(spot.ceiling, limit.unit)
    if spot.method is ShareMethod.NONE:
        return f"The charger takes no limits, so its rated {kept} stay reserved."
    if not spot.charger.is_connected:
        return f"The charger is offline. {kept} stay reserved for it until it is back."
    if spot.is_held and spot.carrier is not None:
        return f"{spot.carrier.told} {kept} stay reserved."
    if spot.charging is None:
        return _free_text(spot, limit)
    return share_text(spot.share, limit) if spot.share else "It is in the next plan."


def _free_text(spot: Spot, limit: StationLimit) -> str:
    start = spot.start
    if start is None or start.bound is None or start.amount is None or start.bound > start.amount:
        kept = amount_text(spot.ceiling, limit.unit)
        return f"Free. {kept} stay reserved until the charger knows what a new session may draw."
    if start.amount:
        return f"Free. A new session starts with {amount_text(start.amount, limit.unit)}."
    return "Free. A new session has its share after a second or two."


def share_text(share: PowerProfile, limit: StationLimit) -> str:
    """The reason for a session's share."""
    why, target = share.why, share.target or 0
    text = {
        Why.WHOLE: "It gets all that the connector gives.",
        Why.EQUAL: "What is free is shared equally.",
        Why.USED: "The car takes less than an equal share; the rest is given to others.",
        Why.WAITS: (
            f"It waits: less than {power_units.FLOOR_A} A are left, and no car charges with less. "
            f"It has its turn when others have charged for {power_plan.TURN_S // 60} minutes."
        ),
    }.get(Why(why) if why else Why.FREE, "It is in the next plan.")
    if share.amount is not None and target > share.amount:
        return f"{text} {amount_text(target, limit.unit)} as soon as others have gone down."
    return text


def driver_text(share: PowerProfile) -> str | None:
    """The sentence for the driver; None when there is nothing to explain."""
    if share.why == Why.WAITS:
        return ngettext(
            "The station's power is in use. Your car waits for its turn, at most about a minute.",
            "The station's power is in use. Your car waits for its turn, at most about %(num)s minutes.",
            power_plan.TURN_S // 60,
        )
    if share.why == Why.EQUAL:
        return gettext("The station's power is shared with other cars, so yours charges slower than it could.")
    return None


# --- History --------------------------------------------------------------------------------------------------


def happenings(events: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    """Lines of the history for the timeline macro."""
    return [
        {
            "icon": "gauge" if event.verb == "limit set" else "history",
            "tone": "off",
            "title": VERBS.get(event.verb, event.verb),
            "text": ". ".join(part for part in (_detail(event), f"By {event.actor}") if part),
            "at": event.at,
        }
        for event in events
    ]


def _detail(event: AuditEvent) -> str:
    detail = event.detail or {}
    if event.object_type == "station_power":
        return str(detail.get("limit", ""))
    number = detail.get("connector")
    where = "" if number is None else "Whole charger" if number == 0 else f"Connector {number}"
    if event.verb == "rating set":
        return f"{where}: {kw(int(detail.get('watts', 0)))}"
    wish = detail.get("limit")
    lines = wish_lines(power_schedule.from_json(wish)) if isinstance(wish, dict) else []
    return f"{where}: {', '.join(lines)}" if lines else where


def newcomers_text(limit: StationLimit) -> str:
    if limit.newcomers is Newcomers.FLOOR:
        return "New sessions start with 6 A at once."
    return "New sessions wait a second or two for their share."
