"""The connectors of a station as the power plan sees them: what runs there, what it may draw by all that is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from domain import meter_samples, power_messages, power_schedule, power_units
from domain.charger_states import IS_RUNNING
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession, MeterValue
from domain.models.power import (
    LimitUnit,
    Newcomers,
    PowerAbility,
    PowerProfile,
    ProfileState,
    ProfileUse,
    ShareMethod,
    StationLimit,
)
from domain.power_plan import Place
from domain.power_units import Scale

# What a car takes is believed when it has had its share for a while.
SETTLED_AFTER = timedelta(seconds=20)
# A car is given a tenth more than it takes, and an ampere, so that it can show that it wants more.
HEADROOM = {LimitUnit.A: 10, LimitUnit.KW: 700}


@dataclass
class Spot:
    """One connector of the station."""

    charger: Charger
    connector: Connector
    ability: PowerAbility | None
    charging: ChargingSession | None
    scale: Scale
    profiles: Mapping[tuple[int, ProfileUse], PowerProfile]  # of its charger, by connector and use
    busy_on_charger: int  # connectors of its charger on which a session runs

    def __post_init__(self) -> None:
        number = self.connector.number
        self.start = self.profiles.get((number, ProfileUse.START))
        self.share = self.profiles.get((number, ProfileUse.SHARE))

    @property
    def method(self) -> ShareMethod:
        if self.charger.ocpp_version not in (None, "1.6"):
            return ShareMethod.NONE
        return self.ability.share_method if self.ability else ShareMethod.TX_PROFILE

    @property
    def charging_id(self) -> int | None:
        return self.charging.id if self.charging else None

    @property
    def own_share(self) -> PowerProfile | None:
        """The row of the running session's own limit, if it has been given one."""
        share = self.share
        if share is None or self.charging is None or share.charging_session_id != self.charging_id:
            return None
        return share if share.bound is not None else None

    @property
    def carrier(self) -> PowerProfile | None:
        """The profile whose limit the running session obeys."""
        return self.own_share or self.start

    @property
    def ceiling(self) -> int:
        """The most that may flow, by all that is confirmed and all that is under way.

        The session may end and another one begin in any moment, so what newcomers start with counts too.
        """
        if self.charger.connected_at is None:
            return 0  # it has never been here
        rating = self.scale.most
        if self.start is None or self.start.bound is None or self.method is ShareMethod.NONE:
            return rating
        bounds = [self.start.bound]
        if self.own_share is not None and self.own_share.bound is not None:
            bounds.append(self.own_share.bound)
        return min(max(bounds), rating)

    @property
    def is_held(self) -> bool:
        """Whether it can be told nothing now, or did not do what it was told."""
        is_stuck = self.charging is not None and self.carrier is not None and self.carrier.state is ProfileState.DIFFERS
        return not self.charger.is_connected or self.method is ShareMethod.NONE or is_stuck


def spots(db: Session, limit: StationLimit) -> list[Spot]:
    """Every connector of the station."""
    mine = select(Charger).where(Charger.station_id == limit.station_id).order_by(Charger.label, Charger.id)
    related = (selectinload(Charger.connectors), joinedload(Charger.station))
    chargers = db.scalars(mine.options(*related).execution_options(populate_existing=True)).all()
    found = _Found(db, [charger.id for charger in chargers])
    return [spot for charger in chargers for spot in _of_charger(charger, found, limit.unit)]


