"""Which payment accounts a station offers to its drivers, and which one first: its preferred payment method."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain import audit, payment_accounts
from domain.errors import NotFound
from domain.models.payments import PaymentAccount, StationMerchant
from domain.models.stations import Station


class Merchant(NamedTuple):
    """One payment account of a station."""

    account: PaymentAccount  # the operator's row
    holder: PaymentAccount  # the row with the credentials; often the same
    is_preferred: bool

    @property
    def can_take_payments(self) -> bool:
        return self.account.is_active and self.holder.can_take_payments


def of_station(db: Session, station: Station) -> list[Merchant]:
    """The station's payment accounts, the preferred one first, then in the order in which they were added."""
    further = (
        select(PaymentAccount)
        .join(StationMerchant, StationMerchant.payment_account_id == PaymentAccount.id)
        .where(StationMerchant.station_id == station.id, PaymentAccount.id != (station.payment_account_id or 0))
        .order_by(StationMerchant.added_at, PaymentAccount.id)
    )
    accounts = list(db.scalars(further))
    if station.payment_account_id is not None:
        accounts.insert(0, db.get_one(PaymentAccount, station.payment_account_id))
    return [
        Merchant(each, payment_accounts.holder(db, each.id), each.id == station.payment_account_id) for each in accounts
    ]


def usable(db: Session, station: Station) -> list[Merchant]:
    """Those where a driver can pay now."""
    return [each for each in of_station(db, station) if each.can_take_payments]


def add(db: Session, station: Station, account: PaymentAccount, *, by: str, now: datetime) -> None:
    """The station offers the account; it is the preferred one if there was none.

    Raises:
        NotFound: the account is another operator's.
    """
    if account.operator_id != station.operator_id:
        raise NotFound("There is no such payment account.")
    db.flush()  # a refresh would forget what was set before
    db.refresh(station, with_for_update=True)
    if account.id in {each.account.id for each in of_station(db, station)}:
        return
    db.add(
        StationMerchant(
            station_id=station.id, payment_account_id=account.id, operator_id=station.operator_id, added_at=now
        )
    )
    if station.payment_account_id is None:
        station.payment_account_id = account.id
    _record(db, station, "payment account added", account, by, now)


def prefer(db: Session, station: Station, account: PaymentAccount, *, by: str, now: datetime) -> None:
    """Drivers are sent there unless they choose another one.

    Raises:
        NotFound: the station does not offer it.
    """
    db.flush()  # a refresh would forget what was set before
    db.refresh(station, with_for_update=True)
    _offered(db, station, account)
    if station.payment_account_id == account.id:
        return
    before = station.payment_account_id
    if before is not None and db.get(StationMerchant, (station.id, before)) is None:
        db.add(
            StationMerchant(
                station_id=station.id, payment_account_id=before, operator_id=station.operator_id, added_at=now
            )
        )
    station.payment_account_id = account.id
    _record(db, station, "preferred payment method chosen", account, by, now)


def remove(db: Session, station: Station, account: PaymentAccount, *, by: str, now: datetime) -> None:
    """The station offers the account no more; the next one is preferred if it was.

    Raises:
        NotFound: the station does not offer it.
    """
    db.flush()  # a refresh would forget what was set before
    db.refresh(station, with_for_update=True)
    _offered(db, station, account)
    db.execute(
        delete(StationMerchant).where(
            StationMerchant.station_id == station.id, StationMerchant.payment_account_id == account.id
        )
    )
    if station.payment_account_id == account.id:
        station.payment_account_id = None
        left = of_station(db, station)
        station.payment_account_id = left[0].account.id if left else None
    _record(db, station, "payment account removed", account, by, now)


def _offered(db: Session, station: Station, account: PaymentAccount) -> None:
    if account.id not in {each.account.id for each in of_station(db, station)}:
        raise NotFound("This station does not offer that payment account.")


def _record(db: Session, station: Station, verb: str, account: PaymentAccount, by: str, now: datetime) -> None:
    db.flush()
    audit.record(db, verb, "station", station.id, operator_id=station.operator_id, by=by, now=now, account=account.name)
