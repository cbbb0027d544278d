"""One declaration for each call of the API: its route, scope, checks and place in the OpenAPI document.

A view gets checked values and returns a row's shape; what it did is committed once, here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from blueprints.api import bodies, idempotency, keys, parameters
from blueprints.api.answers import answer_with
from blueprints.api.parameters import Parameter
from blueprints.database import db
from domain.api_keys import Scope
from domain.errors import NotFound

Schema = dict[str, Any]
View = Callable[..., Any]

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@dataclass(frozen=True)
class Operation:
    """One call, as it is routed and as it is documented."""

    method: str
    path: str  # Flask's rule
    name: str
    summary: str
    tag: str
    scope: Scope
    query: tuple[Parameter, ...]
    body: Schema | None
    is_body_optional: bool
    answer: Schema
    status: int
    is_once: bool  # an Idempotency-Key counts

    @property
    def changes(self) -> bool:
        return self.method != "GET"


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    scope: Scope,
    summary: str,
    tag: str,
    answer: Schema,
    query: Sequence[Parameter] = (),
    body: Schema | None = None,
    is_body_optional: bool = False,
    status: int = 200,
    stores: bool = True,
) -> Callable[[View], View]:
    """The view answers `method path` for keys with that scope.

    Args:
        method: GET, POST, PUT, PATCH or DELETE.
        path: Flask's rule below /api/v1; path values arrive as keyword arguments.
        scope: what the key must be good for.
        summary: one line for the document.
        tag: the noun under which the document lists it.
        answer: JSON Schema of the answer.
        query: parameters; the view gets them as `asked`.
        body: JSON Schema; the view gets the body as `given`.
        is_body_optional: an empty body is `{}`.
        status: of an answer that is no problem.
        stores: whether anything is written. If not, no transaction is open while the view works.
    """

    def declare(view: View) -> View:
        declared = Operation(
            method, path, view.__name__, summary, tag, scope, tuple(query), body, is_body_optional, answer, status,
            is_once=method == "POST" and stores,
        )  # fmt: skip
        OPERATIONS.append(declared)
        bp.add_url_rule(path, view.__name__, _checked(declared, view), methods=[method])
        return view

    return declare


def after_commit(call: Callable[[], None]) -> None:
    """The call is made once what this request wrote can be read by others."""
    g.setdefault("api_after_commit", []).append(call)


def _checked(declared: Operation, view: View) -> View:
    @wraps(view)
    def run(**arguments: Any) -> ResponseReturnValue:
        keys.require(declared.scope)
        if any("\0" in value for value in arguments.values()):
            raise NotFound("There is no such thing.")
        if declared.query:
            arguments["asked"] = parameters.read(declared.name, declared.query)
        else:
            parameters.refuse_all()
        if declared.body is not None:
            arguments["given"] = bodies.read(declared.body, is_optional=declared.is_body_optional)
        return _answered(declared, lambda: view(**arguments))

    return run


def _answered(declared: Operation, work: Callable[[], Mapping[str, Any]]) -> ResponseReturnValue:
    if declared.is_once:
        return idempotency.once(work, declared.status, _commit)
    body = work()
    if declared.changes:
        _commit()
    return answer_with(body, declared.status)


def _commit() -> None:
    db.session.commit()
    for call in g.pop("api_after_commit", []):
        call()
