"""`/sessions`: what was charged."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Select, select

from blueprints.api import parameters, schemas, values
from blueprints.api.keys import caller
from blueprints.api.operation import operation
from blueprints.api.pages import listed, matching, within
from blueprints.database import db
from domain.api_keys import Scope
from domain.errors import NotFound
from domain.meter_samples import ENERGY
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.orders import Order

TAG = "Sessions"

SESSION = schemas.record(
    id=schemas.ID,
    device_id=schemas.TEXT,
    station_id=schemas.ID,
    connector_id=schemas.ID,
    transaction_id={**schemas.or_null(schemas.TEXT), "description": "None for a stop without a start."},
    token={**schemas.or_null(schemas.TEXT), "description": "The idTag, as the charger sent it."},
    status=schemas.one_of(SessionStatus),
    started_at=schemas.TIME,
    stopped_at=schemas.or_null(schemas.TIME),
    meter_start_wh=schemas.or_null(schemas.ENERGY),
    meter_stop_wh=schemas.or_null(schemas.ENERGY),
    energy_wh={**schemas.ENERGY, "description": "Wh, so far or in the end."},
    power_w=schemas.or_null(schemas.WHOLE),
    soc_percent=schemas.or_null(schemas.WHOLE),
    stop_reason=schemas.or_null(schemas.TEXT),
    flags={**schemas.FLAGS, "description": "What looks wrong; nothing is billed silently because of one."},
    tariff_id={**schemas.or_null(schemas.ID), "description": "Frozen at the start."},
    order_id=schemas.or_null(schemas.ID),
)
METER_VALUE = schemas.record(
    at=schemas.TIME,
    measurand=schemas.TEXT,
    value={**schemas.TEXT, "description": "As the charger sent it."},
    unit=schemas.or_null(schemas.TEXT),
    context=schemas.TEXT,
    phase=schemas.or_null(schemas.TEXT),
    location=schemas.TEXT,
    energy_wh={**schemas.or_null(schemas.ENERGY), "description": "The energy register of this moment in Wh."},
)
SESSION_WITH_METER_VALUES = schemas.extended(SESSION, meter_values={"type": "array", "items": METER_VALUE})


@operation(
    "GET", "/sessions", scope=Scope.READ, tag=TAG, summary="Charging sessions, newest first",
    query=(
        *parameters.PAGING, *parameters.PERIOD, parameters.DEVICE, parameters.STATION,
        parameters.choice("status", "In this state.", SessionStatus),
        parameters.text("transaction_id", "With this transaction id."),
        parameters.text("token", "Of this idTag, as the charger sent it."),
    ),
    answer=schemas.page_of(SESSION),
)  # fmt: skip
def list_sessions(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's charging sessions."""
    wanted = matching(
        asked,
        device_id=Charger.device_id,
        station_id=ChargingSession.station_id,
        status=ChargingSession.status,
        transaction_id=ChargingSession.transaction_id,
        token=ChargingSession.id_tag,
    )
    mine = _mine().where(*within(ChargingSession.started_at, asked), *wanted)
    return listed(mine, ChargingSession.id, shape, asked, newest_first=True)


@operation(
    "GET", "/sessions/<session_id>", scope=Scope.READ, tag=TAG, summary="One session with its meter values",
    answer=SESSION_WITH_METER_VALUES,
)  # fmt: skip
def read_session(session_id: str) -> dict[str, Any]:
    """One charging session of the operator, with its meter values."""
    row = db.session.execute(_mine().where(ChargingSession.id == values.number(session_id, "session"))).one_or_none()
    if row is None:
        raise NotFound("There is no such session.")
    found = select(MeterValue).where(MeterValue.charging_session_id == row[0].id)
    meter_values = db.session.scalars(found.order_by(MeterValue.at, MeterValue.id))
    return shape(*row) | {"meter_values": list(_samples(meter_values))}


def shape(charging: ChargingSession, device_id: str, order_id: int | None) -> dict[str, Any]:
    """The session as JSON."""
    return {
        "id": str(charging.id),
        "device_id": device_id,
        "station_id": str(charging.station_id),
        "connector_id": str(charging.connector_number),
        "transaction_id": charging.transaction_id,
        "token": charging.id_tag,
        "status": charging.status.value,
        "started_at": values.moment(charging.started_at),
        "stopped_at": values.moment(charging.stopped_at),
        "meter_start_wh": charging.meter_start_wh,
        "meter_stop_wh": charging.meter_stop_wh,
        "energy_wh": charging.energy_wh,
        "power_w": charging.power_w,
        "soc_percent": charging.soc_percent,
        "stop_reason": charging.stop_reason,
        "flags": list(charging.flags),
        "tariff_id": str(charging.tariff_id) if charging.tariff_id else None,
        "order_id": str(order_id) if order_id else None,
    }


def _mine() -> Select[Any]:
    return (
        select(ChargingSession, Charger.device_id, Order.id)
        .join(Charger, Charger.id == ChargingSession.charger_id)
        .outerjoin(Order, Order.charging_session_id == ChargingSession.id)
        .where(ChargingSession.operator_id == caller().operator_id)
    )


def _samples(meter_values: Iterable[MeterValue]) -> Iterator[dict[str, Any]]:
    """Every sample of every meter value; what a charger leaves out has OCPP 1.6's defaults."""
    for meter_value in meter_values:
        for sample in meter_value.samples:
            measurand = str(sample.get("measurand") or ENERGY)
            is_register = measurand == ENERGY
            yield {
                "at": values.moment(meter_value.at),
                "measurand": measurand,
                "value": str(sample.get("value", "")),
                "unit": sample.get("unit") or ("Wh" if is_register else None),
                "context": str(sample.get("context") or "Sample.Periodic"),
                "phase": sample.get("phase"),
                "location": str(sample.get("location") or "Outlet"),
                "energy_wh": meter_value.energy_wh if is_register and not sample.get("phase") else None,
            }
