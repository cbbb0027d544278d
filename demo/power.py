"""The demo's maximum power: one station whose sessions share a limit, one connector with a limit by the hours."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from demo import cast
from domain import power
from domain.models.chargers import Charger
from domain.models.power import LimitUnit, Newcomers
from domain.models.stations import Station
from domain.power import Budget
from domain.power_schedule import Row, Wish

BY = cast.PEOPLE[0][0]
NIGHT_RATE = Wish(LimitUnit.KW, Decimal(22), (Row((0, 1, 2, 3, 4), 16 * 60, 20 * 60, Decimal(11)),))


def load_power(db: Session, sites: dict[str, Station], at: datetime) -> None:
    """Harbour Garage shares 63 A; at Station Square one wall box gives less at the hours of the evening peak."""
    budget = Budget(LimitUnit.A, 630, Newcomers.WAIT)
    power.set_station_limit(db, sites["garage"], budget, version=0, by=BY, now=at)
    wall = db.query(Charger).filter_by(device_id="HE22A01930046").one()
    db.refresh(wall, ["connectors"])
    power.set_limit(db, wall, 1, NIGHT_RATE, version=0, by=BY, now=at)
