"""What never gets as far as a view: other sites' requests, and values that no database stores."""

from collections.abc import Iterable

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue

from blueprints import errors

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
OWN_SITE = {"same-origin", "none"}  # "none": typed by the person; browsers too old to say it send no header
LARGEST = 2**63 - 1
NUL = (
    "A field holds an invisible character (NUL) that cannot be kept. Nothing was changed. Go back, type that field "
    "anew instead of pasting it, and send the form again."
)


def init_app(app: Flask) -> None:
    app.before_request(refuse_other_sites)
    app.before_request(refuse_unstorable)


def refuse_other_sites() -> None:
    """A browser acting for another site changes nothing here."""
    if request.method not in SAFE_METHODS and request.headers.get("Sec-Fetch-Site", "none") not in OWN_SITE:
        abort(403)


def refuse_unstorable() -> ResponseReturnValue | None:
    """PostgreSQL stores no NUL, neither database a number beyond 64 bits: such an address names nothing."""
    if request.blueprint in ("api", "uploads"):
        return None  # these read their parameters and bodies themselves, more strictly or as a stream
    named = (request.view_args or {}).values()
    if any(isinstance(value, int) and value > LARGEST for value in named) or _has_nul(map(str, named)):
        abort(404)
    if _has_nul(text for _, text in (*request.args.items(multi=True), *request.form.items(multi=True))):
        return errors.answer(400, NUL)
    return None


def _has_nul(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)
