"""`/chargers`: devices and their connectors."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import select

from blueprints.api import parameters, schemas, stations, values
from blueprints.api.keys import caller
from blueprints.api.operation import operation
from blueprints.api.pages import fetched, matching, whole, within
from blueprints.database import db
from domain import chargers
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.errors import NotFound, Refused
from domain.models.chargers import Charger, Connector, QrCode
from domain.models.stations import Station

TAG = "Chargers"

_DEVICE_ID = {**schemas.up_to(48), "description": "OCPP identity, as the charger sends it."}
_ACCOUNT = schemas.or_null({"type": "string", "maxLength": 100})
_LABEL = {**schemas.up_to(40), "description": "What people read on the device."}
_PROFILE = {"type": "integer", "enum": [1, 2], "description": "1: password over ws, 2: password over wss."}
_CLOCK_ZONE = schemas.or_null(
    {"type": "string", "maxLength": 60, "description": "IANA zone of time stamps that come without an offset."}
)
_NO_SUBPROTOCOL = {"type": "boolean", "description": "It connects without naming a subprotocol and is let in."}
NEW_CHARGER = schemas.body(
    "station_id",
    "device_id",
    station_id=schemas.ID,
    device_id=_DEVICE_ID,
    device_account=_ACCOUNT,
    label=_LABEL,
    password={"type": "string", "description": "10 to 64 ASCII characters; a random one if left out."},
    security_profile=_PROFILE,
)
CHANGED_CHARGER = schemas.changes(
    station_id=schemas.ID,
    device_account=_ACCOUNT,
    label=_LABEL,
    security_profile=_PROFILE,
    clock_zone=_CLOCK_ZONE,
    accepts_no_subprotocol=_NO_SUBPROTOCOL,
)
STATUSES = ("online", "offline")
CHARGER = schemas.record(
    id=schemas.ID,
    device_id=schemas.TEXT,
    station_id=schemas.ID,
    uuid={"type": "string", "format": "uuid"},
    label=schemas.TEXT,
    device_account=schemas.or_null(schemas.TEXT),
    security_profile={"type": "integer", "enum": [0, 1, 2, 3]},
    status=schemas.one_of(STATUSES),
    connected_at=schemas.or_null(schemas.TIME),
    disconnected_at=schemas.or_null(schemas.TIME),
    last_seen_at=schemas.or_null(schemas.TIME),
    booted_at=schemas.or_null(schemas.TIME),
    ocpp_version=schemas.or_null(schemas.TEXT),
    vendor=schemas.or_null(schemas.TEXT),
    model=schemas.or_null(schemas.TEXT),
    serial_number=schemas.or_null(schemas.TEXT),
    firmware_version=schemas.or_null(schemas.TEXT),
    firmware_status=schemas.or_null(schemas.TEXT),
    diagnostics_status=schemas.or_null(schemas.TEXT),
    clock_zone=schemas.or_null(schemas.TEXT),
    accepts_no_subprotocol=schemas.FLAG,
    driver_urls={"type": "array", "items": schemas.TEXT, "description": "What its QR codes say."},
    created_at=schemas.TIME,
)
CHARGER_WITH_PASSWORD = schemas.extended(CHARGER, password={**schemas.TEXT, "description": "Told only here."})
CONNECTOR = schemas.record(
    id={**schemas.ID, "description": "The charger's number of the plug; 0 is the charger itself."},
    status={**schemas.TEXT, "description": "OCPP 1.6 ChargePointStatus, or Unknown before the first report."},
    error_code=schemas.or_null(schemas.TEXT),
    since=schemas.or_null(schemas.TIME),
    info=schemas.or_null(schemas.TEXT),
    vendor_error_code=schemas.or_null(schemas.TEXT),
    last_fault={**schemas.or_null(schemas.TEXT), "description": "The last error code that was one."},
    kind=schemas.or_null(schemas.TEXT),
    max_power_w=schemas.or_null(schemas.WHOLE),
)


@operation(
    "GET", "/chargers", scope=Scope.READ, tag=TAG, summary="Your chargers, oldest first",
    query=(
        *parameters.PAGING, *parameters.PERIOD, parameters.STATION, parameters.DEVICE,
        parameters.choice("status", "Whether its socket is open.", STATUSES),
    ),
    answer=schemas.page_of(CHARGER),
)  # fmt: skip
def list_chargers(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's chargers."""
    mine = select(Charger).where(Charger.operator_id == caller().operator_id, *within(Charger.created_at, asked))
    mine = mine.where(*matching(asked, station_id=Charger.station_id, device_id=Charger.device_id))
    if asked["status"]:
        mine = mine.where(Charger.node.is_not(None) if asked["status"] == "online" else Charger.node.is_(None))
    rows, next_cursor = fetched(mine, Charger.id, asked)
    urls = _driver_urls([charger.id for (charger,) in rows])
    return {"items": [shape(charger, urls[charger.id]) for (charger,) in rows], "next_cursor": next_cursor}


