"""Hold, capture, release: the machine, the times, and what a driver is told."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from domain import commands, journey, orders, payments, settling
from domain.errors import Conflict, Refused
from domain.models.chargers import Charger
from domain.models.commands import CommandStatus
from domain.models.orders import OrderStatus
from domain.models.payments import Payment, PaymentStatus
from domain.payment_provider import PaymentFacts
from tests.factories import NOW

P = PaymentStatus


def test_a_hold_is_captured_for_what_was_used(world):
    payment = world.pay()
    world.charge(payment, 10_000)

    (order,) = world.bill()
    is_open = order.status
    world.settle()

    assert is_open is OrderStatus.OPEN
    assert world.fresh(order).status is OrderStatus.PAID
    assert (world.fresh(payment).status, payment.captured_minor) == (P.CAPTURED, 502)
    assert (payment.instrument, payment.last4) == ("Visa", "4242")
    assert (order.is_test, order.collection_mode, order.token) == (True, payment.collection_mode, payment.token)
    assert world.books(payment)["captured"] == 502


def test_what_the_hold_does_not_cover_is_told_and_never_taken(world):
    payment = world.pay()
    world.charge(payment, 100_000)

    (order,) = world.bill()
    world.settle()

    # 100 kWh x 0.40 = 40.00 + 10.20 = 50.20; 45.00 are held
    assert world.fresh(order).gross_minor == 5020
    assert (order.shortfall_minor, order.status) == (520, OrderStatus.PAID)
    assert "shortfall" in order.flags
    assert world.fresh(payment).captured_minor == 4500


def test_a_click_on_pay_twice_is_one_payment(world):
    first = world.checkout()
    second = world.checkout()

    assert first.id == second.id
    assert first.checkout_url == second.checkout_url
    assert world.db.scalar(select(func.count(Payment.id))) == 1


def test_clicks_in_the_same_instant_are_one_payment(world):
    charger_id = world.charger.id

    def click(_: int) -> int:
        with world.open_db() as db:
            charger = db.get_one(Charger, charger_id)
            payment = payments.create(db, charger, 1, world.tariff, token="t" * 40, locale=None, now=world.now)
            db.commit()
            return payment.id

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(click, range(8)))

    assert len(made) == 1


def test_the_one_time_tag_fits_every_charger():
    tags = {payments.new_id_tag() for _ in range(100)}

    assert len(tags) == 100
    assert all(len(tag) == 18 and tag.isalnum() and tag == tag.upper() for tag in tags)
    assert all(tag.startswith("V") for tag in tags)  # no hexadecimal digit, so no card


def test_a_plug_that_somebody_paid_for_is_not_sold_again(world):
    world.pay()

    with pytest.raises(Conflict, match="just paid"):
        world.choose(token="u" * 40)
    world.db.rollback()
    assert world.choose(token="v" * 40, connector=2).connector_number == 2


def test_a_station_without_payment_account_takes_no_payment(world):
    world.charger.station.payment_account_id = None
    world.db.commit()

    with pytest.raises(Refused, match="cannot take payments"):
        world.choose()


def test_a_declined_card_ends_the_payment_with_the_reason(world):
    payment = world.pay("decline")

    assert (payment.status, payment.failure) == (P.DECLINED, "The bank declined the card.")
    assert payment.authorised_at is None


def test_pay_pressed_after_the_end_leaves_the_payment_ended(world):
    payment = world.pay("decline")

    settling.settle_payment(world.till, payment.id, world.now, at_once=True)
    world.later(minutes=1)

    assert settling.due_payments(world.db, world.now) == []
    assert world.fresh(payment).next_try_at is None


@pytest.mark.parametrize(("is_confirmed", "status"), [(True, P.AUTHORISED), (False, P.DECLINED)])
def test_the_banks_question_decides(world, is_confirmed, status):
    payment = world.pay("challenge")
    asked = payment.status

    world.sandbox.confirm(payment.provider_ref, is_confirmed)
    world.later(seconds=15)
    world.settle()

    assert asked is P.ACTION_REQUIRED
    assert world.fresh(payment).status is status


def test_a_slow_bank_is_waited_for(world):
    payment = world.pay("slow")
    at_first = payment.status

    world.later(seconds=15)
    world.settle()

    assert at_first is P.AUTH_PENDING
    assert world.fresh(payment).status is P.AUTHORISED


@pytest.mark.parametrize("card", [None, "challenge"])
def test_a_checkout_that_nobody_finishes_is_closed_after_15_minutes(world, card):
    payment = world.pay(card) if card else world.checkout()

    world.later(minutes=14)
    world.settle()
    before = world.fresh(payment).status
    world.later(minutes=1)
    world.settle()

    assert before is P.ACTION_REQUIRED
    assert world.fresh(payment).status is P.ABANDONED
    assert world.books(payment)["status"] == "released"


def test_a_driver_who_gives_up_at_the_provider_is_told_so(world):
    payment = world.checkout()
    world.sandbox.give_up(payment.provider_ref)

    world.later(seconds=15)
    world.settle()

    assert world.fresh(payment).status is P.ABANDONED


def test_paid_in_the_last_second_counts(world):
    payment = world.checkout()
    world.later(minutes=15)
    world.sandbox.pay(payment.provider_ref, "success")

    world.settle()

    assert world.fresh(payment).status is P.AUTHORISED


def test_a_hold_goes_back_when_nothing_starts_within_three_minutes(world):
    payment = world.pay()

    world.later(minutes=2, seconds=59)
    too_early = payments.release_if_not_started(world.db, payment.id, world.now)
    world.later(seconds=1)
    in_time = payments.release_if_not_started(world.db, payment.id, world.now)
    world.db.commit()
    world.settle()

    assert (too_early, in_time) == (False, True)
    assert (world.fresh(payment).status, payment.release_reason) == (P.RELEASED, "not_started")
    assert world.books(payment)["status"] == "released"


def test_pressing_start_begins_the_wait_anew(world):
    payment = world.pay()
    world.later(minutes=2)
    payment.start_requested_at = world.now
    world.db.commit()

    world.later(minutes=2)
    waits = payments.release_if_not_started(world.db, payment.id, world.now)
    world.later(minutes=1)
    goes_back = payments.release_if_not_started(world.db, payment.id, world.now)

    assert (waits, goes_back) == (False, True)


def test_a_hold_on_which_charging_started_stays(world):
    payment = world.pay()
    world.start(payment)
    world.later(minutes=10)

    assert payments.release_if_not_started(world.db, payment.id, world.now) is False


def test_a_driver_may_take_the_hold_back_before_charging(world):
    payment = world.pay()

    journey.cancel(world.db, payment.id, world.now)
    world.db.commit()
    world.settle()

    assert (world.fresh(payment).status, payment.release_reason) == (P.RELEASED, "cancelled")


def test_taking_the_hold_back_withdraws_a_start_that_was_not_sent(world):
    payment = world.pay()
    asked = journey.start(world.db, payment.id, world.now)
    world.db.commit()

    journey.cancel(world.db, payment.id, world.now)
    world.db.commit()

    assert world.fresh(asked).status is CommandStatus.EXPIRED
    assert world.fresh(payment).status is P.RELEASE_PENDING


@pytest.mark.parametrize("answer", [None, CommandStatus.ACCEPTED])
def test_the_hold_stays_while_the_charger_may_start_any_moment(world, answer):
    payment = world.pay()
    asked = journey.start(world.db, payment.id, world.now)
    commands.claim(world.db, "ocpp-1", {world.charger.id: world.charger.epoch}, world.now)
    if answer:
        commands.settle(world.db, asked.id, answer, world.now)
    world.db.commit()

    with pytest.raises(Conflict, match="asked to start"):
        journey.cancel(world.db, payment.id, world.now)
    world.db.rollback()

    assert world.fresh(payment).status is P.AUTHORISED


def test_the_hold_goes_back_when_the_charger_refused_to_start(world):
    payment = world.pay()
    asked = journey.start(world.db, payment.id, world.now)
    commands.claim(world.db, "ocpp-1", {world.charger.id: world.charger.epoch}, world.now)
    commands.settle(world.db, asked.id, CommandStatus.REJECTED, world.now)

    journey.cancel(world.db, payment.id, world.now)
    world.db.commit()

    assert world.fresh(payment).status is P.RELEASE_PENDING


def test_a_driver_may_not_take_the_hold_back_while_charging(world):
    payment = world.pay()
    world.start(payment)

    with pytest.raises(Conflict, match="Stop it first"):
        journey.cancel(world.db, payment.id, world.now)


def test_a_reviewed_order_is_captured_when_approved(world):
    payment = world.pay()
    charging = world.start(payment)
    world.later(minutes=30)
    world.stop(charging, 10_000, flags=["stop_after_close"])
    (order,) = world.bill()

    orders.approve(world.db, order, by="alice@example.com", now=world.now)
    world.db.commit()
    world.settle()

    assert world.fresh(order).status is OrderStatus.PAID
    assert order.flags == ["stop_after_close", "reviewed"]
    assert world.fresh(payment).captured_minor == 502
    with pytest.raises(Conflict, match="does not wait"):
        orders.approve(world.db, order, by="alice@example.com", now=world.now)


def test_a_reviewed_order_takes_nothing_when_waived(world):
    payment = world.pay()
    charging = world.start(payment)
    world.stop(charging, 10_000, flags=["stop_after_close"])
    (order,) = world.bill()

    orders.waive(world.db, order, by="alice@example.com", now=world.now)
    world.db.commit()
    world.settle()

    assert world.fresh(order).status is OrderStatus.UNPAID
    assert (world.fresh(payment).status, payment.release_reason) == (P.RELEASED, "waived")


def test_a_hold_that_was_gone_leaves_the_order_unpaid(world):
    payment = world.pay()
    charging = world.start(payment)
    payments.ask_release(payment, "cancelled", world.now)
    world.db.commit()
    world.settle()
    world.later(minutes=30)
    world.stop(charging, 10_000)

    (order,) = world.bill()

    assert (order.status, order.shortfall_minor) == (OrderStatus.UNPAID, 502)
    assert order.flags == ["no_hold", "shortfall"]


FACTS = st.sampled_from(
    [P.ACTION_REQUIRED, P.AUTH_PENDING, P.AUTHORISED, P.CAPTURED, P.DECLINED, P.RELEASED, P.EXPIRED]
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(PaymentStatus)), st.lists(FACTS, max_size=12), st.randoms())
def test_any_order_of_news_with_duplicates_takes_only_allowed_steps(start, news, random):
    payment = Payment(id=1, status=start, status_at=NOW, currency="EUR", hold_minor=4500, captured_minor=0)
    shuffled = [*news, *news]
    random.shuffle(shuffled)

    for status in shuffled:
        before = payment.status
        captured = 502 if status is P.CAPTURED else 0
        payments.record_facts(payment, PaymentFacts("ref", status, "EUR", 4500, captured), NOW)

        assert payment.status == before or payment.status in payments.STEPS[before]
        assert payment.captured_minor in (0, 502)
        assert (payment.captured_minor == 502) <= (payment.status is P.CAPTURED)


def test_ended_payments_stay_as_they_are():
    for status in payments.ENDED:
        assert status not in payments.STEPS
    assert set(payments.STEPS) | payments.ENDED == set(PaymentStatus)


def test_a_bank_that_holds_less_is_taken_at_its_word(world):
    payment = world.checkout()
    facts = PaymentFacts(str(payment.provider_ref), P.AUTHORISED, "EUR", authorised_minor=2000)

    payments.record_facts(payment, facts, world.now)
    world.db.commit()

    assert (world.fresh(payment).status, payment.hold_minor) == (P.AUTHORISED, 2000)
