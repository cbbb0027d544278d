"""A sidecar in a process of its own, with chargers that it knows, and a look into its database."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from domain import charger_keys, commands, doorbell
from domain.clock import utcnow
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.commands import Command, CommandStatus
from tests import factories
from tests.processes import Sidecar
from tests.waiting import wait_until

KEY = "6b1f0e9d2c3a4b5d6e7f"


@dataclass
class World:
    engine: Engine
    sidecar: Sidecar
    folder: Path

    def add_chargers(self, cards: dict[str, str], **values: Any) -> None:
        """A priced station has these chargers, all with the same KEY; by device id the card that charges there."""
        with Session(self.engine) as db:
            operator = factories.operator(db)
            station = factories.station(db, operator)
            factories.assign_tariff(db, station, factories.tariff(db, operator))
            salt, key_hash = charger_keys.seal(KEY)
            for device_id, card in cards.items():
                factories.token(db, operator, card)
                factories.charger(
                    db, station, device_id=device_id, password_salt=salt, password_hash=key_hash, **values
                )
            db.commit()

    def queue(self, device_id: str, action: str, payload: dict[str, Any]) -> int:
        with Session(self.engine) as db:
            charger = db.scalars(select(Charger).where(Charger.device_id == device_id)).one()
            command = commands.queue(db, charger, action, payload, by="interop", now=utcnow())
            db.commit()
            doorbell.ring(self.folder)
            return command.id

    async def outcome(self, command_id: int) -> CommandStatus:
        """Its status once it is settled."""

        def settled() -> CommandStatus | None:
            with Session(self.engine) as db:
                command = db.get_one(Command, command_id)
                return command.status if command.is_settled else None

        return await asyncio.to_thread(wait_until, settled, what=f"command {command_id} being settled")

    def charging_sessions(self) -> dict[str, list[ChargingSession]]:
        """By device id, oldest first."""
        rows = select(Charger.device_id, ChargingSession).join(Charger, Charger.id == ChargingSession.charger_id)
        found: dict[str, list[ChargingSession]] = {}
        with Session(self.engine, expire_on_commit=False) as db:
            for device_id, charged in db.execute(rows.order_by(ChargingSession.id)):
                found.setdefault(device_id, []).append(charged)
        return found
