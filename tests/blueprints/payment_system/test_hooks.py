"""Stripe's webhooks: proved, kept once, and a reason to ask Stripe; never a fact."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from blueprints.limits import limiter
from domain import provider_events, refunds, settling
from domain.models.payments import Payment, PaymentStatus, ProviderEvent, Refund, RefundStatus
from domain.payment_provider import About
from tests import factories

P = PaymentStatus


@pytest.fixture
def client(app):
    app.config["RATELIMIT_ENABLED"] = limiter.enabled
    return app.test_client()


def post(client, world, message, account_id=None):
    body, signature = message
    path = f"/hooks/stripe/{account_id or world.account.id}"
    return client.post(path, data=body, headers={"Stripe-Signature": signature, "Content-Type": "application/json"})


def kept(world):
    world.db.commit()
    return world.db.scalar(select(func.count(ProviderEvent.id)))


def test_an_event_makes_the_payment_due_at_once(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    due_before = payment.next_try_at

    response = post(client, stripe_world, fake.messages()[-1])

    assert response.status_code == 200
    assert stripe_world.fresh(payment).status is P.ACTION_REQUIRED  # an event is no fact
    assert payment.next_try_at < due_before
    settling.settle_payment(stripe_world.till, payment.id, payment.next_try_at)
    assert stripe_world.fresh(payment).status is P.AUTHORISED


def test_an_event_that_comes_again_does_nothing(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    post(client, stripe_world, fake.messages()[-1])
    settling.settle_payment(stripe_world.till, payment.id, stripe_world.fresh(payment).next_try_at)
    due = stripe_world.fresh(payment).next_try_at

    answers = [post(client, stripe_world, fake.messages()[-1]).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert kept(stripe_world) == 1
    assert stripe_world.fresh(payment).next_try_at == due


def test_what_is_not_proved_leaves_no_trace(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    body, signature = fake.messages()[-1]
    event = fake.books.events[-1]
    forged = [
        (body + b" ", signature),
        (body, ""),
        fake.signed(event, "whsec_SomebodyElse"),
        fake.signed(event, at=fake.now() - timedelta(minutes=6)),
        fake.signed({**event, "livemode": True}),
    ]

    answers = {(post(client, stripe_world, each).status_code, post(client, stripe_world, each).data) for each in forged}
    answers |= {
        (post(client, stripe_world, (body, signature), account_id=wrong).status_code, b"This is no event of ours.\n")
        for wrong in (9999, stripe_world.charger.station.id + 40)
    }

    assert answers == {(400, b"This is no event of ours.\n")}
    assert post(client, stripe_world, (body, signature), account_id=2**70).status_code == 404
    assert kept(stripe_world) == 0


def test_a_huge_body_is_not_read(client, stripe_world, fake):
    body, signature = b"x" * 300_000, "t=1,v1=0"

    assert post(client, stripe_world, (body, signature)).status_code == 413


def test_forgers_are_slowed_down_and_stripe_is_not(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    message = fake.messages()[-1]

    good = {post(client, stripe_world, message).status_code for _ in range(100)}
    bad = [post(client, stripe_world, (b"{}", "t=1,v1=0")).status_code for _ in range(70)]

    assert good == {200}
    assert bad.count(400) == 60
    assert bad[-1] == 429


def test_an_event_of_another_accounts_payment_touches_nothing(client, stripe_world, fake, make):
    other = make(factories.stripe_account, make(factories.operator, name="Other"), name="Theirs")
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    due = payment.next_try_at

    response = post(client, stripe_world, fake.messages()[-1], account_id=other.id)

    assert response.status_code == 200
    assert stripe_world.fresh(payment).next_try_at == due


def test_a_refund_that_fails_weeks_later_is_seen_at_once(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref, "4000000000005126")
    settling.settle_payment(stripe_world.till, payment.id, stripe_world.now, at_once=True)
    stripe_world.charge(stripe_world.fresh(payment), 10_000)
    (order,) = stripe_world.bill()
    stripe_world.settle()
    refund = refunds.request(stripe_world.db, order, reason="fault", by="bob@example.com", now=stripe_world.now)
    stripe_world.db.commit()
    stripe_world.settle()
    assert stripe_world.fresh(refund).status is RefundStatus.SUCCEEDED

    fake.books.fail_refund(refund.provider_ref, "expired_or_canceled_card")
    post(client, stripe_world, fake.messages()[-1])
    settling.settle_refund(stripe_world.till, refund.id, stripe_world.fresh(refund).next_try_at)

    assert stripe_world.fresh(refund).status is RefundStatus.FAILED
    assert refund.failure == "The card has expired or was cancelled."
    assert stripe_world.fresh(order).status == "refund_failed"


def test_events_about_disputes_wait_for_whoever_keeps_disputes(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    fake.api.books.capture(fake.harbour, fake.intent_of(payment.provider_ref)["id"], {})
    dispute = fake.books.dispute(fake.intent_of(payment.provider_ref)["id"])
    for message in fake.messages():
        post(client, stripe_world, message)
    stripe_world.db.commit()

    waiting = provider_events.waiting(stripe_world.db, About.DISPUTE)
    provider_events.done(stripe_world.db, waiting[0].id, stripe_world.now)

    assert [(each.kind, each.ref) for each in waiting] == [
        ("charge.dispute.created", dispute["id"]),
        ("charge.dispute.funds_withdrawn", dispute["id"]),
    ]
    assert len(provider_events.waiting(stripe_world.db, About.DISPUTE)) == 1
    stripe_world.db.commit()


def test_events_are_forgotten_in_the_end(client, stripe_world, fake):
    payment = stripe_world.checkout()
    fake.pay(payment.provider_ref)
    post(client, stripe_world, fake.messages()[-1])
    stripe_world.db.commit()

    provider_events.forget(stripe_world.db, stripe_world.now - timedelta(days=1))
    still = kept(stripe_world)
    provider_events.forget(stripe_world.db, stripe_world.now + timedelta(minutes=1))

    assert (still, kept(stripe_world)) == (1, 0)


# --- T12: 5,000 events, shuffled three times -----------------------------------------------------------------

PAYMENTS = 25
EVENTS = 5000


def _state(world):
    world.db.commit()
    world.db.expire_all()
    payments = world.db.execute(
        select(Payment.id, Payment.status, Payment.captured_minor, Payment.failure).order_by(Payment.id)
    )
    found = (
        [tuple(row) for row in payments],
        [tuple(row) for row in world.db.execute(select(Refund.payment_id, Refund.status, Refund.amount_minor))],
    )
    world.db.commit()
    return found


def _tell(world, events, seed):
    """Every event many times over in a random order, with a look at Stripe now and then."""
    chance = random.Random(seed)
    told = [chance.choice(events) for _ in range(EVENTS - len(events))] + list(events)
    chance.shuffle(told)
    for number, event in enumerate(told):
        provider_events.receive(world.db, world.account, event, world.now)
        if number % 500 == 0:
            world.db.commit()
            world.settle()
    world.db.commit()
    for _ in range(3):
        world.settle()


def test_five_thousand_events_in_any_order_end_in_the_same_state(stripe_world, fake, app):
    world = stripe_world
    provider = world.till.providers.provider_for(world.account)
    for number in range(PAYMENTS):
        payment = world.checkout(token=f"{number:040d}", connector=number + 1)
        if number % 5:
            fake.pay(payment.provider_ref)
    events = [provider.parse_event(body, {"Stripe-Signature": proof}, fake.now()) for body, proof in fake.messages()]
    states = []
    for seed in (1, 2, 3):
        _tell(world, events, seed)
        states.append(_state(world))

    assert states[0] == states[1] == states[2]
    assert [row[1] for row in states[0][0]].count(P.AUTHORISED) == 20
    assert [row[1] for row in states[0][0]].count(P.ACTION_REQUIRED) == 5
    assert kept(world) == len(events) == 40
