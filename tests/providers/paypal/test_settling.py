"""A driver pays through PayPal, whatever goes wrong on the way: settled once, to the same end, on both databases."""

import logging

import pytest

from domain import holds, journey, payments, refunds, settling
from domain.models.orders import OrderStatus
from domain.models.payments import PaymentStatus, RefundStatus

P, R = PaymentStatus, RefundStatus

FAULTS = ("refused", "429", "409", "500 before", "500 after", "lost before", "lost after", "silent after")


# The steps around each call are the same for all providers, and tested on both in tests/domain/money/test_trouble.py.
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=FAULTS)
def fault(request):
    return request.param


def asked_to_refund(world, order):
    refund = refunds.request(world.db, order, reason="fault", by="bob@example.com", now=world.now)
    world.db.commit()
    return refund


# --- As it should be ---------------------------------------------------------------------------------------------


def test_hold_capture_and_refund(world, fake):
    payment = world.pay()
    held = (payment.status, payment.hold_minor, payment.capture_before - world.now)
    world.charge(payment, 10_000)
    (order,) = world.bill()
    world.settle()
    paid = world.fresh(order).status
    refund = asked_to_refund(world, order)
    world.settle()

    assert (held[:2], held[2].days) == ((P.AUTHORISED, 4500), 3)
    assert paid is OrderStatus.PAID
    # 10 kWh x 0.40 = 4.00, VAT 25.5 % 1.02
    assert (world.fresh(payment).status, payment.captured_minor) == (P.CAPTURED, 502)
    assert (payment.instrument, payment.last4) == ("PayPal", None)
    assert (world.fresh(refund).status, world.fresh(order).status) == (R.SUCCEEDED, OrderStatus.REFUNDED)
    assert fake.books.done == ["create", "authorize", "capture", "refund"]
    code = payment.id
    keys = [key.split(":", 2)[2] for key in fake.books.keys]
    assert keys == [f"open:{code}:1", f"authorise:{code}:1", f"capture:{code}:1", f"refund:{refund.id}:1"]
    (capture,) = fake.books.captures.values()
    assert (capture["amount"], capture["final_capture"]) == ({"currency_code": "EUR", "value": "5.02"}, True)


def test_what_the_hold_does_not_cover_is_never_taken(world, fake):
    payment = world.pay()
    world.charge(payment, 100_000)  # 50.20 of 45.00

    (order,) = world.bill()
    world.settle()

    assert (world.fresh(payment).captured_minor, world.fresh(order).shortfall_minor) == (4500, 520)
    (capture,) = fake.books.captures.values()
    assert capture["amount"]["value"] == "45.00"


def test_nothing_used_is_let_go_and_never_captured_as_nothing(world, fake):
    payment = world.pay()
    world.charge(payment, 0)
    world.bill()

    world.settle()

    assert (world.fresh(payment).status, payment.captured_minor) == (P.RELEASED, 0)
    assert fake.books.done == ["create", "authorize", "void"]


def test_nothing_is_held_before_the_driver_has_approved(world, fake):
    payment = world.checkout()

    world.sweep_until_quiet()

    assert world.fresh(payment).status is P.ACTION_REQUIRED
    assert fake.books.done == ["create"]
    assert fake.books.authorisations == {}


# --- Trouble at each call ----------------------------------------------------------------------------------------


@one_database
def test_open(world, fake, fault):
    fake.plan("create", fault)
    world.checkout()
    payment = world.choose()

    world.sweep_until_quiet()

    assert world.fresh(payment).status is P.ACTION_REQUIRED
    assert payment.checkout_url == f"{fake.url}/checkoutnow?token={payment.provider_ref}"
    assert fake.books.done == ["create"]


@one_database
def test_looking(world, fake, fault):
    payment = world.checkout()
    fake.books.approve(payment.provider_ref)
    fake.plan("order", fault)

    world.sweep_until_quiet()

    assert world.fresh(payment).status is P.AUTHORISED
    assert fake.books.done == ["create", "authorize"]


@one_database
def test_authorise(world, fake, fault):
    fake.plan("authorize", fault)
    payment = world.pay()

    world.sweep_until_quiet()

    assert world.fresh(payment).status is P.AUTHORISED
    assert fake.books.done == ["create", "authorize"]


def test_capture(world, fake, fault):
    payment = world.pay()
    world.charge(payment, 10_000)
    (order,) = world.bill()
    fake.plan("capture", fault)

    world.sweep_until_quiet()

    assert (world.fresh(payment).status, payment.captured_minor) == (P.CAPTURED, 502)
    assert world.fresh(order).status is OrderStatus.PAID
    assert fake.books.done == ["create", "authorize", "capture"]


@one_database
def test_release(world, fake, fault):
    payment = world.pay()
    journey.cancel(world.db, payment.id, world.now)
    world.db.commit()
    fake.plan("void", fault)

    world.sweep_until_quiet()

    assert world.fresh(payment).status is P.RELEASED
    assert fake.books.done == ["create", "authorize", "void"]


