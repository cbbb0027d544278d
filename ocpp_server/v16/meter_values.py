"""MeterValues: what a plug's meter shows."""

from typing import Any

from sqlalchemy.orm import Session

from domain import meter_values
from ocpp_server.context import Context
from ocpp_server.v16.wire import sampled


def handle(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """The values are kept, and the session that they belong to has advanced."""
    meter_values.store(
        db,
        context.charger_id,
        payload["connectorId"],
        payload.get("transactionId"),
        sampled(payload["meterValue"], context),
        context.now,
    )
    return {}
