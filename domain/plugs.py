"""What a driver may do at each plug of a charger now."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import payments, reservations
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession, SessionStatus


class PlugState(StrEnum):
    """Why a plug can be used, or why not."""

    FREE = "free"
    PLUGGED_IN = "plugged_in"
    NOT_HEARD_OF = "not_heard_of"  # the charger is online and has not said anything about it
    CHARGING = "charging"
    FINISHING = "finishing"
    RESERVED = "reserved"
    PAID_FOR = "paid_for"
    FAULTED = "faulted"
    OUT_OF_SERVICE = "out_of_service"
    OFFLINE = "offline"


USABLE = frozenset({PlugState.FREE, PlugState.PLUGGED_IN, PlugState.NOT_HEARD_OF})

_STATE_OF_STATUS = {
    "Available": PlugState.FREE,
    "Preparing": PlugState.PLUGGED_IN,
    "Unknown": PlugState.NOT_HEARD_OF,
    "Charging": PlugState.CHARGING,
    "SuspendedEV": PlugState.CHARGING,
    "SuspendedEVSE": PlugState.CHARGING,
    "Finishing": PlugState.FINISHING,
    "Reserved": PlugState.RESERVED,
    "Unavailable": PlugState.OUT_OF_SERVICE,
    "Faulted": PlugState.FAULTED,
}


@dataclass(frozen=True, slots=True)
class Plug:
    """One plug as a driver sees it."""

    number: int
    kind: str | None
    max_power_w: int | None
    state: PlugState

    @property
    def is_usable(self) -> bool:
        return self.state in USABLE


def of_charger(db: Session, charger: Charger) -> list[Plug]:
    """The charger's plugs in their order; empty if it has never named one."""
    connectors = db.scalars(select(Connector).where(Connector.charger_id == charger.id).order_by(Connector.number))
    by_number = {connector.number: connector for connector in connectors}
    whole = by_number.pop(0, None)
    busy = set(
        db.scalars(
            select(ChargingSession.connector_number).where(
                ChargingSession.charger_id == charger.id, ChargingSession.status == SessionStatus.ACTIVE
            )
        )
    )
    reserved = reservations.reserved_plugs(db, charger.id)
    return [
        Plug(number, connector.kind, connector.max_power_w, _state(db, charger, whole, connector, busy, reserved))
        for number, connector in by_number.items()
    ]


def _state(
    db: Session,
    charger: Charger,
    whole: Connector | None,
    connector: Connector,
    busy: Container[int],
    reserved: Container[int],
) -> PlugState:
    if not charger.is_connected:
        return PlugState.OFFLINE
    state = _STATE_OF_STATUS.get(connector.status, PlugState.OUT_OF_SERVICE)
    # A fault of the charger itself stops no plug (quirk G3): the plug says so if it is out of order.
    if whole is not None and whole.status == "Unavailable" and state in USABLE:
        return PlugState.OUT_OF_SERVICE
    if connector.number in busy and state in USABLE:
        return PlugState.CHARGING
    # Not every charger reports Reserved for what it agreed to keep free.
    if connector.number in reserved and state in USABLE:
        return PlugState.RESERVED
    if state in USABLE and payments.is_paid_for(db, charger.id, connector.number):
        return PlugState.PAID_FOR
    return state
