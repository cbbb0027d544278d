"""Where the time comes from: the machine's clock, or one that a test turns by hand."""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Loop turns that a test's clock leaves to the other tasks between two moments.
TURNS_BETWEEN_MOMENTS = 20


class Clock(Protocol):
    def now(self) -> datetime: ...

    def elapsed_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class MachineClock:
    """The real time, aware UTC; `elapsed_s` never jumps."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HandClock:
    """A clock that stands still until `advance` turns it; sleepers wake in the order of their moments."""

    def __init__(self, now: datetime) -> None:
        self._start = now
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def elapsed_s(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + max(seconds, 0), next(self._order), woken))
        await woken

    @property
    def sleepers(self) -> int:
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """The clock shows `seconds` more, and everything due until then was woken at its own moment."""
        target_s = self._elapsed_s + seconds
        await self._let_others_run()
        while self._sleepers and self._sleepers[0][0] <= target_s:
            self._elapsed_s, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self._let_others_run()
        self._elapsed_s = target_s

    async def _let_others_run(self) -> None:
        for _ in range(TURNS_BETWEEN_MOMENTS):
            await asyncio.sleep(0)
