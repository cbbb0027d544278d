"""From a session to its order: every figure worked by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import billing, numbers
from domain.models.charging import SessionStatus
from domain.models.orders import NumberSeries, Order, OrderStatus
from domain.models.payments import PaymentStatus
from tests import factories
from tests.money_world import World

FEE_ONLY = {"elements": [{"price_components": [{"type": "FLAT", "price": "1.00", "vat": "25.5"}]}]}
PARKING = {
    "elements": [
        {
            "name": "Day",
            "price_components": [
                {"type": "ENERGY", "price": "0.50", "vat": "24"},
                {"type": "PARKING_TIME", "price": "6.00", "vat": "24"},
            ],
        }
    ],
    "idle_grace_s": 600,
}


def use_tariff(world: World, terms: dict) -> None:
    world.tariff = factories.tariff(world.db, world.charger.station.operator, terms=terms)
    world.db.commit()


def test_a_session_becomes_an_order_with_rounded_lines(world):
    charging = world.charge(None, 12_345)

    (order,) = world.bill()

    # 12.345 kWh x 0.40 = 4.938, with 25.5 % VAT 6.19719
    assert (order.net_minor, order.vat_minor, order.gross_minor) == (494, 126, 620)
    (line,) = order.lines
    assert (line.kind, line.quantity, line.unit, line.unit_price, line.vat_rate) == (
        "ENERGY",
        "12.345",
        "kWh",
        "0.40",
        "25.5",
    )
    assert line.net_exact == "4.938"
    assert (line.net_minor, line.vat_minor, line.gross_minor) == (494, 126, 620)
    assert order.status is OrderStatus.UNPAID
    assert (order.is_test, order.collection_mode, order.payment_id) == (False, None, None)
    assert world.fresh(charging).billed_at == world.now


def test_parking_counts_after_the_grace_time(world):
    use_tariff(world, PARKING)
    charging = world.start()
    world.later(minutes=30)
    factories.charger_status(world.db, world.charger, "SuspendedEV", world.now)
    world.later(minutes=25)
    world.stop(charging, 20_000)

    (order,) = world.bill()

    # 20 kWh x 0.50 = 10.00 + 2.40; 25 min - 10 min grace = 0.25 h x 6.00 = 1.50 + 0.36
    assert [(line.kind, line.label, line.quantity, line.net_minor, line.vat_minor) for line in order.lines] == [
        ("ENERGY", "Day", "20", 1000, 240),
        ("PARKING_TIME", "Day", "0.25", 150, 36),
    ]
    assert order.gross_minor == 1426


def test_a_pause_by_the_station_costs_nothing(world):
    use_tariff(world, PARKING)
    charging = world.start()
    factories.charger_status(world.db, world.charger, "SuspendedEVSE", world.now)
    world.later(minutes=55)
    world.stop(charging, 20_000)

    (order,) = world.bill()

    assert order.gross_minor == 1240


def test_the_maximum_price_is_a_line_of_its_own(world):
    use_tariff(world, {**factories.FLAT_PRICE, "max_price": {"excl_vat": "3.00"}})
    world.charge(None, 10_000)

    (order,) = world.bill()

    # 4.00 + 1.02 = 5.02; bounded to 3.00 + 0.77 (3.765 half up) = 3.77
    assert [(line.kind, line.label, line.net_minor, line.vat_minor, line.gross_minor) for line in order.lines] == [
        ("ENERGY", "", 400, 102, 502),
        ("ADJUSTMENT", "max_price", -100, -25, -125),
    ]
    assert (order.net_minor, order.vat_minor, order.gross_minor) == (300, 77, 377)


def test_numbers_have_no_gaps_and_follow_the_stations_year(world):
    world.now = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)
    for _ in range(3):
        world.charge(None, 1000)  # the last one ends at 21:30 UTC, half an hour before midnight in Helsinki

    first = billing.bill(world.db, billing.unbilled(world.db, world.now)[0], world.now)
    world.db.commit()
    billing.bill(world.db, billing.unbilled(world.db, world.now)[0], world.now)
    world.db.rollback()
    second = billing.bill(world.db, billing.unbilled(world.db, world.now)[0], world.now)
    world.db.commit()
    third = billing.bill(world.db, billing.unbilled(world.db, world.now)[0], world.now + timedelta(hours=1))
    world.db.commit()

    assert [order.number for order in (first, second, third)] == ["VD-2026-000001", "VD-2026-000002", "VD-2027-000001"]


def test_a_session_is_billed_once(world):
    charging = world.charge(None, 1000)

    first = billing.bill(world.db, charging.id, world.now)
    again = billing.bill(world.db, charging.id, world.now)

    assert first is not None
    assert again is None


def test_nothing_charged_and_nothing_to_pay_makes_no_order(world):
    payment = world.pay()
    charging = world.charge(payment, 0)

    assert world.bill() == []
    world.settle()

    assert world.fresh(payment).status is PaymentStatus.RELEASED
    assert payment.release_reason == "nothing_used"
    assert world.fresh(charging).billed_at == world.now
    assert world.db.scalar(select(func.count(NumberSeries.name))) == 0


def test_a_session_fee_is_due_without_energy(world):
    use_tariff(world, FEE_ONLY)
    world.charge(None, 0)

    (order,) = world.bill()

    # 1.00 + 25.5 % = 1.255, half up 1.26
    assert (order.net_minor, order.vat_minor, order.gross_minor) == (100, 26, 126)


def test_free_energy_makes_an_order_of_nothing(world):
    use_tariff(world, {"elements": [{"price_components": [{"type": "ENERGY", "price": "0", "vat": "24"}]}]})
    payment = world.pay()
    world.charge(payment, 5000)

    (order,) = world.bill()
    world.settle()

    assert (world.fresh(order).status, order.gross_minor) == (OrderStatus.PAID, 0)
    assert world.fresh(payment).status is PaymentStatus.RELEASED


def test_without_a_tariff_it_is_kept_flagged_and_not_billed(world):
    charging = world.start(tariff_id=None)
    world.stop(charging, 8000)

    assert world.bill() == []

    assert "no_tariff" in world.fresh(charging).flags
    assert charging.energy_wh == 8000


def test_a_tariff_that_does_not_tell_the_tax_bills_nothing(world):
    terms = {"elements": [{"price_components": [{"type": "ENERGY", "price": "0.4"}]}], "tax_included": "NO"}
    use_tariff(world, terms)
    charging = world.charge(None, 8000)

    assert world.bill() == []

    assert "unpriceable" in world.fresh(charging).flags


def test_refused_and_running_sessions_are_not_billed(world):
    world.start()
    world.start(status=SessionStatus.REFUSED, connector_number=2)

    assert billing.unbilled(world.db, world.now) == []


def test_what_looks_wrong_is_billed_only_after_somebody_looked(world):
    payment = world.pay()
    charging = world.start(payment)
    world.later(minutes=10)
    world.meter(charging, 9000)
    world.later(minutes=10)
    world.meter(charging, 200)  # the register began again
    world.later(minutes=10)
    world.stop(charging, 10_000, meter_stop_wh=2200)

    (order,) = world.bill()
    world.settle()

    assert "meter_reset" in order.flags
    assert "review" in order.flags
    # 8,000 Wh before and 2,000 Wh after the restart
    assert order.gross_minor == 502
    assert order.status is OrderStatus.OPEN
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED


def test_the_cost_so_far_is_the_cost_if_it_ended_now(world):
    charging = world.start()
    world.later(minutes=10)
    world.meter(charging, 6000)

    so_far = billing.cost_so_far(world.db, charging, world.now)
    world.stop(charging, 5000)
    (order,) = world.bill()

    # 5 kWh x 0.40 = 2.00 + 0.51
    assert so_far.billed.gross_minor == 251
    assert order.gross_minor == 251


@pytest.mark.parametrize("takers", [6])
def test_numbers_taken_at_once_are_all_different(engine, takers):
    from concurrent.futures import ThreadPoolExecutor

    def take(_: int) -> int:
        with Session(engine) as db:
            number = numbers.next_in_series(db, "order:2026")
            db.commit()
            return number

    with ThreadPoolExecutor(takers) as pool:
        taken = sorted(pool.map(take, range(30)))

    assert taken == list(range(1, 31))


def test_an_order_keeps_its_figures_whatever_happens_to_the_tariff(world):
    charging = world.charge(None, 10_000)
    world.tariff = factories.tariff(world.db, world.charger.station.operator, terms=FEE_ONLY)
    factories.assign_tariff(world.db, world.charger.station, world.tariff)
    world.db.commit()

    (order,) = world.bill()

    assert charging.tariff_id != world.tariff.id
    assert order.gross_minor == 502
    assert world.db.scalars(select(Order)).all() == [order]
