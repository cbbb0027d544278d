"""People and fate at a charger: cars come when somebody pays, card holders come by, things break and heal."""

from typing import TYPE_CHECKING

from simulator.connector import Connector
from simulator.power import Vehicle

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

FAULTS = ("GroundFailure", "OverCurrentFailure", "ConnectorLockFailure", "HighTemperature", "EVCommunicationError")
AC_CARS_W = (7_400, 11_000, 22_000)
DC_CARS_W = (50_000, 100_000, 150_000, 250_000)
PACKS_WH = (40_000, 58_000, 64_000, 77_000, 100_000)


class People:
    """Makes things happen according to the charger's `Behaviour`; chance comes from the charger's own dice."""

    def __init__(self, charger: "SimulatedCharger") -> None:
        self._charger = charger
        self._behaviour = charger.spec.behaviour
        # Per connector: seconds that a car still stays after its session; absent: it stays on.
        self._leaving_s: dict[int, float] = {}
        # Per connector: the card holder that charges here, and the seconds until they stop.
        self._visits: dict[int, tuple[str, float]] = {}
        self._faults_s: dict[int, float] = {}

    def settle_in(self) -> None:
        for connector_id in self._behaviour.plugged:
            self._charger.spawn(self._charger.plug_in(connector_id, self.some_car()))

    def some_car(self) -> Vehicle:
        dice = self._charger.rng
        return Vehicle(
            battery_wh=dice.choice(PACKS_WH),
            soc=dice.uniform(0.1, 0.6),
            ac_max_w=dice.choice(AC_CARS_W),
            dc_max_w=dice.choice(DC_CARS_W),
        )

    def remote_start(self, connector: Connector) -> None:
        """Somebody who paid is at the connector: their car is plugged in, if this charger has such people."""
        if self._behaviour.auto_plug and connector.vehicle is None:
            self._charger.spawn(self._plug_in_soon(connector))

    async def _plug_in_soon(self, connector: Connector) -> None:
        await self._charger.clock.sleep(self._behaviour.plug_after_s)
        if connector.vehicle is None and connector.authorisation:
            await self._charger.plug_in(connector.id, self.some_car())

    def step(self, seconds: float) -> None:
        if not self._charger.is_powered:
            return
        for connector in self._charger.connectors.values():
            self._leave(connector, seconds)
            self._visit(connector, seconds)
            self._break_or_heal(connector, seconds)
        if self._happens(self._behaviour.offline_mean_s, seconds) and self._charger.is_online:
            self._charger.spawn(self._lose_connection())

    def _happens(self, mean_s: float, seconds: float) -> bool:
        return mean_s > 0 and self._charger.rng.random() < seconds / mean_s

    def _leave(self, connector: Connector, seconds: float) -> None:
        is_over = connector.is_finishing and connector.id not in self._behaviour.plugged
        if not is_over or self._behaviour.unplug_after_s <= 0:
            self._leaving_s.pop(connector.id, None)
            return
        left_s = self._leaving_s.get(connector.id, self._behaviour.unplug_after_s) - seconds
        self._leaving_s[connector.id] = left_s
        if left_s <= 0:
            self._charger.spawn(self._charger.unplug(connector.id))

    def _visit(self, connector: Connector, seconds: float) -> None:
        visit = self._visits.get(connector.id)
        if visit is None:
            is_free = connector.status == "Available" and bool(self._behaviour.cards)
            if is_free and self._happens(self._behaviour.arrival_mean_s, seconds):
                card = self._charger.rng.choice(self._behaviour.cards)
                stay_s = self._charger.rng.expovariate(1 / self._behaviour.stay_mean_s)
                self._visits[connector.id] = (card, stay_s)
                self._charger.spawn(self._arrive(connector, card))
            return
        card, left_s = visit
        self._visits[connector.id] = (card, left_s - seconds)
        is_done = connector.vehicle is not None and connector.vehicle.is_full
        if left_s <= seconds or is_done:
            del self._visits[connector.id]
            self._charger.spawn(self._depart(connector, card))

    async def _arrive(self, connector: Connector, card: str) -> None:
        await self._charger.plug_in(connector.id, self.some_car())
        await self._charger.clock.sleep(self._behaviour.plug_after_s)
        await self._charger.present_card(connector.id, card)

    async def _depart(self, connector: Connector, card: str) -> None:
        if connector.transaction and connector.transaction.id_tag == card:
            await self._charger.present_card(connector.id, card)
            await self._charger.clock.sleep(self._behaviour.plug_after_s)
        if connector.transaction is None and connector.vehicle:
            await self._charger.unplug(connector.id)

    def _break_or_heal(self, connector: Connector, seconds: float) -> None:
        left_s = self._faults_s.get(connector.id)
        if left_s is None:
            if not connector.is_faulted and self._happens(self._behaviour.fault_mean_s, seconds):
                self._faults_s[connector.id] = self._behaviour.fault_s
                self._charger.spawn(self._charger.fault(connector.id, self._charger.rng.choice(FAULTS)))
            return
        self._faults_s[connector.id] = left_s - seconds
        if left_s <= seconds:
            del self._faults_s[connector.id]
            self._charger.spawn(self._charger.recover(connector.id))

    async def _lose_connection(self) -> None:
        self._charger.note("the connection is lost for a while")
        await self._charger.go_offline()
        await self._charger.clock.sleep(self._behaviour.offline_s)
        self._charger.may_connect.set()
