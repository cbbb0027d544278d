"""The power plan of a station: who gets how much of the limit, and which changes may be sent now.

Pure: whole numbers of one unit (a tenth of an ampere per phase, or a watt; `power_units`). Two promises, kept whatever
chargers do: the shares never add up to more than the limit, and neither do the ceilings on the way from one plan to
the next, because a share is raised only out of what is free while every reduction that is not confirmed still counts
with its old ceiling. (docs/adr/009-power-never-above-the-limit.md)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

TURN_S = 900  # how long a session charges before it makes room for one that waits


class Why(StrEnum):
    """The reason for a share."""

    FREE = "free"  # nothing charges there; the share is what a newcomer may start with
    HELD = "held"  # cannot be told anything now: what it may draw stays reserved
    WHOLE = "whole"  # all that the connector can give
    EQUAL = "equal"  # as much as everybody else who could use more
    USED = "used"  # what the car takes, with a margin
    WAITS = "waits"  # not even the least current is left


@dataclass(frozen=True)
class Place:
    """One connector, as the planner sees it.

    Args:
        ceiling: the most that it may draw at this moment, by all that is confirmed and all that is under way.
        floor: less than that is no charging at all; also the least that a charging session is worth.
        most: what the connector, its own limit and its cable give.
        start: what a newcomer may draw before it is in the plan.
        wants: what the car was seen to take, with a margin; None: as much as it gets.
        turn_at: since when (seconds) it has been charging, or waiting for its turn.
    """

    key: int
    ceiling: int
    floor: int
    most: int
    start: int = 0
    is_charging: bool = True
    is_held: bool = False
    wants: int | None = None
    is_on: bool = False
    turn_at: int = 0


@dataclass(frozen=True)
class Share:
    """What the plan gives a connector."""

    limit: int
    why: Why


def plan(limit: int, places: Sequence[Place], now_s: int = 0) -> dict[int, Share]:
    """The share of every connector. What is held and what is reserved for newcomers comes first, the rest is shared.

    If that is not enough for everybody's floor, sessions take turns: who charges keeps the turn for TURN_S, then the
    one that waited longest has it.
    """
    shares: dict[int, Share] = {}
    rest = limit
    for place in places:
        if place.is_held:
            shares[place.key] = Share(place.ceiling, Why.HELD)
            rest -= place.ceiling
        elif not place.is_charging:
            shares[place.key] = Share(min(place.start, place.most), Why.FREE)
            rest -= shares[place.key].limit
    charging = [place for place in places if place.key not in shares]
    admitted = _admitted(rest, charging, now_s)
    given = _fill(rest, {place.key: place.floor for place in admitted}, {p.key: _wanted(p) for p in admitted})
    given = _fill(rest, given, {place.key: place.most for place in admitted})
    for place in charging:
        shares[place.key] = Share(given.get(place.key, 0), _why(place, given))
    return shares


def _admitted(rest: int, charging: Sequence[Place], now_s: int) -> list[Place]:
    """Those whose floors fit, in the order of turns; nobody who cannot charge at all takes one."""
    admitted = []
    for place in sorted(charging, key=lambda place: _turn(place, now_s)):
        if place.floor <= place.most and place.floor <= rest:
            admitted.append(place)
            rest -= place.floor
    return admitted


def _turn(place: Place, now_s: int) -> tuple[int, int, int]:
    if not place.is_on:
        return 1, place.turn_at, place.key
    has_had_its_turn = now_s - place.turn_at >= TURN_S
    return 2 if has_had_its_turn else 0, place.turn_at, place.key


def _wanted(place: Place) -> int:
    wants = place.most if place.wants is None else place.wants
    return min(place.most, max(place.floor, wants))


def _fill(total: int, start: Mapping[int, int], caps: Mapping[int, int]) -> dict[int, int]:
    """Everybody's level rises alike until the total is used up or the caps are reached."""
    given = dict(start)
    rest = total - sum(given.values())
    while rest > 0:
        low = [key for key in given if given[key] < caps[key]]
        if not low:
            break
        level = min(given[key] for key in low)
        lowest = sorted(key for key in low if given[key] == level)
        above = [given[key] for key in given if given[key] > level and key in low]
        top = min([caps[key] for key in lowest] + above)
        step = min(top - level, rest // len(lowest))
        if step == 0:  # the last few units go to the first ones
            for key in lowest[:rest]:
                given[key] += 1
            break
        for key in lowest:
            given[key] += step
        rest -= step * len(lowest)
    return given


def _why(place: Place, given: Mapping[int, int]) -> Why:
    if place.key not in given:
        return Why.WAITS
    share = given[place.key]
    if share >= place.most:
        return Why.WHOLE
    return Why.USED if place.wants is not None and share >= _wanted(place) else Why.EQUAL


def steps(limit: int, places: Sequence[Place], shares: Mapping[int, Share], slack: int = 0) -> dict[int, int]:
    """The changes that may be sent at once: every reduction, and the raises that fit beside all present ceilings.

    Args:
        slack: a raise or a reduction of not more than that is not worth a message, unless the limit demands it.
    """
    free = limit - sum(place.ceiling for place in places)
    movable = [place for place in places if not place.is_held and shares[place.key].limit != place.ceiling]
    raised = sorted((p for p in movable if _is_worth_a_raise(p, shares, slack)), key=lambda p: (p.ceiling, p.key))
    lacks = free < sum(shares[place.key].limit - place.ceiling for place in raised)
    changes = {}
    for place in movable:
        down = place.ceiling - shares[place.key].limit
        if down > slack or (down > 0 and (lacks or free < 0)):
            changes[place.key] = shares[place.key].limit
    for place in raised:
        up = shares[place.key].limit - place.ceiling
        if up <= free:
            changes[place.key] = shares[place.key].limit
            free -= up
    return changes


def _is_worth_a_raise(place: Place, shares: Mapping[int, Share], slack: int) -> bool:
    up = shares[place.key].limit - place.ceiling
    return up > slack or (up > 0 and place.ceiling < place.floor)
