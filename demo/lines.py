"""The chargers' lines to Voltdesk in the weeks before: nearly always up, and now and then a plug was faulted."""

import random
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import charger_events
from domain.models.chargers import Charger

SEED = 20261127


def write_lines(db: Session, now: datetime, days: int) -> None:
    """Every charger's timeline tells of its first connection, its breaks, and of a fault that was put right."""
    chance = random.Random(SEED)  # noqa: S311 - believable, not secret
    began = now - timedelta(days=days)
    for charger in db.scalars(select(Charger).order_by(Charger.id)).all():
        _tell(db, charger.id, began, "connected", "First connected")
        for _ in range(chance.randint(2, 5)):
            gone_at = began + timedelta(hours=chance.uniform(12, days * 24 - 24))
            _tell(db, charger.id, gone_at, "disconnected", "Went offline")
            _tell(db, charger.id, gone_at + timedelta(hours=chance.uniform(0.1, 9)), "connected", "Back online")
        if chance.random() < 0.5:
            broke_at = began + timedelta(hours=chance.uniform(24, days * 24 - 60))
            mended_at = broke_at + timedelta(hours=chance.uniform(2, 40))
            _tell(db, charger.id, broke_at, "status", "Faulted: ConnectorLockFailure", connector_number=1)
            _tell(db, charger.id, mended_at, "status", "Available", connector_number=1)


def _tell(
    db: Session, charger_id: int, at: datetime, kind: str, summary: str, connector_number: int | None = None
) -> None:
    detail = {"status": summary.partition(":")[0]} if kind == "status" else None
    charger_events.record(
        db, charger_id, kind, summary, at=at, now=at, connector_number=connector_number, detail=detail
    )
