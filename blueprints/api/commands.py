"""Commands: CALLs to chargers, queued here, sent by the sidecar."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from blueprints.api import chargers, parameters, schemas, values
from blueprints.api.keys import caller
from blueprints.api.operation import after_commit, operation
from blueprints.api.pages import listed, matching, within
from blueprints.database import db
from domain import commands, doorbell, json_text
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.command_secrets import masked
from domain.errors import NotFound
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus

TAG = "Commands"
LONGEST_WAIT_S = 30
LOOK_EVERY_S = 0.05, 0.1, 0.2, 0.3  # then at the last pace
# The web has few threads: who waits beyond these is answered at once.
_waiting_room = threading.BoundedSemaphore(8)

NEW_COMMAND = schemas.body(
    "action",
    action={**schemas.up_to(50), "description": "Any CALL of the charger's OCPP version."},
    payload={**schemas.ANYTHING, "description": "Goes out as it is, same names, same order."},
    timeout_s={"type": "integer", "minimum": 1, "maximum": commands.LONGEST_TIMEOUT_S, "default": 30},
    wait_until_online_s={
        "type": "integer",
        "minimum": 1,
        "maximum": commands.LONGEST_WAIT_S,
        "description": "Lets the command wait for an offline charger; otherwise that is a 409.",
    },
)
COMMAND = schemas.record(
    id=schemas.ID,
    status=schemas.one_of(CommandStatus),
    device_id=schemas.TEXT,
    action=schemas.TEXT,
    payload=schemas.ANYTHING,
    response={**schemas.or_null(schemas.ANYTHING), "description": "The charger's CALLRESULT."},
    error={**schemas.or_null(schemas.TEXT), "description": "Why it was not accepted, where that is known."},
    timeout_s=schemas.WHOLE,
    queued_at=schemas.TIME,
    expires_at=schemas.TIME,
    sent_at=schemas.or_null(schemas.TIME),
    settled_at=schemas.or_null(schemas.TIME),
    effect={**schemas.or_null(schemas.TEXT), "description": "What the charger was seen doing because of it."},
    effect_at=schemas.or_null(schemas.TIME),
    asked_by=schemas.TEXT,
)
WAIT = parameters.seconds("wait_s", "Answer when it is settled, after so long at the latest.", LONGEST_WAIT_S)


@operation(
    "POST", "/chargers/<device_id>/commands", scope=Scope.COMMANDS, tag=TAG, summary="Ask a charger for something",
    body=NEW_COMMAND, answer=COMMAND, status=202,
)  # fmt: skip
def queue_command(device_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The command is queued, or refused at once."""
    charger = chargers.own(device_id)
    waits = given.get("wait_until_online_s")
    command = commands.queue(
        db.session,
        charger,
        given["action"],
        given.get("payload", {}),
        by=caller().by,
        now=utcnow(),
        timeout_s=int(given.get("timeout_s", 30)),
        wait_until_online_s=None if waits is None else int(waits),
    )
    after_commit(partial(doorbell.ring, current_app.extensions["settings"].instance_dir))
    return shape(command, charger.device_id)


@operation(
    "GET", "/chargers/<device_id>/commands", scope=Scope.READ, tag=TAG, summary="A charger's commands, newest first",
    query=(
        *parameters.PAGING, *parameters.PERIOD,
        parameters.choice("status", "In this state.", CommandStatus),
    ),
    answer=schemas.page_of(COMMAND),
)  # fmt: skip
def list_commands(device_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the charger was asked for."""
    charger = chargers.own(device_id)
    wanted = (*within(Command.queued_at, asked), *matching(asked, status=Command.status))
    asked_for = select(Command).where(Command.charger_id == charger.id, *wanted)

    def shaped(command: Command) -> dict[str, Any]:
        return shape(command, charger.device_id)

    return listed(asked_for, Command.id, shaped, asked, newest_first=True)


@operation(
    "GET", "/commands/<command_id>", scope=Scope.READ, tag=TAG, summary="One command, perhaps once it is settled",
    query=(WAIT,), answer=COMMAND,
)  # fmt: skip
def read_command(command_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The command as it is; with `wait_s` as it becomes."""
    command = _own(command_id)
    if asked["wait_s"] and not command.is_settled:
        with _place_to_wait() as is_free:
            command = _settled(command_id, asked["wait_s"]) if is_free else command
    return shape(command, command.charger.device_id)


def shape(command: Command, device_id: str) -> dict[str, Any]:
    """The command as JSON."""
    return {
        "id": str(command.id),
        "status": command.status.value,
        "device_id": device_id,
        "action": command.action,
        "payload": json_text.decode(masked(command.payload)),
        "response": command.response,
        "error": command.error,
        "timeout_s": command.timeout_s,
        "queued_at": values.moment(command.queued_at),
        "expires_at": values.moment(command.expires_at),
        "sent_at": values.moment(command.sent_at),
        "settled_at": values.moment(command.settled_at),
        "effect": command.effect,
        "effect_at": values.moment(command.effect_at),
        "asked_by": command.asked_by,
    }


def _own(command_id: str) -> Command:
    mine = (
        select(Command)
        .join(Charger)
        .where(Command.id == values.number(command_id, "command"), Charger.operator_id == caller().operator_id)
        .options(joinedload(Command.charger, innerjoin=True))
    )
    command = db.session.scalar(mine.execution_options(populate_existing=True))
    if command is None:
        raise NotFound("There is no such command.")
    return command


def _settled(command_id: str, wait_s: float) -> Command:
    """The command once it is settled or the time is over; no transaction is open in between."""
    ends_at = time.monotonic() + wait_s
    paces = iter(LOOK_EVERY_S)
    pace = next(paces)
    while True:
        command = _own(command_id)
        left = ends_at - time.monotonic()
        if command.is_settled or left <= 0:
            return command
        db.session.rollback()
        time.sleep(min(pace, left))
        pace = next(paces, pace)


@contextmanager
def _place_to_wait() -> Iterator[bool]:
    is_free = _waiting_room.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _waiting_room.release()
