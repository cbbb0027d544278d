"""A payment at Stripe from the hold to the refund, through the same sweeps as all others; and when it goes wrong."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import installation, refunds, settling
from domain.models.mails import Mail
from domain.models.orders import OrderStatus
from domain.models.payments import CollectionMode, PaymentStatus, RefundStatus
from tests import factories

P = PaymentStatus


@pytest.fixture
def world(stripe_world, fake):
    # Stripe lives on the world's clock.
    fake._now = None
    return stripe_world


def later(world, fake, **span):
    world.later(**span)
    fake.later(**span)


def pay(world, fake, card="4242424242424242", **values):
    payment = world.checkout(**values)
    fake.pay(payment.provider_ref, card)
    settling.settle_payment(world.till, payment.id, world.now, at_once=True)
    return world.fresh(payment)


def order_of(world, payment):
    world.charge(payment, 10_000)
    (order,) = world.bill()
    return order


def run(world, fake, minutes=2):
    for _ in range(minutes * 12):
        world.settle()
        later(world, fake, seconds=5)


def test_hold_bill_capture_refund(world, fake):
    payment = pay(world, fake)
    order = order_of(world, payment)
    world.settle()
    refund = refunds.request(world.db, world.fresh(order), reason="fault", by="bob@example.com", now=world.now)
    world.db.commit()
    world.settle()

    intent = fake.intent_of(payment.provider_ref)
    assert (world.fresh(payment).status, payment.captured_minor, payment.hold_minor) == (P.CAPTURED, 502, 4500)
    assert payment.capture_before - payment.authorised_at > timedelta(days=6)
    assert world.fresh(order).status is OrderStatus.REFUNDED
    assert order.collection_mode is CollectionMode.OPERATOR
    assert world.fresh(refund).status is RefundStatus.SUCCEEDED
    assert (intent["amount_received"], intent["status"]) == (502, "succeeded")


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("POST /v1/checkout/sessions", "drop_after"),
        ("POST /v1/checkout/sessions", "500"),
        ("POST /v1/payment_intents/.*/capture", "drop"),
        ("POST /v1/payment_intents/.*/capture", "drop_after"),
        ("POST /v1/payment_intents/.*/capture", "500_after"),
        ("POST /v1/refunds", "409"),
        ("POST /v1/refunds", "drop_after"),
        ("POST /v1/refunds", "500_after"),
        ("GET /v1/checkout/sessions/.*", "500"),
        ("GET /v1/refunds", "429"),
    ],
)
def test_trouble_at_any_call_ends_the_same_way(world, fake, call, fault):
    fake.fail(call, fault)
    payment = world.checkout()
    run(world, fake, minutes=1)
    fake.pay(world.fresh(payment).provider_ref)
    run(world, fake, minutes=1)
    order = order_of(world, world.fresh(payment))
    run(world, fake)
    refund = refunds.request(world.db, world.fresh(order), reason="fault", by="bob@example.com", now=world.now)
    world.db.commit()
    run(world, fake)

    assert fake.api.faults == []
    assert (world.fresh(payment).status, payment.captured_minor) == (P.CAPTURED, 502)
    assert world.fresh(refund).status is RefundStatus.SUCCEEDED
    assert [each["amount"] for each in fake.books.all(fake.harbour, "refund")] == [502]


def test_abandoned_after_fifteen_minutes(world, fake):
    payment = world.checkout()
    later(world, fake, minutes=15)
    world.settle()

    assert world.fresh(payment).status is P.ABANDONED
    assert fake.object(payment.provider_ref)["status"] == "expired"


def test_stripe_drops_a_hold(world, fake):
    payment = pay(world, fake)
    later(world, fake, days=8)
    world.settle()

    assert world.fresh(payment).status is P.EXPIRED


def test_our_own_bug_raises_an_alarm_and_is_not_repeated(world, fake, caplog):
    payment = world.choose()
    fake.api.kept[(fake.harbour.id, key_of(world, payment))] = type(
        "Kept", (), {"asked": ("POST", "/v1/refunds", ""), "at": fake.books.now()}
    )()

    settling.settle_payment(world.till, payment.id, world.now, at_once=True)
    calls = len(fake.api.calls)
    run(world, fake, minutes=1)

    assert "IdempotencyError" in world.fresh(payment).alarm
    assert payment.next_try_at is None
    assert len(fake.api.calls) == calls
    assert [record.levelname for record in caplog.records if "IdempotencyError" in record.message] == ["CRITICAL"]


def key_of(world, payment):
    code = installation.code(world.db)
    world.db.commit()
    return f"vd:{code}:open:{payment.id}:1"


def test_credentials_that_stop_working_flag_the_account_until_they_work_again(world, fake):
    factories.user(world.db, world.charger.station.operator, email="olga@example.com")
    world.db.commit()
    held = pay(world, fake)
    fake.harbour.is_revoked = True
    payment = world.checkout(token="u" * 40, connector=2)

    assert payment.status is P.DECLINED
    assert payment.failure == "Payment is not available at this station at the moment."
    assert world.fresh(world.account).trouble.startswith("Stripe does not take the secret key")
    assert [mail.to_address for mail in world.db.scalars(select(Mail))] == ["olga@example.com"]
    world.db.commit()
    with pytest.raises(Exception, match="Payment is not available"):
        world.choose(token="v" * 40, connector=2)
    world.db.rollback()
    order_of(world, held)
    run(world, fake, minutes=1)
    assert world.fresh(held).status is P.CAPTURE_PENDING

    fake.harbour.is_revoked = False
    account_id = world.fresh(world.account).id
    assert settling.recheck_account(world.till, account_id, world.now)
    run(world, fake, minutes=3)

    assert world.fresh(world.account).trouble is None
    assert world.fresh(held).status is P.CAPTURED
    assert world.choose(token="w" * 40, connector=2).status is P.CREATED
