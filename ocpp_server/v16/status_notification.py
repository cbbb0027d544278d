"""StatusNotification: how a plug, or the whole charger (connector 0), is doing."""

from typing import Any

from sqlalchemy.orm import Session

from domain import statuses
from domain.charger_clock import ChargerTime, read_time
from ocpp_server.context import Context


def handle(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """The plug shows that status unless a newer one is known; every status is accepted (quirk G1)."""
    text = payload.get("timestamp")
    report = statuses.Report(
        connector_number=payload["connectorId"],
        status=payload["status"],
        error_code=payload["errorCode"],
        time=read_time(text, context.now, context.clock_zone) if text else ChargerTime(context.now, None),
        info=payload.get("info"),
        vendor_error_code=payload.get("vendorErrorCode"),
        vendor_id=payload.get("vendorId"),
    )
    statuses.report(db, context.charger_id, report, context.now)
    return {}
