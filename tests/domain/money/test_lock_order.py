"""Sessions are locked before their payments, whoever comes from where: nobody waits for each other in a ring."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from domain import charging, holds, payments
from domain.charger_clock import read_time
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from tests.domain.test_turns import is_blocked
from tests.waiting import wait_until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def guard(world, _charging, payment):
    with world.open_db() as own:
        holds.guard(own, payment.id, world.now)
        own.commit()


def start(world, charging_session, payment):
    with world.open_db() as own:
        charger = own.get_one(Charger, charging_session.charger_id)
        time = read_time(world.now.isoformat(), world.now, "UTC")
        report = charging.StartReport(charging_session.connector_number, payment.id_tag, 1000, time)
        charging.start(own, charger, report, world.now)
        own.commit()


@pytest.mark.parametrize("act", [guard, start])
def test_the_payment_is_free_while_somebody_waits_for_the_session(world, engine, act):
    payment = world.pay()
    running = world.start(payment if act is guard else None)
    world.later(days=6, hours=23)
    payment.capture_before = world.now
    world.db.commit()

    with world.open_db() as db, ThreadPoolExecutor(1) as pool:
        db.execute(select(ChargingSession.id).where(ChargingSession.id == running.id).with_for_update())
        other = pool.submit(act, world, running, payment)
        wait_until(lambda: other.done() or is_blocked(engine), what="the other one's wait")
        db.execute(text("SET LOCAL lock_timeout = '3s'"))
        try:
            payments.locked(db, payment.id)
        finally:
            db.rollback()

        other.result(timeout=10)
