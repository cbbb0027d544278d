"""Addresses that came from outside, before anybody is sent there: only our own paths."""

import base64
import binascii
import re
from urllib.parse import unquote, urlsplit

from flask import Flask, request
from werkzeug.routing import PathConverter, ValidationError

HOME = "/"


def safe(target: str | None) -> str:
    """The target if it is a path of this site, else the home page."""
    if not target or not target.startswith("/") or not target.isprintable():
        return HOME
    # Browsers read "//host", "/\\host" and "/\thost" as another site.
    if "\\" in target or target.startswith("//") or any(c.isspace() for c in target):
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    return target if not parts.scheme and not parts.netloc else HOME


def htmx_page() -> str | None:
    """The page htmx was on when it asked, as a path of ours."""
    current = request.headers.get("HX-Current-URL", "")
    if request.headers.get("HX-Current-URL-URI-AutoEncoded") == "true":
        current = unquote(current)
    try:
        parts = urlsplit(current)
    except ValueError:
        return None
    if parts.netloc != request.host:
        return None
    path = safe(parts.path + (f"?{parts.query}" if parts.query else ""))
    return path if path != HOME else None


def here() -> str:
    """The present page, to come back to after a plain form post."""
    return safe(request.full_path.rstrip("?")) if request.method == "GET" else HOME


class UidConverter(PathConverter):
    """A card number in an address. One that a browser would read as a path ("../x") travels as "~" and Base64."""

    _PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

    def to_python(self, value: str) -> str:
        if not value.startswith("~"):
            return value
        try:
            return base64.urlsafe_b64decode(value[1:].encode()).decode()
        except (binascii.Error, UnicodeError):
            raise ValidationError from None

    def to_url(self, value: str) -> str:
        return value if self._PLAIN.fullmatch(value) else "~" + base64.urlsafe_b64encode(value.encode()).decode()


def init_app(app: Flask) -> None:
    app.url_map.converters["uid"] = UidConverter