class _Found:
    """What belongs to those chargers."""

    def __init__(self, db: Session, ids: Sequence[int]) -> None:
        fresh = {"populate_existing": True}
        abilities = select(PowerAbility).where(PowerAbility.charger_id.in_(ids)).execution_options(**fresh)
        profiles = select(PowerProfile).where(PowerProfile.charger_id.in_(ids)).execution_options(**fresh)
        running = select(ChargingSession).where(ChargingSession.charger_id.in_(ids), IS_RUNNING)
        self.abilities = {each.charger_id: each for each in db.scalars(abilities)}
        self.profiles: dict[int, dict[tuple[int, ProfileUse], PowerProfile]] = {}
        for row in db.scalars(profiles):
            self.profiles.setdefault(row.charger_id, {})[row.connector_number, row.use] = row
        self.running: dict[int, dict[int, ChargingSession]] = {}
        for each in db.scalars(running.order_by(ChargingSession.started_at).execution_options(**fresh)):
            self.running.setdefault(each.charger_id, {})[each.connector_number] = each


def _of_charger(charger: Charger, found: _Found, unit: LimitUnit) -> Iterator[Spot]:
    ability, running = found.abilities.get(charger.id), found.running.get(charger.id, {})
    for connector in charger.connectors:
        if connector.number > 0:
            yield Spot(
                charger,
                connector,
                ability,
                running.get(connector.number),
                Scale(unit, power_units.outlet(connector), power_messages.understood(ability)),
                found.profiles.get(charger.id, {}),
                len(running),
            )


def place(db: Session, limit: StationLimit, spot: Spot, now: datetime) -> Place:
    """The connector as the planner sees it."""
    most, floor = _most(spot, now), spot.scale.floor
    begins = floor if limit.newcomers is Newcomers.FLOOR and floor <= most else 0
    turn_at = spot.share.turn_at if spot.share and spot.share.turn_at else now
    return Place(
        key=spot.connector.id,
        ceiling=spot.ceiling,
        floor=floor,
        most=most,
        start=begins if spot.charger.connected_at is not None else 0,
        is_charging=spot.charging is not None,
        is_held=spot.is_held,
        wants=_wants(db, limit, spot),
        is_on=bool(spot.share and spot.share.target),
        turn_at=int(turn_at.timestamp()),
    )


def _most(spot: Spot, now: datetime) -> int:
    """Its rating, or less where a person limited the connector, or the charger, at this hour."""
    most = spot.scale.most
    limits = (
        (spot.profiles.get((spot.connector.number, ProfileUse.CONNECTOR)), 1),
        (spot.profiles.get((0, ProfileUse.CHARGER)), max(1, spot.busy_on_charger)),
    )
    for profile, parts in limits:
        if profile is None or profile.wish is None:
            continue
        wish = power_schedule.from_json(profile.wish)
        wished = power_schedule.limit_at(wish, now, spot.charger.station.time_zone)
        if wished is not None:
            most = min(most, _amount(wished / parts, wish.unit, spot.scale))
    return most


def _amount(value: Decimal, unit: LimitUnit, scale: Scale) -> int:
    watts = value * 1000 if unit is LimitUnit.KW else value * scale.outlet.volts
    return int(watts) if scale.unit is LimitUnit.KW else int(watts * 10 / scale.outlet.volts)


def _wants(db: Session, limit: StationLimit, spot: Spot) -> int | None:
    """What the car takes and a little more, once it has shown that it leaves some of its share."""
    charging, carrier = spot.charging, spot.carrier
    if charging is None or carrier is None or charging.power_w is None or charging.last_meter_at is None:
        return None
    had = carrier.amount
    is_settled = carrier.state in (ProfileState.AGREED, ProfileState.ACCEPTED) and not carrier.is_under_way
    if not had or not is_settled or charging.last_meter_at < carrier.state_at + SETTLED_AFTER:
        return None
    used = spot.scale.used(charging.power_w, _amps(db, charging))
    return None if used * 10 >= had * 9 else used * 11 // 10 + HEADROOM[limit.unit]


def _amps(db: Session, charging: ChargingSession) -> float | None:
    newest = select(MeterValue.samples).where(MeterValue.charging_session_id == charging.id)
    samples = db.scalar(newest.order_by(MeterValue.at.desc(), MeterValue.id.desc()).limit(1))
    return meter_samples.highest_current(samples or [])