@one_database
@pytest.mark.parametrize("call", ["refund", "refunded", "order"])
def test_refund(world, fake, fault, call):
    order = world.paid_order()
    refund = asked_to_refund(world, order)
    fake.plan(call, fault)

    world.sweep_until_quiet()

    assert world.fresh(refund).status is R.SUCCEEDED
    assert world.fresh(order).status is OrderStatus.REFUNDED
    assert [each["amount"]["value"] for each in fake.books.refunds.values()] == ["5.02"]


@one_database
@pytest.mark.parametrize("trouble", ["refused", "429", "500 before", "lost before", "silent after"])
def test_no_access_token(world, fake, paypal, trouble):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()
    fake.revoke_tokens()
    fake.plan("token", trouble)

    world.sweep_until_quiet()

    assert world.fresh(payment).status is P.CAPTURED


def test_an_answer_that_was_lost_is_unknown_until_paypal_is_asked(world, fake):
    payment = world.pay()
    world.charge(payment, 10_000)
    (order,) = world.bill()
    fake.plan("capture", "silent after")

    world.settle()
    unknown = world.fresh(payment).status
    told = world.fresh(order).status
    world.sweep_until_quiet()

    assert (unknown, told) == (P.CAPTURE_UNKNOWN, OrderStatus.OPEN)
    assert world.fresh(payment).status is P.CAPTURED
    assert fake.asked.count("capture") == 1


# --- No ----------------------------------------------------------------------------------------------------------


def test_a_refused_hold_ends_the_payment_with_paypals_reason(world, fake):
    fake.books.refuses["authorize"] = ("INSTRUMENT_DECLINED", "The card behind the account was declined.")

    payment = world.pay()

    assert (payment.status, payment.failure) == (P.DECLINED, "The card behind the account was declined.")
    assert fake.books.authorisations == {}


def test_a_hold_that_paypal_looks_at_first(world, fake):
    fake.books.becomes["authorize"] = "PENDING"
    payment = world.pay()
    at_first = payment.status

    fake.books.settle("authorize", "CREATED")
    world.sweep_until_quiet()

    assert at_first is P.AUTH_PENDING
    assert world.fresh(payment).status is P.AUTHORISED


def test_a_hold_that_paypal_denies_after_a_look(world, fake):
    fake.books.becomes["authorize"] = "PENDING"
    payment = world.pay()

    fake.books.settle("authorize", "DENIED", "PAYER_ACCOUNT_RESTRICTED")
    world.sweep_until_quiet()

    assert (world.fresh(payment).status, payment.failure) == (P.DECLINED, "Payer account restricted.")


def test_a_hold_still_looked_at_after_15_minutes_is_given_up(world, fake):
    fake.books.becomes["authorize"] = "PENDING"
    payment = world.pay()

    world.later(minutes=15)
    world.settle()

    assert world.fresh(payment).status is P.ABANDONED
    assert fake.books.done == ["create", "authorize", "void"]


def test_an_approval_that_nobody_saw_for_half_an_hour_holds_nothing(world, fake):
    payment = world.checkout()
    world.later(minutes=2)
    fake.books.approve(payment.provider_ref)

    world.later(minutes=29)  # our worker was down
    world.settle()

    assert world.fresh(payment).status is P.ABANDONED
    assert fake.books.authorisations == {}


def test_approved_in_the_last_second_counts(world, fake):
    payment = world.checkout()
    world.later(minutes=15)
    fake.books.approve(payment.provider_ref)

    world.settle()

    assert world.fresh(payment).status is P.AUTHORISED


@pytest.mark.parametrize("hours", [0.25, 4])
def test_a_page_that_nobody_finishes_is_given_up_even_when_paypal_has_forgotten_it(world, fake, hours):
    payment = world.checkout()

    world.later(hours=hours)
    world.settle()

    assert world.fresh(payment).status is P.ABANDONED
    assert fake.books.done == ["create"]


def test_a_hold_that_paypal_let_go_is_expired(world, fake):
    payment = world.pay()
    fake.books.settle("authorize", "VOIDED")
    world.charge(payment, 10_000)
    world.bill()

    world.settle()

    assert (world.fresh(payment).status, payment.captured_minor) == (P.EXPIRED, 0)


def test_a_hold_that_ran_out_while_we_slept(world, fake):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()

    world.later(days=30)
    world.settle()

    assert world.fresh(payment).status is P.EXPIRED
    assert fake.books.captures == {}


def test_a_session_is_stopped_before_paypal_may_drop_the_hold(world, fake):
    payment = world.pay()
    world.start(payment)

    world.later(days=2, hours=11, minutes=59)
    before = holds.must_stop(world.db, payment.id, world.now)
    world.later(minutes=1)

    assert (before, holds.must_stop(world.db, payment.id, world.now)) == (False, True)


