"""The language of a driver's pages: as chosen, as the payment keeps it, as the browser asks, as the country speaks."""

from typing import NamedTuple

from babel.languages import get_official_languages
from flask import Flask, Response, current_app, g, request
from flask_babel import Babel, Domain, refresh
from flask_babel import get_locale as locale_of_request
from werkzeug.utils import cached_property

from domain.catalogues import LANGUAGES, NullTranslations, catalogue

PATHS = ("/c/", "/s/", "/sandbox/checkout/")  # where every page is a driver's
NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
COOKIE = "language"
YEAR_S = 31_536_000


class Tongue(NamedTuple):
    """One choice of the switcher."""

    code: str
    name: str
    is_current: bool


class Catalogues(Domain):
    """Flask-Babel's messages, from catalogues that need no compiling."""

    def get_translations(self) -> NullTranslations:
        return catalogue(now())


class Tongues(Babel):
    """Flask-Babel on our catalogues."""

    @cached_property
    def domain_instance(self) -> Domain:
        return Catalogues()


def init_app(app: Flask) -> None:
    app.after_request(remember)
    app.jinja_env.globals["tongues"] = tongues


def concerns_drivers() -> bool:
    """Whether the answer is read by a driver."""
    return request.path.startswith(PATHS)


def select() -> str:
    """The language of this answer. Asks no database: what is known of payment and station is told by `know`."""
    if not concerns_drivers():
        return "en"
    return chosen() or g.get("kept_language") or asked() or of_country(g.get("driver_country")) or "en"


def now() -> str:
    """The language of this request, English outside one."""
    locale = locale_of_request()
    return locale.language if locale else "en"


def know(kept: str | None = None, country: str | None = None) -> None:
    """What the payment keeps and what the country of the station speaks count from now on."""
    g.kept_language, g.driver_country = kept if kept in LANGUAGES else None, country
    refresh()


def chosen() -> str | None:
    """What this person chose, by `?lang=` or earlier."""
    wishes = (request.args.get("lang"), request.cookies.get(COOKIE))
    return next((each for each in wishes if each in LANGUAGES), None)


def asked() -> str | None:
    """The best that the browser asks for and we have."""
    wishes = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((each for each in wishes if each in LANGUAGES), None)


def of_country(country: str | None) -> str | None:
    """What most people of that country speak among the languages that we have.

    >>> of_country("AT"), of_country("BE"), of_country("FI")
    ('de', 'fr', None)
    """
    spoken_there = get_official_languages(country, de_facto=True) if country else ()
    return next((each for each in spoken_there if each in LANGUAGES), None)


def tongues() -> list[Tongue]:
    """The choices of the switcher."""
    return [Tongue(code, name, code == now()) for code, name in NAMES.items()]


def remember(response: Response) -> Response:
    """A choice by `?lang=` is kept for a year."""
    if not concerns_drivers():
        return response
    response.vary.add("Accept-Language")
    if request.args.get("lang") in LANGUAGES:
        is_secure = current_app.config["SESSION_COOKIE_SECURE"]
        response.set_cookie(
            COOKIE, request.args["lang"], max_age=YEAR_S, secure=is_secure, httponly=True, samesite="Lax"
        )
    return response
