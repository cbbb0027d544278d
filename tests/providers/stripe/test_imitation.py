"""The imitation is as strict as Stripe where a mistake of ours would cost money: it is tested itself."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stripe

from tests.fakes.stripe import KEY, OTHER_KEY, FakeStripe

NOW = datetime(2026, 11, 20, 11, 4, tzinfo=UTC)


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe(NOW).running() as fake:
        yield fake


@pytest.fixture
def v1(fake):
    return client(fake, KEY).v1


def client(fake, key):
    return stripe.StripeClient(key, base_addresses={"api": fake.url}, max_network_retries=0)


def basket(amount=4500, currency="eur"):
    return [{"quantity": 1, "price_data": {"currency": currency, "unit_amount": amount, "product_data": {"name": "x"}}}]


def checkout(v1, key=None, **params):
    given = {
        "mode": "payment",
        "line_items": basket(),
        "payment_intent_data": {"capture_method": "manual"},
        "success_url": "https://volt.example/s/1",
    }
    return v1.checkout.sessions.create(given | params, {"idempotency_key": key} if key else {})


def held(fake, v1, card="4242424242424242", **params):
    made = checkout(v1, **params)
    fake.pay(made.id, card)
    return fake.intent_of(made.id)["id"]


def refused(call, *arguments):
    with pytest.raises(stripe.StripeError) as raised:
        call(*arguments)
    return type(raised.value).__name__, raised.value.code


@pytest.mark.parametrize(
    "params",
    [
        {"payment_method_types": ["card"]},  # gone since 2026-09-30
        {"idempotency_key": "x"},  # an option of the request
        {"capture_method": "manual"},  # of another object
        {"payment_intent_data": {"capture_method": "manual", "amount": 1}},
        {"line_items": [{"quantity": 1, "price_data": {"currency": "eur", "amount": 4500}}]},
    ],
)
def test_unknown_parameters(v1, params):
    assert refused(lambda: checkout(v1, **params)) == ("InvalidRequestError", "parameter_unknown")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"line_items": basket(49)}, "amount_too_small"),
        ({"line_items": basket(100_000_000)}, "amount_too_large"),
        ({"line_items": basket(5127, "kwd")}, None),
        ({"line_items": basket(431, "isk")}, None),
        ({"line_items": basket(4500, "xyz")}, None),
        ({"line_items": basket("many")}, None),
        ({"line_items": []}, "parameter_missing"),
        ({"success_url": "nowhere"}, "url_invalid"),
        ({"mode": "gift"}, None),
        ({"expires_at": 1}, None),
        ({"customer": "cus_nobody"}, "resource_missing"),
        ({"expand": ["secrets"]}, None),
    ],
)
def test_bad_parameters(v1, params, code):
    assert refused(lambda: checkout(v1, **params)) == ("InvalidRequestError", code)


def test_a_key_belongs_to_its_parameters_and_to_its_call(fake, v1):
    first = checkout(v1, "k1")

    assert checkout(v1, "k1").id == first.id
    assert refused(lambda: checkout(v1, "k1", line_items=basket(4600)))[0] == "IdempotencyError"
    assert refused(lambda: v1.refunds.create({"amount": 1}, {"idempotency_key": "k1"}))[0] == "IdempotencyError"
    assert len(fake.books.all(fake.harbour, "checkout.session")) == 1
    fake.later(hours=24)
    assert checkout(v1, "k1").id != first.id  # forgotten


def test_a_key_keeps_its_errors_too(fake, v1):
    intent = held(fake, v1)
    fake.fail("POST /v1/payment_intents/.*/capture", "500")
    first = refused(lambda: v1.payment_intents.capture(intent, {}, {"idempotency_key": "k"}))

    assert first == refused(lambda: v1.payment_intents.capture(intent, {}, {"idempotency_key": "k"}))
    assert v1.payment_intents.capture(intent, {}, {"idempotency_key": "k2"}).status == "succeeded"


def test_captures(fake, v1):
    intent = held(fake, v1)
    over = refused(lambda: v1.payment_intents.capture(intent, {"amount_to_capture": 4501}))
    v1.payment_intents.capture(intent, {"amount_to_capture": 502})

    assert over == ("InvalidRequestError", None)
    assert refused(lambda: v1.payment_intents.capture(intent))[1] == "payment_intent_unexpected_state"
    assert refused(lambda: v1.payment_intents.cancel(intent))[1] == "payment_intent_unexpected_state"
    cancelled = held(fake, v1)
    v1.payment_intents.cancel(cancelled)
    assert refused(lambda: v1.payment_intents.capture(cancelled))[1] == "payment_intent_unexpected_state"
    expired = held(fake, v1)
    fake.later(days=7)
    assert refused(lambda: v1.payment_intents.capture(expired))[1] == "charge_expired_for_capture"
    assert v1.payment_intents.retrieve(expired).cancellation_reason == "automatic"


def test_refunds(fake, v1):
    intent = held(fake, v1)
    early = refused(lambda: v1.refunds.create({"payment_intent": intent}))
    v1.payment_intents.capture(intent, {"amount_to_capture": 502})
    too_much = refused(lambda: v1.refunds.create({"payment_intent": intent, "amount": 503}))
    v1.refunds.create({"payment_intent": intent, "amount": 500})
    together = refused(lambda: v1.refunds.create({"payment_intent": intent, "amount": 3}))
    v1.refunds.create({"payment_intent": intent})

    assert early == too_much == together == ("InvalidRequestError", None)
    assert refused(lambda: v1.refunds.create({"payment_intent": intent}))[1] == "charge_already_refunded"


def test_nothing_is_held_before_the_bank_has_agreed(fake, v1):
    made = checkout(v1)
    fake.pay(made.id, "4000000000003220")
    intent = fake.intent_of(made.id)["id"]

    assert v1.payment_intents.retrieve(intent).status == "requires_action"
    assert refused(lambda: v1.payment_intents.capture(intent))[1] == "payment_intent_unexpected_state"
    assert v1.checkout.sessions.retrieve(made.id).status == "open"


def test_a_finished_page_is_not_expired_and_an_expired_one_takes_no_card(fake, v1):
    done = checkout(v1)
    fake.pay(done.id)
    left = checkout(v1)
    v1.checkout.sessions.expire(left.id)

    assert refused(lambda: v1.checkout.sessions.expire(done.id))[0] == "InvalidRequestError"
    with pytest.raises(Exception, match="expired"):
        fake.pay(left.id)
    forgotten = checkout(v1)
    fake.later(hours=24)
    assert v1.checkout.sessions.retrieve(forgotten.id).status == "expired"


def test_keys_and_accounts(fake, v1):
    intent = held(fake, v1)
    other = client(fake, OTHER_KEY).v1

    assert refused(lambda: other.payment_intents.retrieve(intent))[1] == "resource_missing"
    assert refused(lambda: other.payment_intents.capture(intent))[1] == "resource_missing"
    assert refused(client(fake, "sk_test_nobody").v1.accounts.retrieve_current)[0] == "AuthenticationError"
    fake.harbour.lacks = {"POST /v1/refunds"}
    assert refused(lambda: v1.refunds.create({"payment_intent": intent}))[0] == "PermissionError"


def test_cards_that_decline(fake, v1):
    for card, code in (("4000000000000002", "generic_decline"), ("4000000000000069", "expired_card"), ("1", None)):
        made = checkout(v1)
        with pytest.raises(Exception, match="declined"):
            fake.pay(made.id, card)
        if code:
            assert fake.intent_of(made.id)["last_payment_error"]["decline_code"] == code


def test_faults(fake, v1):
    fake.fail("POST /v1/checkout/sessions", "429")
    assert refused(lambda: checkout(v1))[0] == "RateLimitError"
    fake.fail("POST /v1/checkout/sessions", "drop")
    assert refused(lambda: checkout(v1))[0] == "APIConnectionError"
    assert fake.books.all(fake.harbour, "checkout.session") == []
    fake.fail("POST /v1/checkout/sessions", "drop_after")
    assert refused(lambda: checkout(v1))[0] == "APIConnectionError"
    assert len(fake.books.all(fake.harbour, "checkout.session")) == 1


def test_its_signatures_are_those_of_the_sdk(fake, v1):
    held(fake, v1)
    body, header = fake.messages()[0]

    assert stripe.WebhookSignature.verify_header(body, header, "whsec_HarbourFakeSecret")
