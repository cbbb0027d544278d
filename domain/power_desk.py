"""One charger with everything that its charging profiles need, at one moment."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain import commands, power_messages, power_units
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command
from domain.models.power import LimitUnit, PowerAbility, PowerProfile, ProfileUse, ShareMethod, StationLimit
from domain.power_units import Outlet, Scale

BY = "power plan"
ANSWER_WITHIN_S = 15
# A running session is told its share before newcomers' default takes its present freedom away.
_ORDER = (ProfileUse.SHARE, ProfileUse.START, ProfileUse.CONNECTOR, ProfileUse.CHARGER)


class Desk:
    """One charger with everything that its profiles need, and the time."""

    def __init__(self, db: Session, charger: Charger, now: datetime) -> None:
        self.db, self.charger, self.now = db, charger, now
        self.zone = charger.station.time_zone
        self.limit = db.get(StationLimit, charger.station_id)
        self.ability = db.get(PowerAbility, charger.id) or self._new_ability()
        found = select(PowerProfile).where(PowerProfile.charger_id == charger.id)
        rows = db.scalars(found.options(joinedload(PowerProfile.charging)).execution_options(populate_existing=True))
        self.profiles = sorted(rows, key=lambda row: (_ORDER.index(row.use), row.connector_number))
        self.queued = 0

    def _new_ability(self) -> PowerAbility:
        ability = PowerAbility(
            charger_id=self.charger.id,
            operator_id=self.charger.operator_id,
            share_method=ShareMethod.TX_PROFILE,
            has_taken_share=False,
        )
        self.db.add(ability)
        self.db.flush()
        return ability

    @property
    def speaks(self) -> bool:
        """Whether its version of OCPP is one in which limits are told."""
        return self.charger.ocpp_version in (None, "1.6")

    def find(self, use: ProfileUse, connector_number: int) -> PowerProfile | None:
        return next((p for p in self.profiles if (p.use, p.connector_number) == (use, connector_number)), None)

    def outlet(self, connector_number: int) -> Outlet:
        if connector_number == 0:
            return power_units.cabinet(self.charger.connectors)
        known = [each for each in self.charger.connectors if each.number == connector_number]
        return power_units.outlet(known[0]) if known else Outlet(power_units.SUPPOSED_W, 3, is_supposed=True)

    def scale(self, connector_number: int) -> Scale:
        unit = self.limit.unit if self.limit else LimitUnit.A
        return Scale(unit, self.outlet(connector_number), power_messages.understood(self.ability))

    def is_charging(self, connector_number: int) -> bool:
        running = select(ChargingSession.id).where(
            ChargingSession.charger_id == self.charger.id, ChargingSession.status == SessionStatus.ACTIVE
        )
        if connector_number:
            running = running.where(ChargingSession.connector_number == connector_number)
        return self.db.scalar(running.limit(1)) is not None

    def send(self, action: str, payload: dict[str, Any], by: str = BY) -> Command:
        self.queued += 1
        return commands.queue(self.db, self.charger, action, payload, by=by, now=self.now, timeout_s=ANSWER_WITHIN_S)

    def try_to_send(self, action: str, payload: dict[str, Any]) -> int | None:
        try:
            return self.send(action, payload).id
        except DomainError:  # it just went offline, or too much waits for it: the next sweep tries again
            return None
