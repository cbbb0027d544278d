"""The worker keeps the sums of Reports."""

from datetime import timedelta

from sqlalchemy import select

from domain import refunds
from domain.models.reports import ReportMoney, ReportUnit
from tests.money_world import World


def kept(world: World) -> list[tuple[str, int, int, int]]:
    with world.open_db() as db:
        rows = db.scalars(select(ReportMoney).order_by(ReportMoney.month))
        return [(row.month, row.orders, row.captured_minor, row.refunded_minor) for row in rows]


def test_a_paid_order_is_summed_up_by_the_worker(world: World) -> None:
    world.paid_order()

    world.sweep()

    assert kept(world) == [("2026-11", 1, 502, 0)]
    with world.open_db() as db:
        assert db.scalars(select(ReportUnit.differences)).all() == [[]]


def test_a_refund_in_the_next_month_is_in_that_month_after_the_next_sweep(world: World) -> None:
    order = world.paid_order()
    world.sweep()
    world.later(days=25)

    refunds.request(world.db, order, reason="Goodwill", by="ann", now=world.now)
    world.db.commit()
    world.sweep()

    assert kept(world) == [("2026-11", 1, 502, 0), ("2026-12", 0, 0, 502)]


def test_a_sweep_that_runs_again_and_again_changes_nothing(world: World) -> None:
    world.paid_order()
    world.sweep()
    before = kept(world)

    for _ in range(2):
        world.now += timedelta(minutes=6)
        world.sweep()

    assert kept(world) == before
