"""The line to the central system: dial, boot, send what waits in order, dial again when it breaks."""

import asyncio
import base64
import uuid
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from simulator import charging, commands, messages
from simulator.boot import boot
from simulator.outbox import Entry
from simulator.wire import CallRefused, Link, Offline, Unanswered

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

SUBPROTOCOL = Subprotocol("ocpp1.6")
# What an answer must have to be of use; without it, it counts as a refusal.
NEEDED = {
    "Authorize": {"idTagInfo"},
    "BootNotification": {"status"},
    "StartTransaction": {"idTagInfo", "transactionId"},
}
MESSAGE_BYTES = 1024 * 1024


class _LineEnded(Exception):
    pass


async def keep_connected(charger: "SimulatedCharger") -> None:
    """Never returns. Failed attempts are spaced by a doubling pause with jitter."""
    failures = 0
    while True:
        await charger.may_connect.wait()
        charger.was_accepted_here = False
        try:
            await _one_connection(charger)
        except (OSError, TimeoutError, WebSocketException) as trouble:
            charger.note(f"cannot connect: {trouble}")
        failures = 0 if charger.was_accepted_here else failures + 1
        await charger.clock.sleep(charger.taken_pause_s() or backoff_s(charger, failures))


def backoff_s(charger: "SimulatedCharger", failures: int) -> float:
    timing = charger.spec.timing
    longest = min(timing.reconnect_max_s, timing.reconnect_min_s * 2 ** min(failures, 20))
    return longest * charger.rng.uniform(0.5, 1.0)


async def _one_connection(charger: "SimulatedCharger") -> None:
    async with _dial(charger) as socket:
        if socket.subprotocol != SUBPROTOCOL and charger.offered_subprotocols:
            raise WebSocketException("the central system does not speak ocpp1.6")
        link = Link(
            socket,
            answer=lambda action, payload: commands.answer(charger, action, payload),
            watch=charger.watch,
            distort=charger.defects.distorted,
        )
        charger.socket, charger.link = socket, link
        charger.note("connected")
        try:
            await _together(_read(link), _send_what_waits(charger, link), _greet(charger))
        except _LineEnded:
            pass
        finally:
            charger.socket = charger.link = None
            charger.outbox.give_up_the_rest(Offline("the connection was lost"))
            charger.note("disconnected")
            await socket.close()


async def _read(link: Link) -> None:
    await link.read()
    raise _LineEnded


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    # Not a TaskGroup: one that fails swallows a cancellation of its own that comes at the same moment.
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _dial(charger: "SimulatedCharger") -> connect:
    spec = charger.spec
    headers = {}
    if charger.password is not None:
        key = bytes.fromhex(charger.password) if spec.password_is_hex else charger.password.encode()
        credentials = base64.b64encode(spec.device_id.encode() + b":" + key)
        headers["Authorization"] = f"Basic {credentials.decode()}"
    return connect(
        f"{spec.url.rstrip('/')}{charger.defects.path_prefix}/{quote(spec.device_id, safe='')}",
        subprotocols=charger.offered_subprotocols or None,
        additional_headers=headers,
        user_agent_header=f"{spec.vendor} {spec.model}",
        compression=None,
        proxy=None,
        ssl=charger.tls,
        ping_interval=charger.configuration.number("WebSocketPingInterval") or None,
        close_timeout=2,
        max_size=MESSAGE_BYTES,
    )


async def _greet(charger: "SimulatedCharger") -> None:
    if not charger.is_accepted or charger.spec.boots_on_reconnect:
        charger.is_accepted = False
        for connector in charger.places:
            connector.announced = None
    if charger.defects.has_early_status:
        for connector in charger.places:
            status = messages.status_notification(connector, charger.clock.now())
            charger.post("StatusNotification", status, is_early=True)
    is_fresh = not charger.is_accepted
    if not charger.defects.boots:
        charger.accept()
    while not charger.is_accepted:
        retry_s = await boot(charger)
        if not charger.is_accepted:
            await charger.wait_for_acceptance(retry_s)
    charger.was_accepted_here = True
    charger.last_heartbeat_s = charger.clock.elapsed_s()
    charger.outbox.wake()
    for connector in charger.places:
        charging.refresh(charger, connector)
    if is_fresh:
        charger.security_event("StartupOfTheDevice")


async def _send_what_waits(charger: "SimulatedCharger", link: Link) -> None:
    while True:
        entry = charger.outbox.next(charger.clock.elapsed_s(), is_accepted=charger.is_accepted)
        if entry is None:
            await charger.outbox.wait()
        else:
            await _send(charger, link, entry)


async def _send(charger: "SimulatedCharger", link: Link, entry: Entry) -> None:
    times = charger.defects.times(entry.action)
    if not times:
        charger.outbox.settle(entry, Unanswered(f"{entry.action} is left out"))
        return
    payload = charger.defects.changed(charger, entry.action, entry.content())
    message_id = str(uuid.uuid4()) if charger.defects.repeats_id else None
    try:
        for _ in range(times):
            answer = await link.call(
                entry.action, payload, timeout_s=charger.spec.timing.call_timeout_s, message_id=message_id
            )
        if lacking := NEEDED.get(entry.action, set()) - answer.keys():
            raise CallRefused("OccurenceConstraintViolation", f"the answer lacks {', '.join(sorted(lacking))}")
    except Offline:
        # The reader is about to end; a transaction message keeps its place.
        await asyncio.Future()
    except (CallRefused, Unanswered) as trouble:
        _failed(charger, entry, trouble)
    else:
        charger.outbox.settle(entry, answer)
        charger.changed()


def _failed(charger: "SimulatedCharger", entry: Entry, trouble: CallRefused | Unanswered) -> None:
    # A refusal counts as an attempt; silence does not: a transaction is money and is never dropped for it.
    is_refused = isinstance(trouble, CallRefused)
    entry.refusals += is_refused
    is_last = is_refused and entry.refusals >= charger.configuration.number("TransactionMessageAttempts")
    if entry.transaction is None or is_last:
        charger.note(f"{entry.action}: {trouble}")
        charger.outbox.settle(entry, trouble)
        return
    pause_s = charger.configuration.number("TransactionMessageRetryInterval") * max(entry.refusals, 1)
    charger.note(f"{entry.action}: {trouble}; again in {pause_s} s")
    charger.outbox.put_off(charger.clock.elapsed_s() + pause_s)
    charger.spawn(_wake_later(charger, pause_s))


async def _wake_later(charger: "SimulatedCharger", seconds: float) -> None:
    await charger.clock.sleep(seconds)
    charger.outbox.wake()
