"""What went wrong, as a page or, for htmx, as a message beside the page that stays as it is."""

from typing import NamedTuple

from flask import Flask, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from blueprints import driver_errors, driver_language
from blueprints.web import page, trigger, wants_fragment
from domain.catalogues import spoken
from domain.errors import Conflict, DomainError, NotFound, Refused


class Words(NamedTuple):
    title: str
    text: str


STATUS = {NotFound: 404, Refused: 422, Conflict: 409}
WORDS = {
    400: Words("This could not be read", "The browser sent something incomplete. Go back and try again."),
    403: Words(
        "Not for your role", "Your role does not open this page. An owner can change roles under Team and roles."
    ),
    404: Words("Nothing is here", "The address is wrong, or what it named is gone or belongs to somebody else."),
    405: Words("This cannot be opened directly", "Go back and use the button on the page."),
    409: Words("Something changed meanwhile", "Reload the page, look again, then repeat what you wanted."),
    413: Words("The file is too large", "Choose a smaller file. Nothing was changed."),
    415: Words("This kind of file is not accepted", "Nothing was changed."),
    422: Words("This is not possible", "Nothing was changed."),
    429: Words("Too many requests", "Wait a minute, then try again."),
    500: Words(
        "Something broke on our side", "It is on record. What you had saved before is kept. Try again in a minute."
    ),
    503: Words("The database does not answer", "Nothing was changed. Try again in a minute."),
}
# The database does not answer, broke off, or is busy for longer than we wait.
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
RETRY_AFTER_S = 5
STALE_FORM = spoken("This page was open for too long or in another browser. Reload it, then send the form again.")


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, domain_error)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, http_error)
    for kind in UNAVAILABLE:
        app.register_error_handler(kind, unavailable)


def domain_error(error: DomainError) -> ResponseReturnValue:
    return answer(status_of(error), str(error))


def status_of(error: DomainError) -> int:
    """The HTTP status that tells a domain error."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def stale_form(_error: CSRFError) -> ResponseReturnValue:
    return answer(400, STALE_FORM)


def http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error  # redirects raised by routing
    return answer(error.code, None)


def unavailable(error: Exception) -> Response:
    """503 in words that need no database."""
    current_app.logger.error("Database: %s", error)
    is_page = driver_language.concerns_drivers() and not (wants_fragment() or _wants_json())
    told = driver_errors.answer(503, None) if is_page else _without_frame(503, WORDS[503].title, WORDS[503].text)
    response = make_response(told)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def answer(status: int, text: str | None, way_on: tuple[str, str] | None = None) -> ResponseReturnValue:
    """That status with words for a person; under htmx nothing is swapped and the words appear as a message.

    Args:
        way_on: (word, address) of the link that leads on from here.
    """
    words = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    if not (wants_fragment() or _wants_json()):
        if driver_language.concerns_drivers():
            return driver_errors.answer(status, text)
        try:
            told = text or words.text
            return page("errors/error.html", status=status, code=status, title=words.title, text=told, way_on=way_on)
        except UNAVAILABLE as error:  # the page's frame asks who is signed in
            return unavailable(error)
    return _without_frame(status, words.title, text or words.text, toast=text)


def _without_frame(status: int, title: str, text: str, toast: str | None = None) -> ResponseReturnValue:
    if wants_fragment():
        response = trigger(make_response("", status), toast=toast or f"{title}. {text}")
        response.headers["HX-Reswap"] = "none"
        return response
    if _wants_json():
        return {"title": title, "detail": text, "status": status}, status
    # Rendered by Jinja alone: Flask's context processors would ask the database who is signed in.
    template = current_app.jinja_env.get_template("errors/lone.html")
    return template.render(code=status, title=title, text=text), status


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html") == "application/json"
