"""A station's day begins at its own midnight: what was charged and earned since."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.models.charging import ChargingSession, SessionStatus
from domain.models.orders import Order
from domain.models.stations import Station


@dataclass
class Totals:
    """What a span of time brought; `revenue_minor` by currency, refunded orders left out."""

    sessions: int = 0
    energy_wh: int = 0
    orders: int = 0
    revenue_minor: dict[str, int] = field(default_factory=dict)


def midnight(zone: str, now: datetime, days_back: int = 0) -> datetime:
    """The moment at which the zone's present day began, or that of some days ago."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() - timedelta(days=days_back)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(now.tzinfo)


def operator_zone(db: Session, operator_id: int | None) -> str:
    """The zone of most of the operator's stations; UTC without stations."""
    zones = select(Station.time_zone).where(Station.operator_id == operator_id).group_by(Station.time_zone)
    return db.scalar(zones.order_by(func.count().desc(), Station.time_zone).limit(1)) or "UTC"


def totals(db: Session, operator_id: int | None, now: datetime, *, days: int = 1) -> Totals:
    """What began since midnight at each of the operator's stations, or in the last `days` days including today."""
    zones: dict[str, list[int]] = defaultdict(list)
    for station_id, zone in db.execute(select(Station.id, Station.time_zone).where(Station.operator_id == operator_id)):
        zones[zone].append(station_id)

    def since(station: InstrumentedAttribute[int], at: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
        parts = [and_(station.in_(ids), at >= midnight(zone, now, days - 1)) for zone, ids in zones.items()]
        return or_(false(), *parts)

    return _sum(
        db,
        since(ChargingSession.station_id, ChargingSession.started_at),
        since(Order.station_id, Order.created_at),
    )


def station_totals(db: Session, station: Station, now: datetime) -> Totals:
    """What began since midnight at one station."""
    since = midnight(station.time_zone, now)
    sessions = and_(ChargingSession.station_id == station.id, ChargingSession.started_at >= since)
    return _sum(db, sessions, and_(Order.station_id == station.id, Order.created_at >= since))


def charger_totals(db: Session, charger_id: int, since: datetime) -> Totals:
    """What one charger brought since then."""
    sessions = and_(ChargingSession.charger_id == charger_id, ChargingSession.started_at >= since)
    orders = Order.charging_session_id.in_(select(ChargingSession.id).where(sessions))
    return _sum(db, sessions, orders)


def _sum(db: Session, sessions: ColumnElement[bool], orders: ColumnElement[bool]) -> Totals:
    made = Totals()
    counted = select(func.count(), func.coalesce(func.sum(ChargingSession.energy_wh), 0))
    found = db.execute(counted.where(sessions, ChargingSession.status != SessionStatus.REFUSED)).one()
    made.sessions, made.energy_wh = found[0], int(found[1])
    earned = select(Order.currency, func.count(), func.sum(Order.gross_minor)).where(
        orders, Order.status.notin_(("refunding", "refunded"))
    )
    for currency, count, gross in db.execute(earned.group_by(Order.currency).order_by(Order.currency)):
        made.orders += count
        made.revenue_minor[currency] = int(gross)
    return made
