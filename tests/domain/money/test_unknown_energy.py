"""Energy that nobody knows is not energy of nothing: the hold stays until the stop comes or a person has looked."""

import pytest

from domain import charging, orders
from domain.charger_clock import ChargerTime, read_time
from domain.charging import StartReport, StopReport
from domain.models.orders import Order, OrderStatus
from domain.models.payments import PaymentStatus
from tests import factories

SATURATED = 2**31 - 1


def clock(world) -> ChargerTime:
    return read_time(world.now.isoformat().replace("+00:00", "Z"), world.now, "UTC")


def begin(world, id_tag, meter_wh):
    begun, _ = charging.start(world.db, world.charger, StartReport(1, id_tag, meter_wh, clock(world)), world.now)
    world.db.commit()
    return begun


def end(world, begun, meter_wh):
    report = StopReport(int(begun.transaction_id), begun.id_tag, meter_wh, clock(world))
    charging.stop(world.db, world.charger, report, world.now)
    world.db.commit()


def orders_of(world) -> list[Order]:
    with world.open_db() as db:
        return list(db.query(Order).order_by(Order.id))


@pytest.fixture
def superseded(world):
    """A paid charge whose stop has not come when the next driver starts on the plug, an hour later."""
    begun = begin(world, world.pay().id_tag, 1000)
    world.later(minutes=60)
    card = factories.token(world.db, world.charger.station.operator)
    begin(world, card.uid, 31_000)
    world.sweep()
    return world.fresh(begun)


def test_f13_a_register_at_its_limit_keeps_the_hold_until_somebody_looked(world):
    payment = world.pay()
    begun = begin(world, payment.id_tag, 1000)
    world.later(minutes=40)
    end(world, begun, SATURATED)

    world.sweep()

    (order,) = orders_of(world)
    assert (order.gross_minor, order.status) == (0, OrderStatus.OPEN)
    assert {"meter_saturated", "review"} <= set(order.flags)
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED


@pytest.mark.parametrize("decide", [orders.approve, orders.waive])
def test_whoever_looked_at_a_bill_of_nothing_lets_the_hold_go(world, decide):
    payment = world.pay()
    begun = begin(world, payment.id_tag, 1000)
    world.later(minutes=40)
    end(world, begun, SATURATED)
    (order,) = world.bill()

    decide(world.db, order, by="alice@example.com", now=world.now)
    world.db.commit()
    world.settle()

    assert world.fresh(payment).status is PaymentStatus.RELEASED
    assert world.fresh(order).status is OrderStatus.PAID


def test_f17_a_stop_that_comes_after_the_next_start_is_billed(world, superseded):
    world.later(seconds=20)
    end(world, superseded, 31_000)

    world.sweep()

    (order,) = orders_of(world)
    # 30 kWh at 0.40 are 12.00, with 25.5 % 15.06
    assert (order.gross_minor, order.status) == (1506, OrderStatus.PAID)
    assert world.fresh(superseded).flags == []


def test_f17_without_stop_and_meter_values_the_hold_stays_and_somebody_looks(world, superseded):
    waiting = orders_of(world)
    world.later(minutes=11)

    world.sweep()

    (order,) = orders_of(world)
    assert waiting == []
    assert (order.gross_minor, order.status) == (0, OrderStatus.OPEN)
    assert {"stop_missing", "energy_unknown", "review"} <= set(order.flags)
    assert world.payment_of(order).status is PaymentStatus.AUTHORISED


def test_f17_with_meter_values_the_last_one_is_billed_after_the_grace(world):
    begun = begin(world, world.pay().id_tag, 1000)
    world.later(minutes=30)
    world.meter(begun, 11_000)
    world.later(minutes=1)
    begin(world, factories.token(world.db, world.charger.station.operator).uid, 11_000)
    world.sweep()
    waiting = orders_of(world)
    world.later(minutes=11)

    world.sweep()

    (order,) = orders_of(world)
    assert waiting == []
    assert (order.gross_minor, order.status) == (502, OrderStatus.PAID)
