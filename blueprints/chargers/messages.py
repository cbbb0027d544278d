"""The raw OCPP messages of one charger: filter, copy, export."""

import json

from flask import Response
from flask.typing import ResponseReturnValue

from blueprints import access, lists
from blueprints.chargers import bp
from blueprints.chargers.detail import frame
from blueprints.database import db
from blueprints.web import page
from domain import message_list
from domain.clock import utcnow
from domain.message_list import Filter
from domain.models.messages import Direction, Message
from domain.rights import Right

KINDS = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR"}


@bp.get("/chargers/<device_id>/messages")
@access.require(Right.STATIONS, read=True)
def messages(device_id: str) -> ResponseReturnValue:
    """What the charger said and was told, exactly."""
    charger, wanted, now = access.charger_or_404(device_id), asked_filter(), utcnow()
    found = message_list.page(db.session, charger.id, wanted, lists.text("cursor", 500), lists.size())
    values = {
        "action": wanted.action,
        "direction": wanted.direction.value if wanted.direction else None,
        "q": wanted.text,
        "size": lists.size_in_address(),
    }
    return page(
        "chargers/messages.html",
        "chargers/_messages.html",
        found=found,
        wanted=wanted,
        list=lists.Address("chargers.messages", values, device_id=device_id),
        actions=lambda: message_list.actions(db.session, charger.id),
        kind=kind,
        shown=shown,
        **frame(charger, "Messages", now),
    )


@bp.get("/chargers/<device_id>/messages.jsonl")
@access.require(Right.STATIONS, read=True)
def messages_file(device_id: str) -> ResponseReturnValue:
    """The filtered messages as a file, one JSON object a line, oldest first."""
    charger = access.charger_or_404(device_id)
    lines = [_line(each) for each in message_list.each(db.session, charger.id, asked_filter())]
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in charger.device_id)
    headers = {"Content-Disposition": f'attachment; filename="messages-{name}.jsonl"'}
    return Response("".join(lines), mimetype="application/jsonl", headers=headers)


def asked_filter() -> Filter:
    return Filter(
        action=lists.text("action", 50),
        direction=lists.choice("direction", Direction),
        text=lists.text("q"),
    )


def kind(message: Message) -> str:
    """CALL, CALLRESULT, CALLERROR, or what kind of disorder it is."""
    if message.is_binary:
        return "binary"
    try:
        return KINDS.get(json.loads(message.text or "")[0], "unreadable")
    except (ValueError, TypeError, LookupError, RecursionError):
        return "unreadable"


def shown(message: Message) -> str:
    """The exact text; bytes that are no text in hexadecimal."""
    return message.text if message.text is not None else (message.raw or b"").hex(" ")


def _line(message: Message) -> str:
    said = {"text": message.text} if message.text is not None else {"hex": (message.raw or b"").hex()}
    told = {"at": message.at.isoformat(), "direction": message.direction.value, "action": message.action} | said
    return json.dumps(told | ({"notes": message.notes} if message.notes else {}), ensure_ascii=False) + "\n"