def test_a_refused_capture(world, fake):
    payment = world.pay()
    world.charge(payment, 10_000)
    (order,) = world.bill()
    fake.books.refuses["capture"] = ("PAYEE_ACCOUNT_RESTRICTED", "The merchant account is restricted.")

    world.settle()

    assert (world.fresh(payment).status, payment.failure) == (P.CAPTURE_FAILED, "The merchant account is restricted.")
    assert world.fresh(order).status is OrderStatus.UNPAID


@pytest.mark.parametrize("lost", [False, True])
def test_a_declined_capture(world, fake, lost):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()
    fake.books.becomes["capture"] = "DECLINED"
    if lost:
        fake.plan("capture", "lost after")

    world.sweep_until_quiet()

    assert (world.fresh(payment).status, payment.captured_minor) == (P.CAPTURE_FAILED, 0)
    assert payment.failure in ("Declined by risk fraud filters.", "PayPal declined to take the money from the hold.")


def test_a_capture_that_takes_its_time(world, fake):
    payment = world.pay()
    world.charge(payment, 10_000)
    (order,) = world.bill()
    fake.books.becomes["capture"] = "PENDING"
    world.settle()
    at_first = world.fresh(payment).status

    fake.books.settle("capture", "COMPLETED")
    world.sweep_until_quiet()

    assert at_first is P.CAPTURE_PENDING
    assert (world.fresh(payment).status, payment.captured_minor) == (P.CAPTURED, 502)
    assert fake.books.done.count("capture") == 1


# --- Refunds -----------------------------------------------------------------------------------------------------


def test_a_refund_that_takes_its_time(world, fake):
    order = world.paid_order()
    refund = asked_to_refund(world, order)
    fake.books.becomes["refund"] = "PENDING"
    world.settle()
    at_first = (world.fresh(refund).status, world.fresh(order).status)

    fake.books.settle("refund", "COMPLETED")
    world.sweep_until_quiet()

    assert at_first == (R.PENDING, OrderStatus.REFUNDING)
    assert (world.fresh(refund).status, world.fresh(order).status) == (R.SUCCEEDED, OrderStatus.REFUNDED)


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_refund_that_comes_back_after_it_succeeded(world, fake, status):
    order = world.paid_order()
    refund = asked_to_refund(world, order)
    world.settle()
    at_first = world.fresh(refund).status

    fake.books.settle("refund", status, "ECHECK")
    world.later(days=1)
    world.settle()
    again = asked_to_refund(world, world.fresh(order))
    world.settle()

    assert at_first is R.SUCCEEDED
    assert (world.fresh(refund).status, refund.failure) == (R.FAILED, "Echeck.")
    assert (world.fresh(again).status, again.id != refund.id) == (R.SUCCEEDED, True)
    assert fake.books.done.count("refund") == 2


def test_a_refused_refund(world, fake):
    order = world.paid_order()
    refund = asked_to_refund(world, order)
    fake.books.refuses["refund"] = ("REFUND_FAILED_INSUFFICIENT_FUNDS", "There is not enough money on the account.")

    world.settle()

    assert (world.fresh(refund).status, refund.failure) == (R.FAILED, "There is not enough money on the account.")
    assert world.fresh(order).status is OrderStatus.REFUND_FAILED


def test_a_refund_after_half_a_year_is_refused_by_paypal(world, fake):
    order = world.paid_order()
    world.later(days=181)
    refund = asked_to_refund(world, order)

    world.settle()

    assert (world.fresh(refund).status, refund.failure) == (R.FAILED, "Refunds are possible for 180 days.")


# --- Ours --------------------------------------------------------------------------------------------------------


def test_a_used_key_is_a_bug_of_ours_and_is_not_tried_blindly(world, fake):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()
    key = next(key for key in fake.books.keys if ":authorise:" in key)
    fake.books.keys[key.replace("authorise", "capture")] = fake.books.keys[key]

    world.sweep_until_quiet()

    assert "used for something else" in world.fresh(payment).alarm
    assert (payment.next_try_at, fake.books.captures) == (None, {})


def test_credentials_of_another_account_lose_no_hold(world, fake, caplog):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.bill()
    kept, fake.books.orders = fake.books.orders, {}

    with caplog.at_level(logging.WARNING):
        world.sweep_until_quiet()
    unknown = world.fresh(payment).status
    fake.books.orders = kept
    world.sweep_until_quiet()

    assert unknown is P.CAPTURE_PENDING
    assert "404" in caplog.text
    assert world.fresh(payment).status is P.CAPTURED


def test_the_page_and_the_sweep_look_in_the_same_instant(world, fake):
    payment = world.checkout()
    fake.books.approve(payment.provider_ref)
    world.later(seconds=15)

    settling.settle_payment(world.till, payment.id, world.now)
    settling.settle_payment(world.till, payment.id, world.now, at_once=True)

    assert world.fresh(payment).status in (P.AUTHORISED, *payments.CAPTURING)
    assert fake.books.done == ["create", "authorize"]
