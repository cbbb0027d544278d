"""OCPP-J framing: CALLs, results and errors over one WebSocket, both directions at once.

One CALL of ours is outstanding at a time; CALLs of the other side are answered meanwhile.
Source: OCPP-J 1.6, sections 4.1 and 4.2.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

Payload = dict[str, Any]
Direction = Literal["sent", "received"]

CALL, CALLRESULT, CALLERROR = 2, 3, 4


class Offline(Exception):
    """There is no connection, or it ended before the answer came."""


class CallRefused(Exception):
    """The other side answered a CALL with a CALLERROR."""

    def __init__(self, code: str, description: str = "", details: Payload | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = details or {}


class Unanswered(Exception):
    """A CALL was sent and nothing came back in time."""


# Sees every message that is sent or received.
Watch = Callable[[Direction, int, str, Payload], None]


class Reply(NamedTuple):
    """An answer to a CALL, and what happens once it was sent."""

    payload: Payload
    then: Callable[[], None] = lambda: None


# None: the CALL stays unanswered.
Answer = Callable[[str, Payload], Awaitable[Reply | None]]


class Link:
    """One WebSocket that speaks OCPP-J."""

    def __init__(
        self,
        socket: ClientConnection,
        *,
        answer: Answer,
        watch: Watch = lambda *_: None,
        distort: Callable[[str, str], str] = lambda _action, text: text,
    ) -> None:
        self._socket = socket
        self._answer = answer
        self._watch = watch
        self._distort = distort
        self._turn = asyncio.Lock()
        self._pending: tuple[str, str, asyncio.Future[Payload]] | None = None

    async def call(self, action: str, payload: Payload, *, timeout_s: float, message_id: str | None = None) -> Payload:
        """The result's payload. Raises: CallRefused, Unanswered, Offline."""
        async with self._turn:
            message_id = message_id or str(uuid.uuid4())
            result: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._pending = (message_id, action, result)
            try:
                await self._send(CALL, action, payload, [CALL, message_id, action, payload])
                async with asyncio.timeout(timeout_s):
                    return await result
            except TimeoutError:
                raise Unanswered(f"{action} got no answer in {timeout_s:g} s") from None
            finally:
                self._pending = None

    async def read(self) -> None:
        """Returns when the socket is closed; until then every frame is taken in."""
        try:
            async for frame in self._socket:
                decoded = _decode(frame)
                if decoded is None:
                    continue
                if decoded[0] == CALL:
                    await self._take_call(decoded)
                else:
                    self._take_answer(decoded)
        except ConnectionClosed:
            pass
        finally:
            if self._pending and not self._pending[2].done():
                self._pending[2].set_exception(Offline("the connection ended before the answer"))

    async def _take_call(self, frame: list[Any]) -> None:
        message_id, action, payload = frame[1], frame[2], frame[3] if len(frame) > 3 else {}
        self._watch("received", CALL, action, payload)
        try:
            reply = await self._answer(action, payload)
        except CallRefused as refusal:
            error = [CALLERROR, message_id, refusal.code, refusal.description, refusal.details]
            await self._send_if_open(CALLERROR, action, {}, error)
            return
        if reply is not None:
            await self._send_if_open(CALLRESULT, action, reply.payload, [CALLRESULT, message_id, reply.payload])
            reply.then()

    def _take_answer(self, frame: list[Any]) -> None:
        if self._pending is None or frame[1] != self._pending[0]:
            return
        _, action, result = self._pending
        if result.done():
            return
        if frame[0] == CALLRESULT and not isinstance(frame[2], dict):
            result.set_exception(CallRefused("FormationViolation", "the result is not an object"))
        elif frame[0] == CALLRESULT:
            self._watch("received", CALLRESULT, action, frame[2])
            result.set_result(frame[2])
        else:
            result.set_exception(CallRefused(*frame[2:5]))

    async def _send(self, kind: int, action: str, payload: Payload, frame: list[Any]) -> None:
        self._watch("sent", kind, action, payload)
        try:
            await self._socket.send(self._distort(action, orjson.dumps(frame).decode()))
        except ConnectionClosed:
            raise Offline("the connection is closed") from None

    async def _send_if_open(self, kind: int, action: str, payload: Payload, frame: list[Any]) -> None:
        try:
            await self._send(kind, action, payload, frame)
        except Offline:
            return


def _decode(frame: str | bytes) -> list[Any] | None:
    try:
        decoded = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(decoded, list) or len(decoded) < 3 or decoded[0] not in (CALL, CALLRESULT, CALLERROR):
        return None
    return decoded
