"""`/stations`: sites, and the tariff by which each charges."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from blueprints.api import parameters, schemas, values
from blueprints.api.keys import caller, own_operator
from blueprints.api.operation import operation
from blueprints.api.pages import listed, matching, within
from blueprints.database import db
from domain import stations, tariff_book
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.errors import NotFound, Refused
from domain.models.payments import PaymentAccount
from domain.models.stations import Station

TAG = "Stations"

_WRITABLE: schemas.Schema = {
    "address": schemas.or_null({"type": "string", "maxLength": 300}),
    "city": schemas.or_null({"type": "string", "maxLength": 120}),
    "country": schemas.or_null({**schemas.one_of(sorted(stations.countries())), "description": "ISO 3166-1 alpha-2."}),
    "latitude": schemas.or_null({"type": "number", "minimum": -90, "maximum": 90}),
    "longitude": schemas.or_null({"type": "number", "minimum": -180, "maximum": 180}),
    "public_note": schemas.or_null({"type": "string", "maxLength": 1000}),
    "payment_account_id": schemas.or_null(schemas.ID),
}
_NAME = schemas.up_to(120)
_ZONE = {"type": "string", "minLength": 1, "maxLength": 60, "description": "IANA name.", "examples": ["Europe/Berlin"]}
_HOLD = {
    "type": "string",
    "pattern": r"^[0-9]{1,10}(\.[0-9]{1,3})?$",
    "description": "What a driver's card is held for.",
}
NEW_STATION = schemas.body(
    "name", "time_zone", name=_NAME, time_zone=_ZONE, currency=schemas.KNOWN_CURRENCY, hold=_HOLD, **_WRITABLE
)
CHANGED_STATION = schemas.changes(name=_NAME, time_zone=_ZONE, currency=schemas.KNOWN_CURRENCY, hold=_HOLD, **_WRITABLE)
STATION = schemas.record(
    id=schemas.ID,
    name=schemas.TEXT,
    address=schemas.or_null(schemas.TEXT),
    city=schemas.or_null(schemas.TEXT),
    country=schemas.or_null(schemas.TEXT),
    time_zone=schemas.TEXT,
    latitude=schemas.or_null({"type": "number"}),
    longitude=schemas.or_null({"type": "number"}),
    public_note=schemas.or_null(schemas.TEXT),
    currency=schemas.CURRENCY,
    hold=schemas.AMOUNT,
    payment_account_id=schemas.or_null(schemas.ID),
    tariff_id=schemas.or_null(schemas.ID),
    created_at=schemas.TIME,
)
ASSIGNMENT = schemas.body(
    "tariff_id",
    tariff_id=schemas.ID,
    change_currency={
        "type": "boolean",
        "default": False,
        "description": "The station has bills and shall bill in the tariff's currency from now on.",
    },
)
ASSIGNED = schemas.record(
    station_id=schemas.ID, tariff_id=schemas.ID, from_at={**schemas.TIME, "description": "Sessions from then on."}
)


@operation(
    "GET", "/stations", scope=Scope.READ, tag=TAG, summary="Your stations, oldest first",
    query=(*parameters.PAGING, *parameters.PERIOD, parameters.STATION), answer=schemas.page_of(STATION),
)  # fmt: skip
def list_stations(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's stations."""
    wanted = (*within(Station.created_at, asked), *matching(asked, station_id=Station.id))
    mine = select(Station, tariff_book.id_in_force(Station.id, utcnow()))
    return listed(mine.where(Station.operator_id == caller().operator_id, *wanted), Station.id, shape, asked)


@operation(
    "POST", "/stations", scope=Scope.WRITE, tag=TAG, summary="Open a station", body=NEW_STATION, answer=STATION,
    status=201,
)  # fmt: skip
def create_station(given: Mapping[str, Any]) -> dict[str, Any]:
    """A new station of the operator."""
    operator = own_operator()
    given_values = _read(given, given.get("currency") or operator.currency)
    station = stations.create(db.session, operator, given_values, by=caller().by, now=utcnow())
    return shape(station, None)


@operation("GET", "/stations/<station_id>", scope=Scope.READ, tag=TAG, summary="One station", answer=STATION)
def read_station(station_id: str) -> dict[str, Any]:
    """One station of the operator."""
    return _told(own(station_id))


@operation(
    "PATCH", "/stations/<station_id>", scope=Scope.WRITE, tag=TAG, summary="Change a station",
    body=CHANGED_STATION, answer=STATION,
)  # fmt: skip
def change_station(station_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The station has the new values."""
    station = own(station_id)
    new = _read(given, given.get("currency") or station.currency)
    stations.change(db.session, station, new, by=caller().by, now=utcnow())
    return _told(station)


@operation(
    "PUT", "/stations/<station_id>/tariff", scope=Scope.WRITE, tag=TAG,
    summary="Charge by this tariff from its valid_from on, at once if that has passed",
    body=ASSIGNMENT, answer=ASSIGNED,
)  # fmt: skip
def assign_tariff(station_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The station charges by the tariff."""
    station = own(station_id)
    try:
        tariff = tariff_book.get(db.session, station.operator_id, values.number(given["tariff_id"], "tariff"))
    except NotFound as missing:
        raise Refused(str(missing), [("tariff_id", str(missing))]) from missing
    may = given.get("change_currency", False)
    row = tariff_book.assign(db.session, station, tariff, may_change_currency=may, by=caller().by, now=utcnow())
    return {"station_id": str(station.id), "tariff_id": str(tariff.id), "from_at": values.moment(row.from_at)}


def own(station_id: str) -> Station:
    """The operator's station.

    Raises:
        NotFound: it has none with that id.
    """
    return stations.get(db.session, caller().operator_id, values.number(station_id, "charging station"))


def shape(station: Station, tariff_id: int | None) -> dict[str, Any]:
    """The station as JSON."""
    return {
        "id": str(station.id),
        "name": station.name,
        "address": station.address,
        "city": station.city,
        "country": station.country,
        "time_zone": station.time_zone,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "public_note": station.public_note,
        "currency": station.currency,
        "hold": values.amount(station.hold_minor, station.currency),
        "payment_account_id": str(station.payment_account_id) if station.payment_account_id else None,
        "tariff_id": str(tariff_id) if tariff_id else None,
        "created_at": values.moment(station.created_at),
    }


def _told(station: Station) -> dict[str, Any]:
    tariff = tariff_book.in_force(db.session, station.id, utcnow())
    return shape(station, tariff.id if tariff else None)


def _read(given: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The body's values as the domain knows them: amounts in minor units, ids as numbers."""
    new = dict(given)
    if "hold" in new:
        new["hold_minor"] = values.minor(new.pop("hold"), currency, "hold")
    if new.get("payment_account_id") is not None:
        new["payment_account_id"] = _payment_account_id(new["payment_account_id"])
    return new


def _payment_account_id(account_id: str) -> int:
    owned = select(PaymentAccount.id).where(
        PaymentAccount.operator_id == caller().operator_id, PaymentAccount.id == values.number_in_filter(account_id)
    )
    found = db.session.scalar(owned)
    if found is None:
        sentence = "There is no such payment account."
        raise Refused(sentence, [("payment_account_id", sentence)])
    return found
