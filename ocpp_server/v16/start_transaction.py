"""StartTransaction: a plug began to charge, whether we allowed it or not."""

from typing import Any

from sqlalchemy.orm import Session

from domain import charging, reservations
from domain.charger_clock import read_time
from ocpp_server.context import Context
from ocpp_server.v16.wire import charger_of, id_tag_info


def handle(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Always a transaction id of its own, also with a refusal: 0 leads chargers astray (quirk F3)."""
    report = charging.StartReport(
        connector_number=payload["connectorId"],
        id_tag=payload["idTag"],
        meter_wh=payload["meterStart"],
        time=read_time(payload["timestamp"], context.now, context.clock_zone),
    )
    begun, found = charging.start(db, charger_of(db, context), report, context.now)
    reservations.use(db, context.charger_id, payload.get("reservationId"), begun, context.now)
    return {"transactionId": int(begun.transaction_id or 0), "idTagInfo": id_tag_info(found, context.now)}
