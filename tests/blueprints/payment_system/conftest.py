"""The web, whose Stripe is the imitation, on its clock."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from blueprints.limits import limiter
from domain.clock import utcnow
from domain.settings import Settings
from tests import factories
from tests.fakes.stripe import FakeStripe
from tests.money_world import World


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe().running() as fake:
        yield fake


@pytest.fixture
def settings(settings: Settings, fake: FakeStripe) -> Settings:
    return replace(settings, stripe_api_url=fake.url)


@pytest.fixture
def app(own_app: Flask) -> Flask:
    """Of this test alone: each has a Stripe at another address."""
    own_app.config["WTF_CSRF_ENABLED"] = False
    limiter.reset()
    return own_app


@pytest.fixture
def station(make, harbour):
    return make(factories.station, harbour, name="Pier", payment_account_id=None)


@pytest.fixture
def stripe_world(engine, app) -> Iterator[World]:
    """A world whose station takes payments through Stripe; `till` is the web's."""
    world = World(engine, now=utcnow())
    world.till = app.extensions["till"]
    world.account = factories.stripe_account(world.db, world.charger.station.operator)
    world.charger.station.payment_account_id = world.account.id
    world.db.commit()
    yield world
    world.db.close()
