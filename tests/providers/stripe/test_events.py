"""Stripe's webhooks: what proves one, and what is read from it."""

from datetime import timedelta

import pytest

from domain.payment_provider import About, EventRefused
from tests.fakes.stripe import SECRET
from tests.providers.stripe.conftest import NOW, hold, operation


@pytest.fixture
def message(fake, harbour):
    fake.pay(harbour.open_payment(hold()).ref)
    return fake.messages()[0]


def test_a_message_tells_what_to_ask_about(fake, harbour):
    ref = harbour.open_payment(hold()).ref
    fake.pay(ref)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    harbour.refund(ref, 502, "EUR", operation("refund"))
    intent = fake.intent_of(ref)["id"]
    dispute = fake.books.dispute(intent)

    told = [harbour.parse_event(body, {"Stripe-Signature": header}, NOW) for body, header in fake.messages()]

    said = {event.kind: event for event in told}
    assert said["checkout.session.completed"].about is About.PAYMENT
    assert said["checkout.session.completed"].refs == (ref, intent)
    assert said["checkout.session.completed"].said_at == NOW
    assert said["payment_intent.succeeded"].reference == "vd:a1b2c3:open:17"
    assert (said["refund.created"].about, said["refund.created"].reference) == (About.REFUND, "vd:a1b2c3:refund:17")
    assert said["charge.dispute.created"].about is About.DISPUTE
    assert said["charge.dispute.created"].refs[:2] == (dispute["id"], intent)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_old_and_early_messages_are_refused(fake, harbour, message, minutes):
    with pytest.raises(EventRefused, match="too old"):
        harbour.parse_event(message[0], {"Stripe-Signature": message[1]}, NOW + timedelta(minutes=minutes))


def test_a_thousand_forgeries_are_refused(fake, harbour, message):
    body, header = message
    proof = header.split("v1=")[1]
    forged = [(body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :], header) for n in range(len(body))]
    forged += [
        (body, header.replace(proof, proof[:n] + ("0" if proof[n] != "0" else "1") + proof[n + 1 :])) for n in range(64)
    ]
    forged += [
        (body, text)
        for text in ("", "t=1", "v1=" + proof, "t=x,v1=" + proof, "t=,v1=", "é", header.replace("t=", "t=1"))
    ]
    forged += [(body, header.replace("v1=", "v0=")), (b"\xff" + body, header), (b"", header)]
    forged += [fake.signed(fake.books.events[0], f"whsec_SomebodyElse{n}") for n in range(400)]

    for each, signature in forged:
        with pytest.raises(EventRefused):
            harbour.parse_event(each, {"Stripe-Signature": signature}, NOW)
    assert len(forged) >= 1000


@pytest.mark.parametrize(
    "event",
    [
        {"id": "evt_1", "type": "payment_intent.succeeded", "livemode": True},
        {"id": "evt_1", "type": "payment_intent.succeeded", "livemode": False, "account": "acct_1OtherFake"},
        {"id": "evt_1", "type": "payment_intent.succeeded"},
        {"id": 1, "type": "payment_intent.succeeded", "livemode": False},
        {"id": "e" * 300, "type": "x", "livemode": False},
    ],
)
def test_a_signed_message_about_another_account_or_about_nothing_is_refused(fake, harbour, event):
    body, header = fake.signed(event)

    with pytest.raises(EventRefused):
        harbour.parse_event(body, {"Stripe-Signature": header}, NOW)


@pytest.mark.parametrize("data", [None, {}, {"object": None}, {"object": {"id": 7, "metadata": "x"}}, {"object": []}])
def test_a_message_of_an_unknown_shape_is_kept_as_it_is(fake, harbour, data):
    body, header = fake.signed({"id": "evt_1", "type": "v9.new", "livemode": False, "data": data, "created": "x"})

    event = harbour.parse_event(body, {"Stripe-Signature": header}, NOW)

    assert (event.about, event.refs, event.reference, event.said_at) == (About.OTHER, (), None, None)


def test_without_a_signing_secret_nothing_is_believed(open_account, message):
    with pytest.raises(EventRefused):
        open_account(webhook_secret="").parse_event(message[0], {"Stripe-Signature": message[1]}, NOW)
    assert SECRET
