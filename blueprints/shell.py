"""The frame around every page: what templates may call, cookies, forms, compression."""

import json
from typing import Any

from flask import Flask, Response, url_for
from flask_babel import get_locale
from flask_compress import Compress
from flask_login import current_user
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy import exists, select
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import Field

from blueprints import (
    addresses,
    charts,
    columns,
    driver_language,
    formats,
    headers,
    intake,
    navigation,
    preferences,
    role_words,
    words,
)
from blueprints.database import db
from blueprints.limits import limiter
from domain.models.payments import PaymentAccount
from domain.settings import Settings

csrf = CSRFProtect()

HTMX_CONFIG = {
    "allowEval": False,
    "allowScriptTags": False,
    "includeIndicatorStyles": False,
    "historyCacheSize": 0,  # keeps customer data out of the browser's storage
    "selfRequestsOnly": True,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "422", "swap": True},
        {"code": "[45]..", "swap": False, "error": True},
    ],
}


def configure(app: Flask, settings: Settings) -> None:
    """Cookies, forms and compression; before the extensions read them."""
    is_https = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        # Cookies do not know ports: two instances on one machine must not share this one.
        SESSION_COOKIE_NAME=f"voltdesk_{settings.web_port}",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the login
        WTF_CSRF_SSL_STRICT=is_https,
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_ALGORITHM_STREAMING=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,
    )
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)


def init_app(app: Flask) -> None:
    """Every page has its headers, macros and filters."""
    Htmx(app)  # first: it sets the request class
    csrf.init_app(app)
    limiter.init_app(app)
    driver_language.Tongues(app, locale_selector=driver_language.select)
    driver_language.init_app(app)
    intake.init_app(app)
    headers.init_app(app)
    formats.init_app(app)
    Compress(app)
    app.after_request(close_files)  # before Compress: hooks run in reverse order
    app.register_blueprint(preferences.bp)
    app.register_blueprint(columns.bp)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(initials=initials, role_name=role_words.NAMES.__getitem__)
    app.jinja_env.globals.update(
        column_choice=columns.LISTS,
        columns_class=columns.table_class,
        columns_hidden=columns.hidden,
        field_attributes=field_attributes,
        has_page=navigation.is_open,
        here=addresses.here,
        htmx_config=json.dumps(HTMX_CONFIG, separators=(",", ":")),
        keys_on=preferences.keys_on,
        language=lambda: str(get_locale() or "en").replace("_", "-"),
        navigation=navigation.sections,
        spark_paths=charts.spark,
        status_look=words.look,
        connector_word=words.connector_word,
        test_money=test_money,
        theme=preferences.theme_now,
        url_for=url_for,
    )


def close_files(response: Response) -> Response:
    """A static file is closed with its answer also when Compress puts its own stream in its place."""
    if response.is_streamed and hasattr(response.response, "close"):
        response.call_on_close(response.response.close)
    return response


def initials(name: str) -> str:
    """Two letters: of the first and last word, or the first two of one word."""
    names = name.split()
    return (names[0][:1] + names[-1][:1] if len(names) > 1 else name[:2]).upper()


def test_money() -> bool:
    """Whether this person's operator takes payments that move no real money."""
    if not current_user.is_authenticated or current_user.operator_id is None:
        return False
    test_accounts = select(PaymentAccount.id).where(
        PaymentAccount.operator_id == current_user.operator_id, PaymentAccount.is_test
    )
    return bool(db.session.scalar(select(exists(test_accounts))))


def field_attributes(field: Field, hint: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """A control's attributes with its hint and error wired up for screen readers."""
    about = [f"{field.id}-hint"] * bool(hint) + [f"{field.id}-err"] * bool(field.errors)
    wired = {"aria-describedby": " ".join(about)} if about else {}
    return given | wired | ({"aria-invalid": "true"} if field.errors else {})
