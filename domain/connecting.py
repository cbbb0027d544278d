"""How far a new charger has come: handshake, boot, clock, connectors, test charge, and what stands in the way."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.charger_clock import TOLERANCE, parse
from domain.models.chargers import Charger, Connector, Handshake, HandshakeOutcome
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.messages import Direction, Message

# Calls of OCPP 1.6 that tell the charger's time.
_TIMED = ("StatusNotification", "MeterValues", "StartTransaction", "StopTransaction")
_STAMP = re.compile(r'"timestamp"\s*:\s*"([^"\\]{1,60})"')
_LOOKED_AT = 20
_ALIKE_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Clock:
    """The charger's clock beside ours: how far it is behind (ahead: negative); None where it wrote no moment."""

    told_at: datetime
    behind: timedelta | None

    @property
    def is_right(self) -> bool:
        return self.behind is not None and abs(self.behind) <= TOLERANCE


@dataclass(frozen=True)
class Progress:
    """What was seen of a charger so far."""

    handshake_at: datetime | None  # of the last socket that was let in
    refused: Handshake | None  # the latest refusal since then
    sent_instead: str | None  # another spelling of the device id that was refused
    booted_at: datetime | None
    clock: Clock | None
    connectors: list[Connector]  # without number 0, the charger itself
    test_charge: ChargingSession | None  # the latest with energy
    is_connected: bool

    @property
    def is_complete(self) -> bool:
        clock_is_right = self.clock is not None and self.clock.is_right
        return bool(self.handshake_at and self.booted_at and clock_is_right and self.connectors and self.test_charge)


def progress(db: Session, charger: Charger, now: datetime) -> Progress:
    """How far the charger has come."""
    handshake_at = charger.connected_at
    return Progress(
        handshake_at=handshake_at,
        refused=None if charger.is_connected else _latest_refusal(db, charger, handshake_at),
        sent_instead=None if handshake_at else _other_spelling(db, charger, now),
        booted_at=charger.booted_at,
        clock=clock(db, charger),
        connectors=_connectors(db, charger),
        test_charge=_test_charge(db, charger),
        is_connected=charger.is_connected,
    )


def clock(db: Session, charger: Charger) -> Clock | None:
    """What the charger's latest time stamps say; the best of them, as some are replayed from an offline hour."""
    said = select(Message.at, Message.text).where(
        Message.charger_id == charger.id,
        Message.direction == Direction.CP_TO_CSMS,
        Message.action.in_(_TIMED),
        Message.text.contains("timestamp"),
    )
    read = [
        _read(text or "", at, charger.clock_zone or "UTC")
        for at, text in db.execute(said.order_by(Message.id.desc()).limit(_LOOKED_AT))
    ]
    if not read:
        return None
    known = [each for each in read if each.behind is not None]
    return next((each for each in known if each.is_right), known[0] if known else read[0])


def _read(text: str, at: datetime, zone: str) -> Clock:
    stamps = _STAMP.findall(text)
    moment = parse(stamps[-1], at, zone) if stamps else None
    return Clock(at, at - moment if moment else None)


def _latest_refusal(db: Session, charger: Charger, since: datetime | None) -> Handshake | None:
    refused = select(Handshake).where(
        Handshake.device_id == charger.device_id, Handshake.outcome != HandshakeOutcome.ACCEPTED
    )
    if since is not None:
        refused = refused.where(Handshake.at > since)
    return db.scalar(refused.order_by(Handshake.id.desc()).limit(1))


def _other_spelling(db: Session, charger: Charger, now: datetime) -> str | None:
    alike = select(Handshake.device_id).where(
        Handshake.at > now - _ALIKE_WITHIN,
        Handshake.outcome == HandshakeOutcome.UNKNOWN_CHARGER,
        func.lower(Handshake.device_id) == charger.device_id.lower(),
        Handshake.device_id != charger.device_id,
    )
    return db.scalar(alike.order_by(Handshake.id.desc()).limit(1))


def _connectors(db: Session, charger: Charger) -> list[Connector]:
    plugs = select(Connector).where(Connector.charger_id == charger.id, Connector.number > 0)
    return list(db.scalars(plugs.where(Connector.reported_at.is_not(None)).order_by(Connector.number)))


def _test_charge(db: Session, charger: Charger) -> ChargingSession | None:
    charged = select(ChargingSession).where(
        ChargingSession.charger_id == charger.id,
        ChargingSession.status == SessionStatus.COMPLETED,
        ChargingSession.energy_wh > 0,
    )
    return db.scalar(charged.order_by(ChargingSession.started_at.desc()).limit(1))
