"""The writer: what can be stored is durable before anybody hears of it, and one culprit takes nobody with it."""

import asyncio

import pytest
from sqlalchemy import select

from domain import installation
from domain.models.operators import Operator
from ocpp_server.writer import Job, Writer
from tests import factories


@pytest.fixture
async def writer(engine):
    writer = Writer(engine, asyncio.get_running_loop(), lambda db: installation.code(db) and None)
    writer.start()
    yield writer
    await writer.stop(5)


class Unstorable(Job[None]):
    """Leaves something in the message log that no database takes."""

    def run(self, db, frames):
        super().run(db, frames)
        frames.append("no entry of the log")


def open_an_operator(name):
    return lambda db: factories.operator(db, name=name).id


async def test_what_was_handed_over_is_durable_when_it_is_heard_of(writer, db):
    operator_id = await writer.do(open_an_operator("Harbour"))

    assert db.scalars(select(Operator.id)).all() == [operator_id]


async def test_a_unit_that_breaks_takes_no_other_with_it(writer, db):
    good = [writer.do(open_an_operator(f"Good {number}")) for number in range(3)]
    bad = writer.do(lambda _db: 1 // 0)
    more = [writer.do(open_an_operator(f"More {number}")) for number in range(3)]

    await asyncio.gather(*good, *more)
    with pytest.raises(ZeroDivisionError):
        await bad

    assert len(db.scalars(select(Operator.id)).all()) == 6


async def test_what_can_never_be_stored_is_given_up_alone(writer, db):
    future = asyncio.get_running_loop().create_future()
    writer.submit(Unstorable(lambda _db: None, future))
    others = [writer.do(open_an_operator(f"Other {number}")) for number in range(5)]

    await asyncio.gather(*others)
    with pytest.raises(AttributeError):
        await future

    assert len(db.scalars(select(Operator.id)).all()) == 5
