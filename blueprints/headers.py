"""Headers on every answer: content policy, caching, static files by content hash."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

from blueprints.web import wants_fragment
from domain.settings import Settings

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self' https://checkout.stripe.com https://www.paypal.com https://www.sandbox.paypal.com",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
FIXED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",  # never leaks a driver's link; same-origin forms still prove where they come from
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
YEAR_S = 31_536_000


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.extensions["content_policy"] = content_policy(settings.map_tiles_url, settings.stripe_api_url)
    app.after_request(add_headers)
    app.after_request(lead_htmx)
    app.url_defaults(add_version)
    app.jinja_env.globals["integrity"] = integrity


def content_policy(map_tiles_url: str | None, stripe_url: str | None = None) -> str:
    """The policy, with the host of the map tiles where there is one, and of what stands in for Stripe in tests.

    >>> content_policy("https://{s}.tiles.example/{z}/{x}/{y}.png").split("; ")[3]
    "img-src 'self' data: https://*.tiles.example"
    """
    policy = dict(POLICY)
    if map_tiles_url:
        parts = urlsplit(map_tiles_url.replace("{s}", "*"))
        policy["img-src"] += f" {parts.scheme}://{parts.netloc}"
    if stripe_url:
        policy["form-action"] += f" {stripe_url}"
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", current_app.extensions["content_policy"])
    for name, value in FIXED.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
    if request.endpoint == "static":
        is_same = response.status_code < 400 and _is_asked_version(request.view_args["filename"])
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if is_same else "no-cache"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.update(["HX-Request", "Cookie"])
    return response


def lead_htmx(response: Response) -> Response:
    """The browser goes where a redirect leads; htmx would fetch that page and swap the whole of it into a form."""
    if response.status_code == 303 and wants_fragment():
        response.headers["HX-Redirect"] = response.headers.pop("Location")
        response.status_code = 204
        response.set_data(b"")
    return response


def add_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and "filename" in values:
        values.setdefault("v", static_version(values["filename"]))


def static_version(filename: str) -> str | None:
    """A short hash of the file's content, or None when there is no such file in the folder."""
    inside = safe_join(current_app.static_folder, filename)
    if inside is None or not (path := Path(inside)).is_file():
        return None
    return _content_hash(path, path.stat().st_mtime_ns)


def integrity(vendored: str) -> str:
    """The `integrity` attribute of a file in static/vendor."""
    return _vendored(Path(current_app.static_folder, "vendor", "sri.json"))[vendored]["integrity"]


def _is_asked_version(filename: str) -> bool:
    asked = request.args.get("v")
    return asked is not None and asked == static_version(filename)


@lru_cache(maxsize=256)
def _content_hash(path: Path, _changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=1)
def _vendored(path: Path) -> dict[str, dict[str, str]]:
    return json.loads(path.read_text())
