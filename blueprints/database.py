"""The web's database session: `db.session`, one for each request, on the tables of domain."""

from contextlib import ExitStack

from flask import Flask, g, request
from flask_sqlalchemy import SQLAlchemy

from domain.db import Base, engine_options, normal_url, prepare_engine, read_only

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


def init_app(app: Flask, database_url: str) -> None:
    """The app reads and writes that database; safe methods never take SQLite's write lock."""
    app.config["SQLALCHEMY_DATABASE_URI"] = normal_url(database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(database_url)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.before_request(_begin)
    app.teardown_request(_end)


def _begin() -> None:
    g.transaction_mode = ExitStack()
    if request.method in ("GET", "HEAD", "OPTIONS"):
        g.transaction_mode.enter_context(read_only())


def _end(_error: BaseException | None) -> None:
    mode = g.pop("transaction_mode", None)
    if mode is not None:
        mode.close()
