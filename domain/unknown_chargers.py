"""Chargers that tried to connect and that nobody has: they wait to be adopted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from domain.models.applications import ApplicationDevice, ApplicationStatus, StationApplication
from domain.models.chargers import Charger, Handshake, HandshakeOutcome

WAITS = timedelta(days=30)
MOST = 100


@dataclass(frozen=True)
class UnknownCharger:
    """A device id that no charger has, and its attempts of the last month."""

    device_id: str
    first_at: datetime
    times: int
    latest: Handshake
    application_id: int | None = None  # an open application that names it


def waiting(db: Session, text: str, now: datetime) -> list[UnknownCharger]:
    """All of them, the latest attempt first; `text` is looked for in the device id. For platform staff only:

    device ids of others are nobody's business (docs/adr, adoption)."""
    within = [Handshake.device_id.icontains(text, autoescape=True)] if text else []
    return _found(db, within, now)


def find(db: Session, device_id: str, now: datetime) -> UnknownCharger | None:
    """The one with exactly this device id."""
    found = _found(db, [Handshake.device_id == device_id], now)
    return found[0] if found else None


def _found(db: Session, conditions: list[ColumnElement[bool]], now: datetime) -> list[UnknownCharger]:
    last = func.max(Handshake.id)
    grouped = (
        select(Handshake.device_id, func.min(Handshake.at), func.sum(Handshake.repeats), last)
        .where(
            Handshake.at > now - WAITS,
            Handshake.outcome == HandshakeOutcome.UNKNOWN_CHARGER,
            Handshake.device_id.is_not(None),
            ~exists().where(Charger.device_id == Handshake.device_id),
            *conditions,
        )
        .group_by(Handshake.device_id)
        .order_by(last.desc())
        .limit(MOST)
    )
    rows: list[Any] = list(db.execute(grouped))
    latest = {each.id: each for each in db.scalars(select(Handshake).where(Handshake.id.in_([row[3] for row in rows])))}
    named = _named(db, [row[0] for row in rows])
    return [
        UnknownCharger(device_id, first_at, int(times), latest[last_id], named.get(device_id))
        for device_id, first_at, times, last_id in rows
    ]


def _named(db: Session, device_ids: Iterable[str]) -> dict[str, int]:
    open_ones = (
        select(ApplicationDevice.device_id, StationApplication.id)
        .join(StationApplication, StationApplication.id == ApplicationDevice.application_id)
        .where(
            ApplicationDevice.device_id.in_(device_ids),
            StationApplication.status.not_in((ApplicationStatus.APPROVED, ApplicationStatus.REJECTED)),
        )
    )
    return dict(db.execute(open_ones).all())
