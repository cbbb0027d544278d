"""How updates and uploads go on: FirmwareStatus, SignedFirmwareStatus, DiagnosticsStatus and LogStatusNotification."""

from typing import Any

from sqlalchemy.orm import Session

from domain import chargers_said, diagnostics
from ocpp_server.context import Context
from ocpp_server.v16.wire import charger_of


def handle_firmware(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """The charger shows that firmware status, asked for or not."""
    chargers_said.firmware(db, charger_of(db, context), payload["status"], payload.get("requestId"), context.now)
    return {}


def handle_signed_firmware(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """As for unsigned firmware; some chargers leave the request id out (quirk C13)."""
    return handle_firmware(db, context, payload)


def handle_diagnostics(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """The charger shows that upload status, asked for or not."""
    status, request_id = payload["status"], payload.get("requestId")
    chargers_said.diagnostics(db, charger_of(db, context), status, request_id, context.now)
    diagnostics.note_status(db, context.charger_id, status, request_id, context.now)
    return {}


def handle_log(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """As for diagnostics; some chargers leave the request id out (quirk C13)."""
    return handle_diagnostics(db, context, payload)
