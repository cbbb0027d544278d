"""What a handler is told about the charger whose message it handles."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Context:
    """One message's surroundings. `now` is the moment of receipt."""

    charger_id: int
    operator_id: int
    station_id: int
    device_id: str
    ocpp_version: str
    clock_zone: str  # IANA name for time stamps without a zone
    node: str
    epoch: int
    now: datetime


Handler = Callable[[Session, Context, dict[str, Any]], dict[str, Any]]
"""`handle(db, ctx, payload) -> response payload`: runs in the writer's savepoint, is answered after the commit."""
