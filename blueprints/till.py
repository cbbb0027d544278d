"""The web's till: the registry of payment providers, made once by app.py."""

from collections.abc import Callable

from flask import Flask, current_app
from sqlalchemy.orm import Session, sessionmaker

from blueprints.database import db
from domain.payment_provider import Providers
from domain.settings import Settings
from domain.settling import Till

MakeProviders = Callable[[Callable[[], Session], Settings], Providers]


def init_app(app: Flask, settings: Settings, make_providers: MakeProviders) -> None:
    with app.app_context():
        open_db = sessionmaker(db.engine, expire_on_commit=False)
    app.extensions["till"] = Till(open_db, make_providers(open_db, settings), settings.public_url)


def till() -> Till:
    """Close `db.session` by a commit before you use it: no provider is called inside a transaction."""
    made: Till = current_app.extensions["till"]
    return made
