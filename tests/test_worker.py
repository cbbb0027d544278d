"""The worker's sweeps on either database, and the process itself."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

import worker
from domain import journey, messages, power
from domain.models.chargers import Charger, Handshake
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.messages import Direction, Message
from domain.models.orders import Order, OrderStatus
from domain.models.payments import PaymentStatus
from domain.models.power import LimitUnit, Newcomers, PowerProfile
from tests import factories
from tests.money_world import World
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def world(engine: Engine):
    world = World(engine)
    yield world
    world.db.close()


def sweep(world: World) -> None:
    for each in worker.SWEEPS:
        each.run(world.till, world.now)


def orders(world: World) -> list[Order]:
    with world.open_db() as db:
        return db.query(Order).order_by(Order.id).all()


def test_one_round_bills_and_captures(world):
    payment = world.pay()
    world.charge(payment, 10_000)

    sweep(world)

    (order,) = orders(world)
    assert (order.status, order.gross_minor) == (OrderStatus.PAID, 502)
    assert world.fresh(payment).status is PaymentStatus.CAPTURED


def test_a_second_round_changes_nothing(world):
    world.charge(world.pay(), 10_000)
    sweep(world)
    before = [(order.id, order.status, order.gross_minor) for order in orders(world)]

    sweep(world)

    assert [(order.id, order.status, order.gross_minor) for order in orders(world)] == before


def test_a_session_that_breaks_billing_is_set_aside_and_the_others_are_billed(world, caplog):
    broken = world.start()
    world.tariff.terms = {"elements": "none"}
    world.db.commit()
    world.later(minutes=5)
    world.stop(broken, 1000)
    world.tariff = world.other_tariff()
    whole = world.charge(None, 10_000)

    sweep(world)

    assert world.fresh(broken).flags == ["billing_failed"]
    assert [order.charging_session_id for order in orders(world)] == [whole.id]
    assert "cannot be billed" in caplog.text


@pytest.mark.parametrize("trouble", [OperationalError, InterfaceError, PoolTimeout], ids=lambda each: each.__name__)
def test_trouble_of_the_database_is_no_reason_to_set_a_session_aside(world, trouble):
    charging = world.charge(None, 10_000)
    connections = iter([world.open_db(), None])  # to look, and to bill; then the database is back

    def flaky() -> Session:
        there = next(connections, world.open_db())
        if there is None:
            raise trouble("gone", None, Exception()) if issubclass(trouble, DBAPIError) else trouble("gone")
        return there

    with pytest.raises(trouble):
        worker.bill(replace(world.till, open_db=flaky), world.now)
    sweep(world)

    assert [order.charging_session_id for order in orders(world)] == [charging.id]
    assert world.fresh(charging).flags == []


def test_a_running_charge_far_from_its_limit_costs_no_write_lock(world, caplog):
    world.start(world.pay())
    with world.open_db() as busy:
        busy.execute(update(Charger).values(label="HG-99"))

        worker.guard_holds(world.till, world.now)

        busy.rollback()
    assert caplog.text == ""


def test_a_limit_that_is_shared_and_a_quiet_house_cost_no_write_lock(world, caplog, tmp_path):
    share = worker.sharing_power(tmp_path)
    budget = power.Budget(LimitUnit.A, 400, Newcomers.WAIT)
    power.set_station_limit(world.db, world.charger.station, budget, version=0, by="alice", now=world.now)
    world.db.commit()
    share(world.till, world.now)
    with world.open_db() as busy:
        busy.execute(update(Charger).values(label="HG-99"))

        share(world.till, world.now)
        worker.follow_up(world.till, world.now)
        worker.renew_schedules(world.till, world.now)

        busy.rollback()
    assert caplog.text == ""
    assert world.db.query(PowerProfile).count() > 0


def test_a_hold_goes_back_by_itself(world):
    payment = world.pay()
    world.later(minutes=3)

    sweep(world)
    sweep(world)

    assert world.fresh(payment).status is PaymentStatus.RELEASED


def test_a_charge_is_stopped_before_the_hold_is_used_up(world):
    payment = world.pay()
    charging = world.start(payment)
    for minute in range(1, 120):
        world.later(minutes=1)
        world.meter(charging, 1000 + minute * 1000, power_w=60_000)
        sweep(world)
        with world.open_db() as db:
            if db.query(Command).count():
                break

    with world.open_db() as db:
        (command,) = db.query(Command).all()
    # 45.00 are 89.64 kWh; the next 150 s at 60 kW are 2.5 kWh, so 88 kWh are one too many
    assert charging.energy_wh == 88_000
    assert (command.action, command.payload) == ("RemoteStopTransaction", '{"transactionId":1001}')
    assert world.fresh(charging).stop_cause == "hold_limit"


def test_a_refused_stop_is_asked_again_every_minute_and_flagged(world):
    charging = world.start(world.pay())
    world.later(minutes=2)
    world.meter(charging, 201_000, power_w=22_000)
    asked_after_s = []
    for second in range(0, 130, 5):
        worker.guard_holds(world.till, world.now)
        with world.open_db() as db:
            for command in db.query(Command).filter_by(status=CommandStatus.QUEUED):
                command.status, command.settled_at = CommandStatus.REJECTED, world.now
                asked_after_s.append(second)
            db.commit()
        world.later(seconds=5)

    assert asked_after_s == [0, 60, 120]
    assert world.fresh(charging).flags == ["stop_refused"]


def test_a_hold_near_its_end_is_billed_with_what_is_known(world):
    payment = world.pay()
    charging = world.start(payment)
    world.later(minutes=30)
    world.meter(charging, 11_000, power_w=0)
    world.later(days=6, hours=17, minutes=30)

    sweep(world)
    sweep(world)

    (order,) = orders(world)
    assert (order.gross_minor, order.status) == (502, OrderStatus.PAID)
    assert "stop_missing" in order.flags


def test_a_hold_near_its_end_is_billed_though_the_meter_began_again(world):
    payment = world.pay()
    charging = world.start(payment, meter_start_wh=5000)
    world.later(minutes=30)
    world.meter(charging, 100)
    world.later(days=6, hours=17, minutes=30)

    sweep(world)
    sweep(world)

    (order,) = orders(world)
    assert order.status is OrderStatus.OPEN
    assert {"meter_stop_below_start", "review"} <= set(order.flags)
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED  # until a person has looked


def test_a_hold_that_nobody_decided_about_is_let_go_before_it_runs_out(world):
    payment = world.pay()
    charging = world.start(payment)
    world.later(minutes=30)
    world.stop(charging, 10_000, flags=["stop_after_close"])
    sweep(world)
    held = world.fresh(payment).status
    world.later(days=6, hours=23)

    sweep(world)
    sweep(world)

    assert held is PaymentStatus.AUTHORISED
    assert (world.fresh(payment).status, payment.release_reason) == (PaymentStatus.RELEASED, "hold_expires")
    assert orders(world)[0].status is OrderStatus.UNPAID


def test_the_process_bills_and_ends_on_sigterm(world, database_url, tmp_path):
    world.charge(None, 10_000)
    env = {**os.environ, "DATABASE_URL": database_url, "INSTANCE_DIR": str(tmp_path / "instance")}
    process = subprocess.Popen([sys.executable, "worker.py"], cwd=ROOT, env=env)

    try:
        wait_until(lambda: orders(world), within_s=30, what="the start of the process")
        world.charge(None, 10_000)
        wait_until(lambda: len(orders(world)) == 2, within_s=30, what="the second order")
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    finally:
        process.kill()
        process.wait()

    assert code == 0


def test_chargers_of_a_sidecar_that_is_gone_are_offline(world):
    world.later(days=400)

    sweep(world)

    assert world.fresh(world.charger).is_connected is False


def test_a_session_that_cannot_be_closed_does_not_keep_the_others_open(world, caplog):
    broken, whole = world.start(), world.start(connector_number=2)
    world.later(minutes=1)
    for connector in (1, 2):
        world.start(status=SessionStatus.REFUSED, connector_number=connector)
    world.db.execute(text("UPDATE charging_session SET flags = '5' WHERE id = :row"), {"row": broken.id})
    world.db.commit()
    world.later(minutes=11)

    worker.close_abandoned(world.till, world.now)

    statuses = dict(world.db.execute(select(ChargingSession.id, ChargingSession.status)).all())
    assert (statuses[broken.id], statuses[whole.id]) == (SessionStatus.ACTIVE, SessionStatus.COMPLETED)
    assert f"close {broken.id}" in caplog.text


def test_messages_and_attempts_are_forgotten_after_their_time(world):
    days_old = (120, 91, 90, 1)
    for days in days_old:
        at = world.now - timedelta(days=days)
        messages.store(world.db, [messages.entry(world.charger.id, at, Direction.CP_TO_CSMS, None, f"{days} days")])
        factories.handshake(world.db, f"{days} days", at=at)
    world.db.commit()

    worker.forgetting(90)(world.till, world.now)

    with world.open_db() as db:
        assert [message.text for message in db.query(Message).order_by(Message.id)] == ["90 days", "1 days"]
        assert [each.device_id for each in db.query(Handshake).order_by(Handshake.id)] == ["90 days", "1 days"]


def test_a_drivers_stop_that_was_lost_on_the_way_is_asked_again(world):
    payment = world.pay()
    charging = world.start(payment)
    with world.open_db() as db:
        lost = journey.stop(db, payment.id, world.now)
        lost.status, lost.settled_at = CommandStatus.EXPIRED, world.now  # the charger went offline
        db.commit()
    world.later(seconds=5)

    worker.guard_holds(world.till, world.now)

    with world.open_db() as db:
        waiting = db.query(Command).filter_by(status=CommandStatus.QUEUED).all()
    assert [command.payload for command in waiting] == ['{"transactionId":1001}']
    assert world.fresh(charging).stop_cause == "remote_stop"
