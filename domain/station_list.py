"""An operator's stations with what their list shows: chargers online, price now, payment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, func, select
from sqlalchemy.orm import Session

from domain import paging, tariff_book
from domain.charger_states import NOT_ONLINE, ChargerWord, charger_word
from domain.models.chargers import Charger, QrCode
from domain.models.orders import Order
from domain.models.payments import PaymentAccount
from domain.models.stations import Station, StationTariff
from domain.models.tariffs import Tariff


@dataclass
class StationRow:
    """A station as the list shows it."""

    station: Station
    account: PaymentAccount | None
    tariff: Tariff | None
    total: int = 0
    online: int = 0
    charging: int = 0
    faulted: int = 0


def page(
    db: Session, operator_id: int | None, text: str, cursor: str | None, limit: int, now: datetime
) -> paging.Page[StationRow]:
    """One page of stations by name; `text` is looked for in name, address and city."""
    found: Any = select(Station).where(Station.operator_id == operator_id)
    if text:
        columns = (Station.name, Station.address, Station.city)
        conditions = [func.coalesce(each, "").icontains(text, autoescape=True) for each in columns]
        found = found.where(conditions[0] | conditions[1] | conditions[2])
    keys: list[Any] = [func.lower(Station.name, type_=Text()), Station.id]
    stations = paging.fetch_page(db, found, keys, cursor=cursor, limit=limit)
    return paging.Page(described(db, stations.rows, now), stations.previous, stations.next)


def described(db: Session, stations: list[Station], now: datetime) -> list[StationRow]:
    """The stations with their figures."""
    accounts = {each.id: each for each in db.scalars(select(PaymentAccount).where(_accounts_of(stations)))}
    made = {
        each.id: StationRow(each, accounts.get(each.payment_account_id or 0), tariff_book.in_force(db, each.id, now))
        for each in stations
    }
    in_use = select(Charger.station_id, charger_word(now).label("word")).where(Charger.retired_at.is_(None))
    words = in_use.where(Charger.station_id.in_(made)).subquery()
    counted = select(words.c.station_id, words.c.word, func.count()).group_by(words.c.station_id, words.c.word)
    for station_id, word, count in db.execute(counted):
        row = made[station_id]
        row.total += count
        row.online += 0 if word in NOT_ONLINE else count
        row.charging += count if word == ChargerWord.CHARGING else 0
        row.faulted += count if word == ChargerWord.FAULTED else 0
    return list(made.values())


def versions(db: Session, station_id: int) -> list[StationTariff]:
    """Every price list that the station was given, the latest first."""
    found = select(StationTariff).where(StationTariff.station_id == station_id)
    return list(db.scalars(found.order_by(StationTariff.from_at.desc(), StationTariff.id.desc()).limit(200)))


def bound_codes(db: Session, station_id: int) -> int:
    """How many QR codes lead to the station's chargers."""
    chargers = select(Charger.id).where(Charger.station_id == station_id)
    return db.scalar(select(func.count()).select_from(QrCode).where(QrCode.charger_id.in_(chargers))) or 0


def has_paid_session(db: Session, station_id: int) -> bool:
    """Whether somebody has paid there."""
    paid = select(Order.id).where(Order.station_id == station_id, Order.payment_id.is_not(None))
    return db.scalar(paid.limit(1)) is not None


def _accounts_of(stations: list[Station]) -> Any:
    return PaymentAccount.id.in_({each.payment_account_id for each in stations if each.payment_account_id})
