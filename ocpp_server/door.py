"""The door: every wish to open a socket is checked before the upgrade, answered plainly, and remembered."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from domain import connections
from domain.clock import utcnow
from domain.connections import Admission, Attempt, Refusal
from domain.models.chargers import HandshakeOutcome
from ocpp_server import identity
from ocpp_server.buckets import Buckets, Rate
from ocpp_server.lines import told
from ocpp_server.refusals import Refusals
from ocpp_server.registry import Registry, Writers

MOST_IN_FLIGHT = 64
PATIENCE_S = 30.0
# Failures only: thousands of honest chargers may come from one address. Never by identity alone, or anybody could
# lock a charger out by failing in its name.
FAILURES_OF_ADDRESS = Rate(burst=600, per_s=50)
FAILURES_OF_IDENTITY_AT_ADDRESS = Rate(burst=20, per_s=1 / 3)

log = logging.getLogger("ocpp.door")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a refused one reads."""

    status: int
    sentence: str


_UNAUTHORISED = Answer(
    401, "Unknown charger, or the user name or the password is wrong. The user name is the device id."
)
_ANSWERS = {
    HandshakeOutcome.UNKNOWN_CHARGER: _UNAUTHORISED,
    HandshakeOutcome.NO_PASSWORD: _UNAUTHORISED,
    HandshakeOutcome.WRONG_USER: _UNAUTHORISED,
    HandshakeOutcome.WRONG_PASSWORD: _UNAUTHORISED,
    HandshakeOutcome.BAD_IDENTITY: Answer(404, "The address must end with the charger's device id, encoded properly."),
    HandshakeOutcome.WRONG_PROFILE: Answer(403, "This charger must connect with TLS: wss instead of ws."),
    HandshakeOutcome.NO_SUBPROTOCOL: Answer(400, "Offer the WebSocket subprotocol ocpp1.6."),
    HandshakeOutcome.UNKNOWN_VERSION: Answer(400, "None of the offered OCPP versions is spoken here. Offer ocpp1.6."),
    HandshakeOutcome.RATE_LIMITED: Answer(429, "Too many failed attempts. Try again in a minute."),
}
_BUSY = Answer(503, "Too busy at the moment. Try again in a minute.")


class Door:
    """Admits chargers and turns others away."""

    def __init__(self, node: str, writers: Writers, registry: Registry) -> None:
        self._node = node
        self._writers = writers
        self._registry = registry
        self._refusals = Refusals(writers.first)
        self._in_flight = asyncio.Semaphore(MOST_IN_FLIGHT)
        self._of_address = Buckets(FAILURES_OF_ADDRESS)
        self._of_identity = Buckets(FAILURES_OF_IDENTITY_AT_ADDRESS)
        self.is_open = True

    async def admit(self, scope: dict[str, Any]) -> Admission | Answer:
        """The charger that may open this socket, or what to tell a stranger."""
        attempt = _attempt(scope)
        if not self.is_open:
            return _BUSY
        if attempt.device_id is None:
            return self._refuse(attempt, HandshakeOutcome.BAD_IDENTITY)
        if not self._may_try(attempt):
            return self._refuse(attempt, HandshakeOutcome.RATE_LIMITED)
        try:
            async with asyncio.timeout(PATIENCE_S), self._in_flight:
                decided = await self._decide(attempt)
        except TimeoutError:
            return _BUSY
        if isinstance(decided, Refusal):
            self._count_failure(attempt)
            return self._refuse(attempt, decided.outcome)
        return decided

    def tidy(self) -> None:
        """Repeated refusals of the last moments are counted in the database."""
        self._refusals.flush()

    async def _decide(self, attempt: Attempt) -> Admission | Refusal:
        deciding = self._writers.of(attempt.device_id).do(lambda db: self._connect(db, attempt))
        try:
            return await asyncio.shield(deciding)
        except asyncio.CancelledError:
            deciding.add_done_callback(self._give_back)  # nobody is there any more to hold what was granted
            raise

    def _connect(self, db: Any, attempt: Attempt) -> Admission | Refusal:
        decided = connections.connect(db, attempt, self._node)
        if isinstance(decided, Admission):
            # In the writer's thread, so that no later frame of the old socket can slip through.
            self._registry.supersede(decided.charger_id, decided.epoch)
        return decided

    def _give_back(self, deciding: "asyncio.Future[Admission | Refusal]") -> None:
        if deciding.cancelled() or deciding.exception() is not None:
            return
        granted = deciding.result()
        if isinstance(granted, Admission):
            older = self._registry.get(granted.charger_id)
            if older is not None and older.is_superseded:
                older.end(1001, "a newer connection of this charger took over")  # nobody else ends it
            self._writers.of(granted.device_id).do(
                lambda db: connections.disconnect(db, granted.charger_id, granted.epoch, self._node, utcnow())
            )

    def _may_try(self, attempt: Attempt) -> bool:
        now = asyncio.get_running_loop().time()
        address = attempt.remote_address
        return self._of_address.has(address, now) and self._of_identity.has((address, attempt.device_id), now)

    def _count_failure(self, attempt: Attempt) -> None:
        now = asyncio.get_running_loop().time()
        address = attempt.remote_address
        self._of_address.of(address, now).take(now)
        self._of_identity.of((address, attempt.device_id), now).take(now)

    def _refuse(self, attempt: Attempt, outcome: HandshakeOutcome) -> Answer:
        if self._refusals.add(attempt, outcome):
            log.info(told("refused", why=outcome, device_id=attempt.device_id, address=attempt.remote_address))
        return _ANSWERS[outcome]


def _attempt(scope: dict[str, Any]) -> Attempt:
    headers = scope["headers"]
    given = identity.credentials(headers)
    subprotocols = tuple(name[:50] for name in scope["subprotocols"][:10] if name)
    return Attempt(
        path=scope["raw_path"][:500].decode("latin-1").replace("\0", ""),
        device_id=identity.device_id(scope["raw_path"]),
        user=given.user if given else None,
        password=given.password if given else None,
        subprotocols=subprotocols,
        version=identity.version(subprotocols),
        is_tls=scope["scheme"] == "wss",
        remote_address=identity.remote_address(scope),
        user_agent=identity.header(headers, b"user-agent", 200),
        at=utcnow(),
    )
