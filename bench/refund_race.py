"""Twenty people press Refund on one order at the same moment, two hundred times: it goes back once."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.results import Figure, keep
from domain import refunds
from domain.db import Base, make_engine
from domain.models.orders import Order
from domain.settling import settle_refund
from tests.money_world import World
from tests.postgresql import running_server

RACERS, ROUNDS = 20, 200


class Counting:
    """The sandbox, and how often it was asked for a refund."""

    def __init__(self, provider: Any) -> None:
        self.provider, self.asked, self.lock = provider, 0, threading.Lock()

    def refund(self, *arguments: Any) -> Any:
        with self.lock:
            self.asked += 1
        return self.provider.refund(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)


def main() -> None:
    """Measures and writes two lines of the table."""
    with tempfile.TemporaryDirectory() as name:
        race("SQLite", f"sqlite:///{Path(name) / 'race.db'}")
    with running_server() as server:
        race("PostgreSQL", server.empty_database("voltdesk_race"))


def race(database: str, url: str) -> None:
    """Every round has one refund, and the provider was called once for it."""
    engine = make_engine(url, **({} if url.startswith("sqlite") else {"pool_size": RACERS, "max_overflow": 5}))
    Base.metadata.create_all(engine)
    world = World(engine, wrap=Counting)
    began = time.perf_counter()
    for number in range(ROUNDS):
        order = world.paid_order(token=f"race {number}")
        world.db.commit()
        _press_together(world, order.id)
        world.later(minutes=5)
    took = time.perf_counter() - began
    given_back = world.refunds_at_provider()
    assert (len(world.refunds()), len(given_back), world.provider.asked) == (ROUNDS, ROUNDS, ROUNDS)
    assert {each["asked"]["amount"] for each in given_back} == {502}
    world.db.close()
    engine.dispose()
    keep(
        Figure(
            "refund_race",
            f"{RACERS} people press Refund at once, {ROUNDS} orders, {database}",
            f"{ROUNDS} refunds, {world.provider.asked} calls to the provider, 0 over-refunded ({took:.0f} s)",
            f"{ROUNDS} refunds, {ROUNDS} calls",
            "threads with a database connection each; `refunds.request`, commit, `settle_refund`, as the page does",
        )
    )


def _press_together(world: World, order_id: int) -> None:
    together = threading.Barrier(RACERS)
    trouble: list[BaseException] = []

    def press(person: int) -> None:
        try:
            together.wait()
            with world.till.transaction() as db:
                order = db.get_one(Order, order_id)
                refund_id = refunds.request(db, order, reason="Goodwill", by=f"person {person}", now=world.now).id
            settle_refund(world.till, refund_id, world.now)
        except BaseException as error:
            trouble.append(error)

    people = [threading.Thread(target=press, args=(person,)) for person in range(RACERS)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert trouble == [], trouble[:3]


if __name__ == "__main__":
    main()
