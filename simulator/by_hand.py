"""What people and fate do at a charger, one function a deed."""

from simulator import boot, charging, tokens
from simulator.connector import Authorisation, Connector
from simulator.power import Vehicle


class ByHand:
    """The part of a SimulatedCharger that a person, a test or a script calls."""

    async def plug_in(self, connector_id: int, vehicle: Vehicle | None = None) -> None:
        connector = self.connectors[connector_id]
        connector.vehicle = vehicle or Vehicle()
        if not charging.try_start(self, connector):
            charging.flow(self, connector, 0)
            charging.refresh(self, connector)

    async def unplug(self, connector_id: int) -> None:
        """The car is gone; a transaction ends, or waits for the car if the configuration says so."""
        connector = self.connectors[connector_id]
        connector.vehicle, connector.power_w = None, 0.0
        if self.configuration.is_on("StopTransactionOnEVSideDisconnect"):
            charging.end(self, connector, "EVDisconnected")
        connector.is_finishing = False
        charging.refresh(self, connector)

    async def present_card(self, connector_id: int, id_tag: str) -> tokens.Verdict:
        """The card starts a transaction, waits for a cable, stops its own transaction, or is refused."""
        connector = self.connectors[connector_id]
        if connector.transaction:
            return await self._present_while_charging(connector, id_tag)
        verdict = await tokens.authorise(self, id_tag)
        if not verdict.is_accepted or not charging.may_use(self, connector, id_tag, verdict.parent_id_tag):
            self.note(f"card {id_tag} cannot start: {verdict.status}, {connector.status}", connector)
            return verdict
        authorisation = Authorisation(id_tag, self.connection_timeout_s(), verdict.parent_id_tag)
        charging.authorise(self, connector, authorisation)
        return verdict

    async def _present_while_charging(self, connector: Connector, id_tag: str) -> tokens.Verdict:
        running = connector.transaction
        if running.id_tag == id_tag:
            charging.end(self, connector, "Local", id_tag)
            return tokens.Verdict("Accepted")
        verdict = await tokens.authorise(self, id_tag)
        is_own = tokens.is_same_group(id_tag, verdict.parent_id_tag, running.id_tag, running.parent_id_tag)
        if verdict.is_accepted and is_own and connector.transaction is running:
            charging.end(self, connector, "Local", id_tag)
        return verdict

    async def fault(self, connector_id: int, error_code: str = "GroundFailure", info: str = "") -> None:
        """No energy flows and a transaction ends (reason Other) until `recover`; connector 0 is the cabinet."""
        place = self.places[connector_id]
        place.error_code, place.error_info = error_code, info
        charging.end(self, place, "Other")
        charging.refresh(self, place)

    async def recover(self, connector_id: int) -> None:
        place = self.places[connector_id]
        place.error_code, place.error_info = "NoError", ""
        charging.refresh(self, place)

    async def emergency_stop(self) -> None:
        """Every transaction has ended for it, and all connectors are faulted until `recover`."""
        for place in self.places:
            charging.end(self, place, "EmergencyStop")
            place.error_code, place.error_info = "OtherError", "Emergency stop pressed"
            charging.refresh(self, place)

    async def drop_connection(self) -> None:
        """The line broke without a goodbye; the charger dials again after its pause."""
        await boot.hang_up(self.socket, is_abrupt=True)
        await self.until(lambda c: not c.is_online)

    async def go_offline(self) -> None:
        """As `drop_connection`, and it does not dial until `go_online`."""
        self.may_connect.clear()
        await self.drop_connection()

    async def go_online(self) -> None:
        self.may_connect.set()
        await self.until(lambda c: c.is_online)

    async def cut_power(self) -> None:
        """Everything is dark; transactions ended with the meter of this moment, told after `restore_power`."""
        self.may_connect.clear()
        for connector in self.connectors.values():
            charging.end(self, connector, "PowerLoss")
            connector.authorisation = None
        self.is_powered = self.is_accepted = False
        await self.drop_connection()

    async def restore_power(self) -> None:
        self.is_powered = True
        self.may_connect.set()
        await self.until(lambda c: c.is_accepted)
