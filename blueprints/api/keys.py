"""Whose key is this, what is it good for, and has it asked too often?"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from flask import Flask, current_app, g, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from blueprints.database import db
from domain import api_keys
from domain.api_keys import Scope
from domain.clock import utcnow
from domain.db import read_only, writing
from domain.models.operators import Operator

PER_KEY = RateLimitItemPerMinute(600)
WRONG_KEYS_PER_ADDRESS = RateLimitItemPerMinute(600)
NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """The key that this request came with."""

    key_id: int
    name: str
    secret: str
    operator_id: int
    scopes: frozenset[str]

    @property
    def by(self) -> str:
        """How the audit names it."""
        return f"api key {self.name}"


def init_app(app: Flask) -> None:
    # In memory, because the web is one process.
    app.extensions["api_limits"] = MovingWindowRateLimiter(MemoryStorage())


def identify() -> None:
    """The request has a caller, or ends with 401 or 429. Leaves no transaction open."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        _refuse("Send an API key: Authorization: Bearer vd_…")
    now = utcnow()
    with read_only():
        key = api_keys.find(db.session, secret, now)
        db.session.expunge_all()
        db.session.rollback()
    if key is None:
        _refuse("This API key is not known, has expired or was revoked.")
    _count(PER_KEY, f"key {key.id}", "This key asks more than 600 times a minute.")
    if key.last_used_at is None or now - key.last_used_at > NOTE_USE_EVERY:
        _note_use(key.id, now)
    g.caller = Caller(key.id, key.name, secret, key.operator_id, frozenset(key.scopes))


def caller() -> Caller:
    """Who asks."""
    who: Caller = g.caller
    return who


def own_operator() -> Operator:
    """The operator to whom the key belongs."""
    operator = db.session.get(Operator, caller().operator_id)
    if operator is None:  # keys die with their operator
        raise Unauthorized
    return operator


def require(scope: Scope) -> None:
    """The key is good for this, or the request ends with 403."""
    if scope.value not in caller().scopes:
        raise Forbidden(f"This key has not the scope {scope.value}.")


def _note_use(key_id: int, now: datetime) -> None:
    with writing():
        api_keys.note_use(db.session, key_id, now)
        db.session.commit()


def _refuse(sentence: str) -> NoReturn:
    _count(WRONG_KEYS_PER_ADDRESS, f"address {request.remote_addr}", "Too many requests without a valid key.")
    raise Unauthorized(sentence, www_authenticate=WWWAuthenticate("bearer", {"realm": "Voltdesk"}))


def _count(limit: RateLimitItem, who: str, sentence: str) -> None:
    limits: MovingWindowRateLimiter = current_app.extensions["api_limits"]
    if limits.hit(limit, who):
        return
    opens_at = limits.get_window_stats(limit, who).reset_time
    raise TooManyRequests(sentence, retry_after=max(1, int(opens_at - time.time()) + 1))
