"""`/tokens`: RFID cards and other idTags."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from blueprints.api import parameters, schemas, values
from blueprints.api.keys import caller
from blueprints.api.operation import operation
from blueprints.api.pages import listed, matching, within
from blueprints.database import db
from domain import tokens
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.models.tokens import Token, TokenStatus

TAG = "Tokens"

_STATUS = schemas.one_of(TokenStatus)
_NAME = schemas.or_null({"type": "string", "maxLength": 120})
_PARENT = schemas.or_null({**schemas.up_to(tokens.MAX_UID), "description": "Group of cards that may stop each other."})
_STATIONS = schemas.or_null(
    {
        "type": "array",
        "items": schemas.ID,
        "minItems": 1,
        "maxItems": 500,
        "description": "Where it may charge; null: at every station.",
    }
)
NEW_TOKEN = schemas.body(
    "uid",
    "status",
    uid={**schemas.up_to(tokens.MAX_UID), "description": "As the reader tells it; upper and lower case are the same."},
    status=_STATUS,
    expires_at=schemas.or_null(schemas.TIME),
    parent_uid=_PARENT,
    name=_NAME,
    station_ids=_STATIONS,
)
CHANGED_TOKEN = schemas.changes(
    status=_STATUS, expires_at=schemas.or_null(schemas.TIME), parent_uid=_PARENT, name=_NAME, station_ids=_STATIONS
)
TOKEN = schemas.record(
    uid=schemas.TEXT,
    status=_STATUS,
    expires_at=schemas.or_null(schemas.TIME),
    parent_uid=schemas.or_null(schemas.TEXT),
    name=schemas.or_null(schemas.TEXT),
    station_ids=schemas.or_null({"type": "array", "items": schemas.ID}),
    created_at=schemas.TIME,
    last_seen_at=schemas.or_null(schemas.TIME),
)


@operation(
    "GET", "/tokens", scope=Scope.READ, tag=TAG, summary="Your tokens, oldest first",
    query=(*parameters.PAGING, *parameters.PERIOD, parameters.choice("status", "In this state.", TokenStatus)),
    answer=schemas.page_of(TOKEN),
)  # fmt: skip
def list_tokens(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's tokens."""
    wanted = (*within(Token.created_at, asked), *matching(asked, status=Token.status))
    mine = select(Token).where(Token.operator_id == caller().operator_id, *wanted)
    return listed(mine, Token.id, shape, asked)


@operation(
    "POST", "/tokens", scope=Scope.WRITE, tag=TAG, summary="Add a token", body=NEW_TOKEN, answer=TOKEN, status=201
)
def add_token(given: Mapping[str, Any]) -> dict[str, Any]:
    """The operator has the token."""
    more = {name: given.get(name) for name in ("expires_at", "parent_uid", "name")}
    more["station_ids"] = _station_ids(given.get("station_ids"))
    status = TokenStatus(given["status"])
    token = tokens.add(
        db.session, caller().operator_id, given["uid"], now=utcnow(), status=status, by=caller().by, **more
    )
    return shape(token)


@operation("GET", "/tokens/<path:uid>", scope=Scope.READ, tag=TAG, summary="One token", answer=TOKEN)
def read_token(uid: str) -> dict[str, Any]:
    """One token of the operator."""
    return shape(tokens.get(db.session, caller().operator_id, uid))


@operation(
    "PATCH", "/tokens/<path:uid>", scope=Scope.WRITE, tag=TAG, summary="Change a token",
    body=CHANGED_TOKEN, answer=TOKEN,
)  # fmt: skip
def change_token(uid: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The token has the new values."""
    new = dict(given)
    if "status" in new:
        new["status"] = TokenStatus(new["status"])
    if "station_ids" in new:
        new["station_ids"] = _station_ids(new["station_ids"])
    return shape(tokens.change(db.session, caller().operator_id, uid, by=caller().by, now=utcnow(), **new))


def shape(token: Token) -> dict[str, Any]:
    """The token as JSON."""
    limits = tokens.station_ids(db.session, token)
    return {
        "uid": token.uid,
        "status": token.status.value,
        "expires_at": values.moment(token.expires_at),
        "parent_uid": token.parent_uid,
        "name": token.name,
        "station_ids": None if limits is None else [str(station_id) for station_id in limits],
        "created_at": values.moment(token.created_at),
        "last_seen_at": values.moment(token.last_seen_at),
    }


def _station_ids(given: list[str] | None) -> list[int] | None:
    """The ids as numbers; what is none is no station of anybody's."""
    if given is None:
        return None
    return [int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0 for text in given]
