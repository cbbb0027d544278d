"""A station's limit is shared among its running sessions: the plan, and the wishes that lead to it.

The plan is made anew whenever anything changed; what may be changed at once (`power_plan.steps`) becomes the wish of a
charging profile, and `power_delivery` carries it to the charger. `PowerProfile.bound` holds what a charger may believe
in until it has agreed to something else: the sum of these is what never exceeds the limit.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain import power_plan
from domain.models.chargers import Charger
from domain.models.power import (
    LimitUnit,
    PowerProfile,
    ProfileState,
    ProfileUse,
    ShareMethod,
    StationLimit,
)
from domain.power_plan import Share
from domain.power_spots import Spot, place, spots

BY = "power plan"
# Not worth a message: half an ampere, or what that is on three phases.
SLACK = {LimitUnit.A: 5, LimitUnit.KW: 350}


def stations(db: Session) -> list[int]:
    """Ids of the stations with a limit, or with profiles left from one."""
    left = (
        select(Charger.station_id)
        .join(PowerProfile, PowerProfile.charger_id == Charger.id)
        .where(PowerProfile.use.in_((ProfileUse.START, ProfileUse.SHARE)))
    )
    found = select(StationLimit.station_id).where(or_(StationLimit.is_on, StationLimit.station_id.in_(left)))
    return list(db.scalars(found.order_by(StationLimit.station_id)))


def share(db: Session, station_id: int, now: datetime) -> None:
    """The plan of that station is up to date, and what may be changed now is wished of its chargers."""
    limit = db.get(StationLimit, station_id, with_for_update=True, populate_existing=True)
    if limit is None:
        return
    found = spots(db, limit)
    if not limit.is_on:
        _let_go(db, found, now)
        return
    for spot in found:
        _keep_rows(db, spot, now)
    places = {spot.connector.id: place(db, limit, spot, now) for spot in found}
    shares = power_plan.plan(limit.amount, list(places.values()), int(now.timestamp()))
    changes = power_plan.steps(limit.amount, list(places.values()), shares, SLACK[limit.unit])
    for spot in found:
        key = spot.connector.id
        _note(spot, shares[key], now)
        if key in changes:
            _grant(spot, changes[key], now)
        if not spot.is_held:
            _prepare_next(spot, places[key].start, now)
    db.flush()


def _keep_rows(db: Session, spot: Spot, now: datetime) -> None:
    """The connector has its two rows; those of a session that is over are as new."""
    if spot.start is None:
        spot.start = _row(db, spot, ProfileUse.START, now)
    if spot.share is None:
        spot.share = _row(db, spot, ProfileUse.SHARE, now)
    share = spot.share
    if share.charging_session_id != spot.charging_id and not share.is_under_way:
        _reset(share, now)
        share.charging_session_id, share.turn_at = spot.charging_id, now
        db.flush()
        db.refresh(share, ["charging"])
    if spot.method is not ShareMethod.TX_PROFILE and not share.is_under_way:
        share.amount = share.bound = None


def _row(db: Session, spot: Spot, use: ProfileUse, now: datetime) -> PowerProfile:
    row = PowerProfile(
        operator_id=spot.charger.operator_id,
        charger_id=spot.charger.id,
        connector_number=spot.connector.number,
        use=use,
        changed_at=now,
        changed_by=BY,
        state=ProfileState.ACCEPTED,
        state_at=now,
        variant=0,
        tries=0,
        version=1,
    )
    db.add(row)
    db.flush()
    return row


def _reset(share: PowerProfile, now: datetime) -> None:
    share.amount = share.bound = share.target = share.sent_amount = share.epoch = None
    share.sent_key = share.held_key = share.refused_key = share.retry_at = share.why = share.reported = None
    share.tries = 0
    share.state, share.state_at, share.told = ProfileState.ACCEPTED, now, None


def _note(spot: Spot, given: Share, now: datetime) -> None:
    share = spot.share
    if share is None:
        return
    if spot.charging is not None and bool(given.limit) != bool(share.target):
        share.turn_at = now
    share.target = given.limit if spot.charging is not None else None
    share.why = given.why.value


def _grant(spot: Spot, amount: int, now: datetime) -> None:
    """That amount is wished of the connector; until it is confirmed, the higher of old and new counts."""
    is_session = spot.charging is not None and spot.method is ShareMethod.TX_PROFILE
    row = spot.share if is_session else spot.start
    if row is not None and (not is_session or row.charging_session_id == spot.charging_id):
        _wish(row, amount, spot.ceiling, now)


def _prepare_next(spot: Spot, begins: int, now: datetime) -> None:
    """What the next session starts with is wished, once the running one has its own limit: never more than that."""
    start, share = spot.start, spot.own_share
    if start is None or spot.method is not ShareMethod.TX_PROFILE or share is None or share.held_key is None:
        return
    if share.amount is not None and start.amount != min(begins, share.amount):
        _wish(start, min(begins, share.amount), start.bound, now)


def _wish(row: PowerProfile, amount: int, bound: int | None, now: datetime) -> None:
    if row.amount == amount:
        return
    row.bound = None if bound is None else max(bound, amount)
    row.amount, row.refused_key = amount, None
    if not row.is_under_way:
        row.state, row.state_at, row.told = ProfileState.WAITING, now, None


def _let_go(db: Session, found: Sequence[Spot], now: datetime) -> None:
    """There is no limit any more: chargers forget what they were told, then the rows are gone."""
    for spot in found:
        for row in (spot.share, spot.start):
            if row is None:
                continue
            if row.amount is not None:
                row.amount, row.state = None, ProfileState.WAITING
            if row.use is ProfileUse.SHARE and row.charging_session_id != spot.charging_id and not row.is_under_way:
                _reset(row, now)
            if row.held_key is None and row.sent_key is None and not row.is_under_way:
                db.delete(row)
    db.flush()
