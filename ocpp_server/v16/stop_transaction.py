"""StopTransaction: a plug has stopped; never refused, for a refused stop is sent for ever (quirks F3, F6)."""

from typing import Any

from sqlalchemy.orm import Session

from domain import charging, tokens
from domain.charger_clock import read_time
from ocpp_server.context import Context
from ocpp_server.v16.wire import charger_of, id_tag_info, sampled


def handle(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """The session has ended; the card that stopped it, if any, is told what it may do."""
    charger = charger_of(db, context)
    id_tag = payload.get("idTag")
    report = charging.StopReport(
        transaction_id=payload["transactionId"],
        id_tag=id_tag,
        meter_wh=payload["meterStop"],
        time=read_time(payload["timestamp"], context.now, context.clock_zone),
        reason=payload.get("reason"),
        values=sampled(payload.get("transactionData", ()), context),
        connector_number=payload.get("connectorId"),
    )
    charging.stop(db, charger, report, context.now)
    if id_tag is None:
        return {}
    return {"idTagInfo": id_tag_info(tokens.authorise(db, charger, id_tag, report.time.at), context.now)}
