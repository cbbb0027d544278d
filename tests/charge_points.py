"""Charge points that never give up, and a ledger of everything that was acknowledged to them.

Each sends sessions the way real chargers do: one CALL at a time, the same content again until it is answered,
over as many sockets as it takes. Half of them repeat a CALL under its old message id, half under a new one.
"""

import asyncio
import base64
import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

ANSWER_WITHIN_S = 30
TRY_AGAIN_AFTER_S = 0.1
METER_VALUES_PER_SESSION = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """What a charger needs to connect, and the card that its drivers use."""

    device_id: str
    password: str
    id_tag: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One CALL that was answered with a CALLRESULT."""

    device_id: str
    action: str
    payload: dict[str, Any]
    frame: str
    answer: dict[str, Any]
    answer_frame: str


@dataclass
class Ledger:
    """What all charge points of a run were told."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # CALLERRORs
    sockets_lost: int = 0
    sockets_opened: int = 0
    unanswered: int = 0

    def of(self, action: str) -> list[Acknowledged]:
        return [entry for entry in self.acknowledged if entry.action == action]

    def told(self) -> str:
        """The counts, in a line."""
        return (
            f"{len(self.acknowledged)} acknowledged, {len(self.refused)} refused, {self.unanswered} unanswered, "
            f"{self.sockets_opened} sockets opened, {self.sockets_lost} lost"
        )


class ChargePoint:
    """One charger with one plug."""

    def __init__(self, url: str, identity: Identity, ledger: Ledger, seed: int = 0) -> None:
        self.identity = identity
        self.ledger = ledger
        self._url = f"{url}/{identity.device_id}"
        self._random = random.Random(f"{identity.device_id} {seed}")
        self._renews_ids = self._random.random() < 0.5
        self._socket: ClientConnection | None = None
        self._clock = datetime.now(UTC)
        self._register_wh = self._random.randrange(1_000_000)

    async def charge_until(self, ending: asyncio.Event) -> None:
        """It booted and charged car after car; the last session was finished after the event."""
        await self.boot()
        while not ending.is_set():
            await self.charge()
        await self.hang_up()

    async def boot(self) -> None:
        boot = {"chargePointVendor": "Fault", "chargePointModel": "Proof", "firmwareVersion": "1.0"}
        await self.call("BootNotification", boot)

    async def charge(self) -> None:
        """One session, from Preparing to Available."""
        await self._report("Preparing")
        transaction_id = await self._start(self.identity.id_tag)
        for _ in range(METER_VALUES_PER_SESSION):
            await self._meter(transaction_id)
        await self._stop(transaction_id)

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The answer to that CALL, however many tries and sockets it takes to get it."""
        message_id = str(uuid.uuid4())
        while True:
            frame = json.dumps([2, message_id, action, payload], separators=(",", ":"))
            answer_frame = await self._try(frame, message_id)
            if answer_frame is not None:
                answer = json.loads(answer_frame)
                if answer[0] == 3:
                    told = Acknowledged(self.identity.device_id, action, payload, frame, answer[2], answer_frame)
                    self.ledger.acknowledged.append(told)
                    return told.answer
                self.ledger.refused.append(answer_frame)
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
            if self._renews_ids:
                message_id = str(uuid.uuid4())

    async def _try(self, frame: str, message_id: str) -> str | None:
        try:
            socket = await self._connected()
            await socket.send(frame)
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._answer(socket, message_id)
        except TimeoutError:
            self.ledger.unanswered += 1  # the socket stays, as with real chargers
        except (WebSocketException, OSError):
            self.ledger.sockets_lost += self._socket is not None
            self._socket = None
            await asyncio.sleep(TRY_AGAIN_AFTER_S)
        return None

    async def hang_up(self) -> None:
        """It closed its socket in an orderly way."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def _report(self, status: str) -> None:
        report = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": self._stamp()}
        await self.call("StatusNotification", report)

    async def _start(self, id_tag: str) -> int:
        start = {"connectorId": 1, "idTag": id_tag, "meterStart": self._register_wh, "timestamp": self._stamp()}
        started = await self.call("StartTransaction", start)
        await self._report("Charging")
        return int(started["transactionId"])

    async def _stop(self, transaction_id: int, reason: str = "Local") -> None:
        stop = {
            "transactionId": transaction_id,
            "meterStop": self._register_wh,
            "timestamp": self._stamp(),
            "reason": reason,
        }
        await self.call("StopTransaction", stop)
        await self._report("Available")

    async def _meter(self, transaction_id: int, most_wh: int = 50) -> None:
        self._register_wh += self._random.randint(1, most_wh)
        sample = {"value": str(self._register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        value = {"timestamp": self._stamp(), "sampledValue": [sample]}
        await self.call("MeterValues", {"connectorId": 1, "transactionId": transaction_id, "meterValue": [value]})

    def _stamp(self) -> str:
        """Its time, never the same twice."""
        self._clock = max(datetime.now(UTC), self._clock + timedelta(milliseconds=1))
        return self._clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def _connected(self) -> ClientConnection:
        if self._socket is None:
            key = base64.b64encode(f"{self.identity.device_id}:{self.identity.password}".encode()).decode()
            self._socket = await connect(
                self._url,
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                additional_headers={"Authorization": f"Basic {key}"},
                compression=None,
                open_timeout=10,
            )
            self.ledger.sockets_opened += 1
        return self._socket

    async def _answer(self, socket: ClientConnection, message_id: str) -> str:
        while True:
            frame = await socket.recv(decode=True)
            message = json.loads(frame)
            if message[0] == 2:
                await self._obey(socket, message)
            elif message[1] == message_id:
                return frame

    async def _obey(self, socket: ClientConnection, message: list[Any]) -> None:
        """A CALL of the other side has its answer."""
        await socket.send(json.dumps([4, message[1], "NotImplemented", "", {}]))
