"""One field for everything an operator may look for. Each kind is found by an index or among few rows."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from domain import charging_session_list, order_list
from domain.models.chargers import Charger, QrCode
from domain.models.charging import ChargingSession
from domain.models.orders import Order
from domain.models.stations import Station

MOST = 10


@dataclass
class Found:
    """What the text may mean."""

    chargers: list[Charger] = field(default_factory=list)
    stations: list[Station] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    sessions: list[ChargingSession] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.chargers or self.stations or self.orders or self.sessions)


def find(
    db: Session, operator_id: int | None, text: str, now: datetime, *, with_money: bool, with_drivers: bool
) -> Found:
    """The operator's rows that the text may mean; orders and sessions only for those who may see money."""
    found = Found(_chargers(db, operator_id, text), _stations(db, operator_id, text))
    if with_money:
        wanted = order_list.Filter(text=text, may_see_drivers=with_drivers)
        found.orders = order_list.page(db, operator_id, wanted, None, MOST, now).rows
        in_list = charging_session_list.Filter(text=text)
        found.sessions = [row[0] for row in charging_session_list.page(db, operator_id, in_list, None, MOST, now).rows]
    return found


def _chargers(db: Session, operator_id: int | None, text: str) -> list[Charger]:
    coded = select(QrCode.charger_id).where(QrCode.operator_id == operator_id, QrCode.code == text.upper())
    columns = (Charger.label, Charger.device_id, Charger.uuid, Charger.serial_number)
    named = or_(*(each.icontains(text, autoescape=True) for each in columns), Charger.id.in_(coded))
    found = select(Charger).where(Charger.operator_id == operator_id, named).options(joinedload(Charger.station))
    return list(db.scalars(found.order_by(Charger.label, Charger.id).limit(MOST)))


def _stations(db: Session, operator_id: int | None, text: str) -> list[Station]:
    named = or_(*(each.icontains(text, autoescape=True) for each in (Station.name, Station.address, Station.city)))
    found = select(Station).where(Station.operator_id == operator_id, named)
    return list(db.scalars(found.order_by(Station.name, Station.id).limit(MOST)))
