"""A POST that names an Idempotency-Key happens once; repeating it gets the same answer again."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, func, select

from blueprints.api.answers import answer_with
from blueprints.api.keys import Caller, caller
from blueprints.database import db
from domain import json_text
from domain.clock import utcnow
from domain.errors import Conflict, Refused
from domain.models.operators import IdempotentAnswer

HEADER = "Idempotency-Key"
LONGEST = 255
KEPT_FOR = timedelta(hours=24)


class KeyReused(Conflict):
    """The Idempotency-Key was used for another request."""


def once(work: Callable[[], Mapping[str, Any]], status: int, commit: Callable[[], None]) -> ResponseReturnValue:
    """The answer of the work, done now or done before under the same key.

    Raises:
        KeyReused: the same key came with another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        body = work()
        commit()
        return answer_with(body, status)
    if not 1 <= len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise Refused(f"An {HEADER} has 1 to {LONGEST} printable ASCII characters.")
    who, now = caller(), utcnow()
    _wait_for_others(who, key)
    db.session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at <= now - KEPT_FOR))
    known = db.session.scalar(
        select(IdempotentAnswer).where(IdempotentAnswer.api_key_id == who.key_id, IdempotentAnswer.key == key)
    )
    if known is not None:
        return _again(known, who)
    body = work()
    row = IdempotentAnswer(
        api_key_id=who.key_id,
        key=key,
        request_hash=_request_hash(),
        status=status,
        body={"sealed": _box(who).encrypt(json_text.encode(body).encode()).decode()},
        created_at=now,
    )
    db.session.add(row)
    commit()
    return answer_with(body, status)


def _wait_for_others(who: Caller, key: str) -> None:
    # On SQLite the transaction that writes is the only one.
    if db.engine.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"{who.key_id} {key}", 0))
        db.session.execute(select(lock))


def _again(known: IdempotentAnswer, who: Caller) -> Response:
    if known.request_hash != _request_hash():
        raise KeyReused(f"This {HEADER} was used for another request.")
    body = json_text.decode(_box(who).decrypt(known.body["sealed"].encode()))
    response = answer_with(body, known.status)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _request_hash() -> str:
    said = b"\0".join((request.method.encode(), request.full_path.encode(), request.get_data(cache=True)))
    return hashlib.sha256(said).hexdigest()


def _box(who: Caller) -> Fernet:
    # An answer may hold a password: only the API key itself, which we do not keep, opens it again.
    secret = hashlib.sha256(b"idempotent answers " + who.secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(secret))
