"""Everything that goes wrong in the API, as RFC 9457 problem details."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from blueprints import errors
from blueprints.api.answers import answer_with
from blueprints.api.operation import bp
from domain.errors import DomainError
from domain.json_text import InvalidJson

CONTENT_TYPE = "application/problem+json"
SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    500: "Something broke on our side. It is on record.",
}


def init_app(app: Flask) -> None:
    # Wrong addresses and methods belong to no blueprint.
    for status in (404, 405):
        app.register_error_handler(status, _routing_error)


@bp.errorhandler(DomainError)
def domain_error(error: DomainError) -> Response:
    """A rule said no."""
    status = 400 if isinstance(error, InvalidJson) else errors.status_of(error)
    name = type(error).__name__
    return problem(status, str(error), kind=_dashed(name), title=_spaced(name), fields=error.errors)


@bp.errorhandler(HTTPException)
def http_error(error: HTTPException) -> ResponseReturnValue:
    """The request itself was wrong, or we were."""
    if error.code is None or error.code < 400:
        return error
    is_standard = error.description == type(error).description
    sentence = SENTENCES.get(error.code, error.description) if is_standard else error.description
    response = problem(error.code, sentence or HTTPStatus(error.code).phrase)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


@bp.errorhandler(IntegrityError)
def raced(error: IntegrityError) -> Response:
    """Somebody else was faster between our look and our write."""
    current_app.logger.warning("API: %s", error)
    return problem(409, "Somebody changed the same thing at the same moment. Look again, then repeat.")


@bp.errorhandler(OperationalError)
def unavailable(error: OperationalError) -> Response:
    """The database does not answer, or is busy for longer than we wait."""
    current_app.logger.error("API: %s", error)
    response = problem(503, "The database does not answer. Nothing was changed.")
    response.headers["Retry-After"] = "5"
    return response


def problem(
    status: int, detail: str, *, kind: str = "", title: str = "", fields: Sequence[tuple[str, str]] = ()
) -> Response:
    """A problem as an answer; `fields` names what is wrong where."""
    body: dict[str, Any] = {
        "type": f"urn:voltdesk:problem:{kind}" if kind else "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if fields:
        body["errors"] = [{"field": field, "message": sentence} for field, sentence in fields]
    return answer_with(body, status, CONTENT_TYPE)


def _routing_error(error: HTTPException) -> ResponseReturnValue:
    is_ours = request.path == bp.url_prefix or request.path.startswith(f"{bp.url_prefix}/")
    return http_error(error) if is_ours else errors.http_error(error)


def _dashed(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _spaced(name: str) -> str:
    return _dashed(name).replace("-", " ").capitalize()
