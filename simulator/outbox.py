"""What waits to be sent, in order: transaction messages until they are answered, the rest while online."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from simulator.connector import Transaction
from simulator.wire import Payload

Done = Callable[[Payload | Exception], None]
# For a stop whose start was never answered; what real chargers send then.
NO_TRANSACTION_ID = -1


@dataclass(eq=False)
class Entry:
    """One CALL to send. With a `transaction` it survives lost connections and is sent again until answered."""

    action: str
    payload: Payload
    transaction: Transaction | None = None
    done: Done = lambda _outcome: None
    # May go before the boot is accepted: the boot itself, and what was triggered while it is pending.
    is_early: bool = False
    refusals: int = 0

    def content(self) -> Payload:
        if self.transaction is None or self.action == "StartTransaction":
            return self.payload
        transaction_id = NO_TRANSACTION_ID if self.transaction.id is None else self.transaction.id
        return {"transactionId": transaction_id, **self.payload}


class Outbox:
    """A queue with one reader. Source: OCPP 1.6, sections 3.6 and 3.7.1 (transaction-related messages)."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self._retry_s = 0.0
        self._news = asyncio.Event()

    def put(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._news.set()

    def wake(self) -> None:
        self._news.set()

    async def wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def next(self, elapsed_s: float, *, is_accepted: bool) -> Entry | None:
        """The entry to send now; transaction messages keep their order, also while one of them waits for a retry."""
        for entry in self.entries:
            if not (is_accepted or entry.is_early):
                continue
            if entry.transaction is None or elapsed_s >= self._retry_s:
                return entry
        return None

    def put_off(self, until_s: float) -> None:
        """Transaction messages wait; everything else goes on."""
        self._retry_s = until_s

    def settle(self, entry: Entry, outcome: Payload | Exception) -> None:
        self.entries.remove(entry)
        entry.done(outcome)

    def give_up_the_rest(self, reason: Exception) -> None:
        """Only transaction messages are left; whoever waits for another answer is told why there is none."""
        given_up = [entry for entry in self.entries if entry.transaction is None]
        self.entries = deque(entry for entry in self.entries if entry.transaction)
        for entry in given_up:
            entry.done(reason)

    @property
    def waiting(self) -> list[Entry]:
        """The transaction messages that the central system has not answered yet."""
        return [entry for entry in self.entries if entry.transaction]