@operation(
    "POST", "/chargers", scope=Scope.WRITE, tag=TAG, summary="Add a charger; its password is told only here",
    body=NEW_CHARGER, answer=CHARGER_WITH_PASSWORD, status=201,
)  # fmt: skip
def add_charger(given: Mapping[str, Any]) -> dict[str, Any]:
    """A new charger with its password."""
    more = {name: value for name, value in given.items() if name not in ("station_id", "device_id")}
    station = _station(given["station_id"])
    charger, password = chargers.add(db.session, station, given["device_id"], by=caller().by, now=utcnow(), **more)
    return _told(charger) | {"password": password}


@operation("GET", "/chargers/<device_id>", scope=Scope.READ, tag=TAG, summary="One charger", answer=CHARGER)
def read_charger(device_id: str) -> dict[str, Any]:
    """One charger of the operator."""
    return _told(own(device_id))


@operation(
    "PATCH", "/chargers/<device_id>", scope=Scope.WRITE, tag=TAG, summary="Change a charger",
    body=CHANGED_CHARGER, answer=CHARGER,
)  # fmt: skip
def change_charger(device_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The charger has the new values."""
    charger = own(device_id)
    new = dict(given)
    if "station_id" in new:
        new["station_id"] = _station(new["station_id"]).id
    chargers.change(db.session, charger, new, by=caller().by, now=utcnow())
    return _told(charger)


@operation(
    "GET", "/chargers/<device_id>/connectors", scope=Scope.READ, tag=TAG,
    summary="The charger's plugs as it last reported them", answer=schemas.page_of(CONNECTOR),
)  # fmt: skip
def list_connectors(device_id: str) -> dict[str, Any]:
    """The charger's connectors."""
    plugs = select(Connector).where(Connector.charger_id == own(device_id).id).order_by(Connector.number)
    return whole([_connector(connector) for connector in db.session.scalars(plugs)])


def own(device_id: str) -> Charger:
    """The operator's charger.

    Raises:
        NotFound: it has none with that device id.
    """
    return chargers.get(db.session, caller().operator_id, device_id)


def shape(charger: Charger, driver_urls: Sequence[str]) -> dict[str, Any]:
    """The charger as JSON."""
    return {
        "id": str(charger.id),
        "device_id": charger.device_id,
        "station_id": str(charger.station_id),
        "uuid": charger.uuid,
        "label": charger.label,
        "device_account": charger.device_account,
        "security_profile": charger.security_profile,
        "status": "online" if charger.is_connected else "offline",
        "connected_at": values.moment(charger.connected_at),
        "disconnected_at": values.moment(charger.disconnected_at),
        "last_seen_at": values.moment(charger.last_seen_at),
        "booted_at": values.moment(charger.booted_at),
        "ocpp_version": charger.ocpp_version,
        "vendor": charger.vendor,
        "model": charger.model,
        "serial_number": charger.serial_number,
        "firmware_version": charger.firmware_version,
        "firmware_status": charger.firmware_status,
        "diagnostics_status": charger.diagnostics_status,
        "clock_zone": charger.clock_zone,
        "accepts_no_subprotocol": charger.accepts_no_subprotocol,
        "driver_urls": list(driver_urls),
        "created_at": values.moment(charger.created_at),
    }


def _told(charger: Charger) -> dict[str, Any]:
    return shape(charger, _driver_urls([charger.id])[charger.id])


def _driver_urls(charger_ids: Sequence[int]) -> Mapping[int, list[str]]:
    urls: dict[int, list[str]] = defaultdict(list)
    codes = select(QrCode.charger_id, QrCode.code).where(
        QrCode.operator_id == caller().operator_id, QrCode.charger_id.in_(charger_ids)
    )
    for charger_id, code in db.session.execute(codes.order_by(QrCode.id)):
        urls[charger_id].append(f"{current_app.extensions['settings'].public_url}/c/{code}")
    return urls


def _station(station_id: str) -> Station:
    try:
        return stations.own(station_id)
    except NotFound as missing:
        raise Refused(str(missing), [("station_id", str(missing))]) from missing


def _connector(connector: Connector) -> dict[str, Any]:
    return {
        "id": str(connector.number),
        "status": connector.status,
        "error_code": connector.error_code,
        "since": values.moment(connector.status_at),
        "info": connector.info,
        "vendor_error_code": connector.vendor_error_code,
        "last_fault": connector.last_fault,
        "kind": connector.kind,
        "max_power_w": connector.max_power_w,
    }
