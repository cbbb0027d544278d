"""The security extension: events, and certificates to sign."""

from typing import Any

from sqlalchemy.orm import Session

from domain import chargers_said
from domain.charger_clock import read_time
from ocpp_server.context import Context
from ocpp_server.v16.wire import charger_of


def handle_event(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """The timeline has the event, at the time it happened."""
    time = read_time(payload["timestamp"], context.now, context.clock_zone)
    chargers_said.security_event(
        db, charger_of(db, context), payload["type"], payload.get("techInfo"), time, context.now
    )
    return {}


def handle_sign_certificate(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Rejected: this installation signs no certificates. Accepting would leave the charger waiting for one."""
    chargers_said.certificate_wanted(db, charger_of(db, context), payload["csr"], context.now)
    return {"status": "Rejected"}
