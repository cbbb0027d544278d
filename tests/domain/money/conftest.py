"""A world with test money on either database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.money_world import World


@pytest.fixture
def make_world(engine: Engine) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**values: Any) -> World:
        worlds.append(World(engine, **values))
        return worlds[-1]

    yield make
    for world in worlds:
        world.db.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
