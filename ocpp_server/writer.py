"""The group-commit writer: nothing is answered before it is in the database.

Work is handed over in units. The writer's thread runs whatever has queued up in one transaction, commits, and only
then tells the event loop. While one commit waits for the disk the next batch gathers by itself, so that the cost of
a commit is shared by all chargers.

Most batches run without savepoints. If a unit of a batch breaks, the whole batch is rolled back and run again with a
savepoint around each unit, so that one failing unit takes no other with it.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from domain import messages
from domain.db import TROUBLE
from domain.errors import DomainError
from ocpp_server.commit import CommitUnknown, commit, was_committed

MOST_IN_BATCH = 256
MOST_WAITING = 4096
SHORTEST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
# A unit that meets trouble so often although the database takes writes is the trouble itself.
MOST_TROUBLE = 3

log = logging.getLogger("ocpp.writer")
T = TypeVar("T")
Frames = list[messages.Entry]


class Unit(Protocol):
    """Work within one transaction, and what is done on the event loop once it is durable."""

    trouble: int

    def run(self, db: Session, frames: Frames) -> None:
        """Does the work; may be run again from the start after a rollback. `frames` go to the message log."""

    def fail(self, error: Exception, frames: Frames) -> None:
        """The work was refused or broke, and its changes are rolled back."""

    def deliver(self) -> None:
        """On the event loop, after the commit."""


class Job(Generic[T]):
    """A unit whose result somebody awaits."""

    __slots__ = ("_error", "_result", "_work", "future", "trouble")

    def __init__(self, work: Callable[[Session], T], future: "asyncio.Future[T]") -> None:
        self._work = work
        self._result: Any = None
        self._error: Exception | None = None
        self.future = future
        self.trouble = 0

    def run(self, db: Session, _frames: Frames) -> None:
        self._error = None
        self._result = self._work(db)

    def fail(self, error: Exception, _frames: Frames) -> None:
        self._error = error

    def deliver(self) -> None:
        if self.future.done():
            return
        if self._error is None:
            self.future.set_result(self._result)
        else:
            self.future.set_exception(self._error)


class _UnitBroke(Exception):
    """A unit of a batch without savepoints raised."""


class _NotWritable(Exception):
    """The database takes no writes, whatever it calls the reason."""


class Writer:
    """One thread, one transaction at a time, many units a commit."""

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        probe: Callable[[Session], None],
        name: str = "writer",
    ) -> None:
        """Args:
        probe: a small write that succeeds whenever the database takes writes.
        name: no other writer on this database has the same.
        """
        self._engine = engine
        self._loop = loop
        self._probe = probe
        self._name = name
        self._gathered: list[Unit] = []  # in this round of the event loop
        self._queue: SimpleQueue[list[Unit] | None] = SimpleQueue()
        self._taken: deque[Unit] = deque()
        self._is_ending = False
        self._waiting = 0
        self._on_room: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._work_or_die, name=name, daemon=True)
        self._has_given_up = False
        self.is_troubled = False  # the database takes no writes at the moment

    def start(self) -> None:
        """The writer takes units from now on."""
        self._thread.start()

    def submit(self, unit: Unit) -> None:
        """That unit is run in its turn. Call it on the event loop."""
        self._waiting += 1
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(unit)

    def do(self, work: Callable[[Session], T]) -> "asyncio.Future[T]":
        """The result of that work, once it is durable; or what it raised."""
        job = Job(work, self._loop.create_future())
        self.submit(job)
        return job.future

    @property
    def is_full(self) -> bool:
        """Whether chargers should be kept waiting: so much is under way that more would only fill the memory."""
        return self._waiting >= MOST_WAITING

    def when_room(self, wake: Callable[[], None]) -> None:
        """That is called once there is room again."""
        self._on_room.append(wake)

    async def stop(self, within_s: float) -> bool:
        """What was submitted is durable and delivered (True), or the time is over and the rest stays unanswered."""
        self._hand_over()
        self._queue.put(None)
        deadline = time.monotonic() + within_s
        while self._thread.is_alive() and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        self._has_given_up = True
        await asyncio.sleep(0)  # what was handed to the loop last has its turn
        return not self._thread.is_alive()

    def _work_or_die(self) -> None:
        try:
            self._work()
        except BaseException:
            # A sidecar without its writer answers nobody: it is better started again.
            log.critical("The writer broke; the process ends so that it is started again", exc_info=True)
            os._exit(1)

    def _work(self) -> None:
        while batch := self._take():
            self._make_durable(batch)
            if self._has_given_up:
                return
            try:
                self._loop.call_soon_threadsafe(self._deliver, batch)
            except RuntimeError:  # the loop is closed: nobody is left to be told
                return

    def _hand_over(self) -> None:
        # Once for all that came in this round: to wake a thread costs as much as a message.
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._queue.put(gathered)

    def _take(self) -> list[Unit]:
        if not self._taken and not self._is_ending:
            self._sort_in(self._queue.get())
        with contextlib.suppress(Empty):
            while len(self._taken) < MOST_IN_BATCH and not self._is_ending:
                self._sort_in(self._queue.get_nowait())
        return [self._taken.popleft() for _ in range(min(len(self._taken), MOST_IN_BATCH))]

    def _sort_in(self, units: list[Unit] | None) -> None:
        if units is None:
            self._is_ending = True
        else:
            self._taken.extend(units)

    def _deliver(self, batch: Sequence[Unit]) -> None:
        self._waiting -= len(batch)
        for unit in batch:
            try:
                unit.deliver()
            except Exception:
                log.exception("A unit could not be delivered")
        if self._on_room and not self.is_full:
            wakes, self._on_room = self._on_room, []
            for wake in wakes:
                wake()

    def _make_durable(self, batch: Sequence[Unit]) -> None:
        pause_s = SHORTEST_PAUSE_S
        run = _run_plain
        broke = 0
        while not self._has_given_up:
            try:
                self._transact(batch, run)
            except _UnitBroke:
                run = _run_guarded
            except CommitUnknown as unknown:
                self._note_trouble(unknown)
                if self._settled(unknown):
                    break
            except (*TROUBLE, _NotWritable) as trouble:
                run = _run_guarded
                self._note_trouble(trouble)
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            except Exception as error:
                log.exception("A batch broke")
                self.is_troubled = True
                run = _run_guarded
                broke += 1
                if broke >= MOST_TROUBLE:
                    self._part(batch, error)
                    break
                time.sleep(pause_s)
            else:
                break
        if self.is_troubled and not self._has_given_up:
            self.is_troubled = False
            log.info("The database takes writes again")

    def _transact(self, batch: Sequence[Unit], run: Callable[[Session, Unit, Frames], None]) -> None:
        if run is _run_guarded:
            self._check_writable()
        frames: Frames = []
        with Session(self._engine, expire_on_commit=False) as db:
            for unit in batch:
                run(db, unit, frames)
            messages.store(db, frames)
            db.flush()
            commit(db, self._name)

    def _part(self, batch: Sequence[Unit], error: Exception) -> None:
        """The halves of a batch that cannot be stored are tried by themselves, until the culprit stands alone."""
        if len(batch) == 1:
            batch[0].fail(error, [])
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            self._make_durable(half)

    def _check_writable(self) -> None:
        # Only against this background may a unit be blamed for trouble.
        try:
            with Session(self._engine) as db:
                self._probe(db)
                db.commit()
        except Exception as error:
            raise _NotWritable(_first_line(error)) from error

    def _settled(self, unknown: CommitUnknown) -> bool:
        """Whether the batch is durable; waits until the database can tell."""
        while not self._has_given_up:
            try:
                committed = was_committed(self._engine, self._name, unknown.batch)
            except Exception:  # whatever it is, only the database can tell what became of the commit
                committed = None
            if committed is not None:
                return committed
            time.sleep(SHORTEST_PAUSE_S)
        return False

    def _note_trouble(self, trouble: Exception) -> None:
        if not self.is_troubled:
            log.warning("The database takes no writes; trying until it does: %s", _first_line(trouble))
        self.is_troubled = True


def _run_plain(db: Session, unit: Unit, frames: Frames) -> None:
    try:
        unit.run(db, frames)
        db.flush()
    except TROUBLE:
        raise
    except Exception as error:  # whatever it was, it is looked at in the second run
        raise _UnitBroke from error


def _run_guarded(db: Session, unit: Unit, frames: Frames) -> None:
    before = len(frames)
    try:
        with db.begin_nested():
            unit.run(db, frames)
            db.flush()
    except TROUBLE as trouble:
        unit.trouble += 1
        if unit.trouble < MOST_TROUBLE or db.connection().invalidated:
            raise
        log.exception("A unit is given up")
        _failed(unit, trouble, frames, before)
    except DomainError as refusal:
        _failed(unit, refusal, frames, before)
    except Exception as error:
        log.exception("A unit broke")
        _failed(unit, error, frames, before)


def _failed(unit: Unit, error: Exception, frames: Frames, before: int) -> None:
    del frames[before:]
    unit.fail(error, frames)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
