"""Everything that the page of a QR code shows: charger, plugs, price, ways to pay, business hours."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select

from blueprints import driver_figures
from blueprints.database import db
from domain import holds, plugs, price_list, station_hours, station_merchants, tariff_book
from domain.catalogues import spoken
from domain.clock import utcnow
from domain.errors import NotFound
from domain.hours import Now
from domain.models.chargers import Charger, QrCode
from domain.models.payments import PaymentAccount
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.plugs import Plug, PlugState
from domain.price_list import PriceList
from domain.station_merchants import Merchant
from domain.tariffs import parse_tariff


class Place(NamedTuple):
    """Everything the page of a QR code shows."""

    qr_code: QrCode
    charger: Charger
    station: Station
    merchants: list[Merchant]  # all of the station's, also those that take no payments now
    plugs: list[Plug]
    tariff: Tariff | None
    prices: PriceList | None
    hours: Now

    @property
    def is_closed(self) -> bool:
        """Whether nobody may start here now."""
        return self.station.refuses_outside_hours and not self.hours.is_open

    @property
    def ways(self) -> list[Merchant]:
        """Where a driver can pay now, the preferred one first."""
        return [each for each in self.merchants if each.can_take_payments]

    @property
    def account(self) -> PaymentAccount | None:
        return self.ways[0].account if self.ways else None

    @property
    def holds(self) -> list[int]:
        """What the driver may choose as the most that a charge costs, in minor units, the usual amount first."""
        return holds.choices(self.station.hold_minor, self.tariff.currency) if self.tariff else []

    @property
    def is_test(self) -> bool:
        return self.account is not None and self.account.is_test

    @property
    def is_payable(self) -> bool:
        can_pay = self.account is not None and self.prices is not None and not self.is_closed
        return can_pay and any(plug.is_usable for plug in self.plugs)


def find(code: str) -> Place:
    """The place that a code leads to.

    Raises: NotFound.
    """
    now = utcnow()
    qr_code = db.session.scalar(select(QrCode).where(QrCode.code == code.upper(), QrCode.charger_id.is_not(None)))
    if qr_code is None:
        raise NotFound(spoken("This code does not lead to a charger."))
    found = db.session.get_one(Charger, qr_code.charger_id)
    station = found.station
    tariff = tariff_book.in_force(db.session(), station.id, now)
    prices = None
    if tariff is not None:
        zone = ZoneInfo(station.time_zone)
        prices = price_list.price_list(parse_tariff(tariff.terms), zone, now, tariff.currency)
    return Place(
        qr_code,
        found,
        station,
        station_merchants.of_station(db.session(), station),
        plugs.of_charger(db.session(), found),
        tariff,
        prices,
        station_hours.now_at(station, now),
    )


def trouble(place: Place) -> str | None:
    """The word for why nobody can pay here now."""
    states = {plug.state for plug in place.plugs}
    if not place.charger.is_connected:
        return "offline"
    if place.is_closed:
        return "closed"
    if place.tariff is None or place.prices is None:
        return "no_price"
    if place.account is None:
        return "not_available" if place.merchants else "no_account"
    if not states:
        return "no_plugs"
    if any(plug.is_usable for plug in place.plugs):
        return None
    return "faulted" if states <= {PlugState.FAULTED, PlugState.OUT_OF_SERVICE} else "busy"


def opens(place: Place) -> str | None:
    """When a closed station opens, on its own clock."""
    if place.hours.is_open or place.hours.until is None:
        return None
    return driver_figures.moment(place.hours.until, place.station.time_zone)
