"""A driver's phone at a charger that takes test money."""

import pytest
from flask.testing import FlaskClient

from domain.clock import utcnow
from domain.models.commands import Command, CommandStatus
from tests import factories
from tests.money_world import World


@pytest.fixture
def world(engine):
    world = World(engine, now=utcnow())
    world.code = factories.qr_code(world.db, world.charger, code="HG5K7QWX").code
    world.db.commit()
    yield world
    world.db.close()


@pytest.fixture
def phone(client) -> FlaskClient:
    return client


@pytest.fixture
def settle_command(world):
    """The charger's answer to the newest command."""

    def settle(status: CommandStatus) -> Command:
        command = world.db.query(Command).order_by(Command.id.desc()).first()
        command.status, command.settled_at = status, world.now
        world.db.commit()
        return command

    return settle


@pytest.fixture
def go_offline(world):
    def go() -> None:
        world.charger.node = None
        world.db.commit()

    return go
