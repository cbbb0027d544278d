"""The web application on the test's database, and the cast at their browsers."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import create_app
from blueprints import database
from domain import logins
from domain.clock import utcnow
from domain.models.operators import Operator, Role, UserAccount
from domain.settings import Settings
from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.fixture
def app(app_for: Callable[[Settings], Flask], settings: Settings) -> Flask:
    """The application. Others use it after this test: what a test puts into it, it takes out again."""
    app = app_for(settings)
    app.testing = True
    app.config["WTF_CSRF_ENABLED"] = False  # test_csrf.py switches it on
    return app


@pytest.fixture
def own_app(settings: Settings) -> Iterator[Flask]:
    """An application that nobody else uses: the test may add to it."""
    app = create_app(settings)
    app.testing = True
    yield app
    with app.app_context():
        database.db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask, db: Session) -> Callable[..., FlaskClient]:
    """`sign_in(user)`: a browser of that person."""

    def open_browser(user: UserAccount, app: Flask = app) -> FlaskClient:
        token = logins.start(db, user, "127.0.0.1", "tests", utcnow())
        db.commit()
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = token
        return client

    return open_browser


@pytest.fixture
def harbour(make: Callable[..., Operator]) -> Operator:
    """Alice's company."""
    return make(factories.operator)


@pytest.fixture
def alice(make, sign_in, harbour) -> FlaskClient:
    """The browser of Alice, who owns Harbour Energy."""
    return sign_in(make(factories.user, harbour, email="alice@example.com", name="Alice Harbour"))


@pytest.fixture
def bob(make, sign_in, harbour) -> FlaskClient:
    """The browser of Bob, Alice's technician."""
    return sign_in(make(factories.user, harbour, Role.TECHNICIAN, email="bob@example.com", name="Bob"))


@pytest.fixture
def charlie(make, sign_in) -> FlaskClient:
    """The browser of Charlie, who owns another company and must see nothing of Harbour Energy's."""
    return sign_in(make(factories.user, make(factories.operator, name="Charlie's"), email="charlie@example.com"))
