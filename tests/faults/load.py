"""A fleet that charges while a test does something to what it stands on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.charge_points import ChargePoint, Identity, Ledger
from tests.processes import Sidecar

HEAL_WITHIN_S = 120
STUCK_AFTER_S = 60


class Load:
    """The running charge points of a fleet and what they were told."""

    def __init__(self, sidecar: Sidecar, fleet: list[Identity], seed: int) -> None:
        self.ledger = Ledger()
        self.sidecar = sidecar
        self._ending = asyncio.Event()
        self.charging = [
            asyncio.create_task(ChargePoint(sidecar.url, who, self.ledger, seed).charge_until(self._ending))
            for who in fleet
        ]

    async def acknowledged(self, more: int) -> None:
        """That many more messages were acknowledged."""
        wanted = len(self.ledger.acknowledged) + more
        deadline = time.monotonic() + STUCK_AFTER_S
        while len(self.ledger.acknowledged) < wanted:
            for task in self.charging:
                if task.done():
                    task.result()
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.ledger.told()}, then nothing moved; the sidecar said:\n{self.sidecar.said()}"
                )
            await asyncio.sleep(0.001)

    async def stalled(self) -> None:
        """The sidecar says that its database takes no writes."""
        deadline = time.monotonic() + STUCK_AFTER_S
        while await asyncio.to_thread(self.sidecar.is_ready):
            assert time.monotonic() < deadline, f"{self.ledger.told()}; the sidecar is still ready"

    async def end(self) -> None:
        """Every charge point finished the session that it was in."""
        self._ending.set()
        try:
            async with asyncio.timeout(HEAL_WITHIN_S):
                await asyncio.gather(*self.charging)
        except TimeoutError:
            raise AssertionError(f"{self.ledger.told()}; the sidecar said:\n{self.sidecar.said()}") from None


@asynccontextmanager
async def charging(sidecar: Sidecar, fleet: list[Identity], seed: int = 0) -> AsyncIterator[Load]:
    """The sidecar runs and the fleet charges; at the end all sessions are finished and the sidecar stopped."""
    load = Load(sidecar, fleet, seed)
    sidecar.start()
    try:
        await asyncio.to_thread(sidecar.wait_ready)
        yield load
        await load.end()
    finally:
        for task in load.charging:
            task.cancel()
        await asyncio.to_thread(sidecar.stop)
