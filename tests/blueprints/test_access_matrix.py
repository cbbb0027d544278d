"""Every route is listed with who may open it, and answers nobody else: strangers, other roles, other operators."""

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import pytest
from flask import url_for

from app import create_app
from blueprints import access
from domain.settings import Settings
from tests import factories
from tests.blueprints.access_matrix import OWN_CHECKS, PUBLIC, ROLES, ROUTES, Row, make_world
from tests.blueprints.conftest import HTMX

REFUSED = 403


def address(app, endpoint, world):
    arguments = {name: attrgetter(path)(world) for name, path in ROUTES[endpoint].arguments.items()}
    with app.test_request_context():
        query = ROUTES[endpoint].query
        return url_for(endpoint, **arguments) + (f"?{query}" if query else "")


def methods(app, endpoint):
    rules = app.url_map.iter_rules(endpoint)
    return sorted({method for rule in rules for method in rule.methods} - {"HEAD", "OPTIONS"})


def led_to(response):
    """The status and where it leads; htmx is led by a header of its own."""
    if response.status_code == 204 and "HX-Redirect" in response.headers:
        return 303, response.headers["HX-Redirect"]
    return response.status_code, response.headers.get("Location")


def is_sign_in(response):
    return response.status_code == 303 and response.location.startswith("/sign-in")


@pytest.fixture
def database_url(sqlite_database):
    """SQLite only: who may open a page does not depend on the database."""
    return sqlite_database()


@pytest.fixture
def world(db, harbour):
    made = make_world(db, harbour)
    db.commit()
    return made


def test_every_route_is_listed_and_every_listed_route_exists():
    app = create_app(Settings(database_url="sqlite://", instance_dir=Path("unused"), secret_key="test"))

    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] not in OWN_CHECKS}

    assert endpoints == set(ROUTES)


def test_every_route_declares_what_it_asks_for(app):
    undeclared = [
        rule.endpoint for rule in app.url_map.iter_rules() if access.requirement_of(app, rule.endpoint) is None
    ]

    assert undeclared == []


@pytest.mark.parametrize("endpoint", ROUTES)
def test_it_answers_those_whom_it_should(app, client, make, sign_in, world, harbour, charlie, endpoint):
    """One world for all four questions, as making it takes longest; those who may act come last."""
    door = Door(address(app, endpoint, world), methods(app, endpoint), ROUTES[endpoint])

    strangers_are_sent_to_the_sign_in_page(door, client)
    charlie_cannot_see_it(door, charlie)
    page_and_fragment_have_one_address(door, sign_in(make(factories.user, harbour)))
    only_the_listed_roles_get_in(
        door,
        {
            letter: sign_in(make(factories.user, None if role.is_platform else harbour, role))
            for letter, role in ROLES.items()
        },
        {letter for letter, role in ROLES.items() if role.is_platform},
    )


@dataclass(frozen=True)
class Door:
    path: str
    methods: list[str]
    row: Row

    @property
    def is_public(self):
        return self.row.who == PUBLIC

    def knock(self, browser):
        return [browser.open(self.path, method=method) for method in self.methods]


def strangers_are_sent_to_the_sign_in_page(door, client):
    answers = [is_sign_in(response) for response in door.knock(client)]

    assert not any(answers) if door.is_public else all(answers)


def charlie_cannot_see_it(door, charlie):
    if door.row.arguments and not door.is_public:
        assert {response.status_code for response in door.knock(charlie)} <= {403, 404}


def page_and_fragment_have_one_address(door, alice):
    if door.is_public or "GET" not in door.methods:
        return
    full, fragment = alice.get(door.path), alice.get(door.path, headers=HTMX)

    assert led_to(full) == led_to(fragment)
    assert "HX-Request" in fragment.headers["Vary"]


def only_the_listed_roles_get_in(door, browsers, of_platform):
    allowed = set()
    for letter, browser in browsers.items():
        for response in door.knock(browser):
            assert response.status_code < 500
            # Platform staff belong to no operator: an operator's row is not theirs, whatever their rights.
            is_foreign = response.status_code == 404 and letter in of_platform and not door.is_public
            if response.status_code != REFUSED and not is_foreign:
                allowed.add(letter)

    assert "".join(sorted(allowed)) == "".join(sorted(set(browsers) if door.is_public else set(door.row.who)))
