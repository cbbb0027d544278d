"""Heartbeat: a charger asks for the time."""

from typing import Any

from sqlalchemy.orm import Session

from ocpp_server.context import Context
from ocpp_server.v16.wire import stamp


def handle(_db: Session, context: Context, _payload: dict[str, Any]) -> dict[str, Any]:
    """The time of receipt."""
    return {"currentTime": stamp(context.now)}
