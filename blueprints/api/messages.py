"""`/chargers/{device_id}/messages`: the raw log, every frame as it went over the wire."""

import base64
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from blueprints.api import chargers, parameters, schemas, values
from blueprints.api.operation import operation
from blueprints.api.pages import listed, matching, within
from domain.api_keys import Scope
from domain.models.messages import Direction, Message

MESSAGE = schemas.record(
    id=schemas.ID,
    at=schemas.TIME,
    direction=schemas.one_of(Direction),
    action=schemas.or_null(schemas.TEXT),
    text={
        **schemas.TEXT,
        "description": "Exactly what was sent. Of a binary frame its bytes in hexadecimal; of bytes that are not valid "
        "Unicode an approximation, with the bytes themselves in bytes_base64.",
    },
    binary=schemas.FLAG,
    bytes_base64={**schemas.or_null(schemas.TEXT), "description": "Set where text cannot hold it exactly."},
    notes={**schemas.FLAGS, "description": "Quirks that were repaired before the frame was understood."},
)


@operation(
    "GET", "/chargers/<device_id>/messages", scope=Scope.READ, tag="Messages", summary="Raw frames, oldest first",
    query=(
        *parameters.PAGING, *parameters.PERIOD,
        parameters.choice("direction", "Who spoke.", Direction),
        parameters.text("action", "Of this OCPP action, calls and their answers."),
    ),
    answer=schemas.page_of(MESSAGE),
)  # fmt: skip
def list_messages(device_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the charger and we said to each other."""
    wanted = (*within(Message.at, asked), *matching(asked, direction=Message.direction, action=Message.action))
    said = select(Message).where(Message.charger_id == chargers.own(device_id).id, *wanted)
    return listed(said, Message.id, shape, asked)


def shape(message: Message) -> dict[str, Any]:
    """The frame as JSON."""
    text, exact = message.text, None
    if message.is_binary and message.raw is not None:
        text = message.raw.hex()
    elif message.text is None and message.raw is not None:
        text, exact = message.raw.decode(errors="replace"), base64.b64encode(message.raw).decode()
    return {
        "id": str(message.id),
        "at": values.moment(message.at),
        "direction": message.direction.value,
        "action": message.action,
        "text": text or "",
        "binary": message.is_binary,
        "bytes_base64": exact,
        "notes": (message.notes or "").split(),
    }
