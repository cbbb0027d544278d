"""Commands from the outbox to the wire: claimed when the doorbell rings, sent, and settled whatever happens."""

import asyncio
import logging

from sqlalchemy.orm import Session

from domain import commands, messages
from domain.clock import utcnow
from domain.command_secrets import masked
from domain.commands import Claimed
from domain.models.commands import CommandStatus
from domain.models.messages import Direction
from ocpp_server.lines import told
from ocpp_server.registry import Registry, Writers

LOOK_EVERY_S = 1.0  # the safety net for a doorbell that was not heard

log = logging.getLogger("ocpp.commands")


class Delivery:
    """The one who carries commands to chargers."""

    def __init__(self, node: str, writers: Writers, registry: Registry) -> None:
        self._node = node
        self._writers = writers
        self._registry = registry
        self._bell = asyncio.Event()
        self._held_back: list[Claimed] = []  # claimed, but their chargers were just not free

    def wake(self) -> None:
        """There may be something to send."""
        self._bell.set()

    async def run(self) -> None:
        """Commands are sent as they come, until this is cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._bell.wait()
            except TimeoutError:
                pass
            self._bell.clear()
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        self._send(self._held_back)
        busy = {command.charger_id for command in self._held_back}
        free = {charger: epoch for charger, epoch in self._registry.free().items() if charger not in busy}
        self._send([*self._held_back, *await self._writers.first.do(lambda db: self._claim(db, free))])

    def _send(self, claimed: list[Claimed]) -> None:
        self._held_back = []
        for command in claimed:
            connection = self._registry.get(command.charger_id)
            if connection is None or connection.epoch != command.epoch or connection.is_superseded:
                self._settle(command, CommandStatus.FAILED, "The connection was lost before the CALL could be sent.")
            elif not connection.is_free:
                self._held_back.append(command)  # it boots in this moment (quirk A11)
            else:
                connection.call(command, _frame(command))
                log.info(told("sent", command=command.id, action=command.action, device_id=connection.device_id))

    def _claim(self, db: Session, free: dict[int, int]) -> list[Claimed]:
        now = utcnow()
        claimed = commands.claim(db, self._node, free, now)
        sent = [
            messages.entry(command.charger_id, now, Direction.CSMS_TO_CP, command.action, masked(_frame(command)))
            for command in claimed
        ]
        messages.store(db, sent)
        return claimed

    def timed_out(self, command: Claimed) -> None:
        """The charger did not answer in time."""
        self._settle(command, CommandStatus.TIMEOUT, f"The charger did not answer within {command.timeout_s} s.")

    def _settle(self, command: Claimed, status: CommandStatus, sentence: str) -> None:
        log.info(told("settled", command=command.id, status=status))
        connection = self._registry.get(command.charger_id)
        writer = self._writers.of(connection.device_id) if connection else self._writers.first
        writer.do(lambda db: commands.settle(db, command.id, status, utcnow(), error=sentence))


def _frame(command: Claimed) -> str:
    return f'[2,"{command.message_id}","{command.action}",{command.payload}]'
