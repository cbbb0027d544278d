"""BootNotification: a charger says what it is."""

from binascii import crc32
from typing import Any

from sqlalchemy.orm import Session

from domain import chargers_said
from ocpp_server.context import Context
from ocpp_server.v16.wire import stamp

INTERVAL_S = 300
JITTER_S = 30  # so that chargers that came back together do not keep speaking together


def handle(db: Session, context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Accepted, whatever it says: a refused charger boots for ever (quirk C1)."""
    chargers_said.boot(db, context.charger_id, payload, context.now)
    return {"status": "Accepted", "currentTime": stamp(context.now), "interval": interval_s(context.device_id)}


def interval_s(device_id: str) -> int:
    """The heartbeat interval of that charger, always the same one."""
    return INTERVAL_S - JITTER_S + crc32(device_id.encode("utf-8", "surrogatepass")) % (2 * JITTER_S + 1)
