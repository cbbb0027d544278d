"""Hold, capture, release and refund at Stripe, and what comes of each kind of trouble."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.models.payments import PaymentAccount, PaymentStatus, RefundStatus
from domain.payment_provider import (
    CredentialsRefused,
    ProviderDeclined,
    ProviderMisuse,
    ProviderUnavailable,
    ProviderUnknown,
)
from providers.stripe import calls
from providers.stripe.provider import Stripe
from tests.fakes.stripe import KEY, OTHER_KEY
from tests.processes import free_port
from tests.providers.stripe.conftest import NOW, hold, operation

P, R = PaymentStatus, RefundStatus
CAPTURE = "POST /v1/payment_intents/.*/capture"


def paid(fake, harbour, card="4242424242424242", **request):
    ref = harbour.open_payment(hold(**request)).ref
    fake.pay(ref, card)
    return ref


# --- The way of a payment ------------------------------------------------------------------------------------


def test_a_guest_pays_on_stripes_page_and_only_the_bill_is_taken(fake, harbour):
    opened = harbour.open_payment(hold())
    before = harbour.fetch(opened.ref)
    fake.pay(opened.ref)
    held = harbour.fetch(opened.ref)
    taken = harbour.capture(opened.ref, 502, "EUR", operation("capture"))

    assert opened.checkout_url == f"{fake.url}/c/pay/{opened.ref}"
    assert (before.status, before.authorised_minor) == (P.ACTION_REQUIRED, 0)
    assert (held.status, held.authorised_minor, held.currency) == (P.AUTHORISED, 4500, "EUR")
    assert (held.instrument, held.last4, held.capture_before) == ("Visa", "4242", NOW + timedelta(days=7))
    assert (taken.status, taken.captured_minor) == (P.CAPTURED, 502)
    assert fake.intent_of(opened.ref)["metadata"] == {"voltdesk": "vd:a1b2c3:open:17"}
    assert fake.count("POST /v1/checkout/sessions") == 1


def test_the_same_call_again_does_nothing_again(fake, harbour):
    first, second = harbour.open_payment(hold()), harbour.open_payment(hold())
    fake.pay(first.ref)
    takes = [harbour.capture(first.ref, 502, "EUR", operation("capture")) for _ in range(2)]
    refunds = [harbour.refund(first.ref, 502, "EUR", operation("refund")) for _ in range(2)]

    assert first == second
    assert takes[0] == takes[1]
    assert refunds[0] == refunds[1]
    assert len(fake.books.all(fake.harbour, "refund")) == 1


def test_a_declined_card_leaves_the_page_open_for_another_one(fake, harbour):
    ref = harbour.open_payment(hold()).ref
    with pytest.raises(Exception, match="declined"):
        fake.pay(ref, "4000000000009995")
    declined = harbour.fetch(ref)
    fake.pay(ref)

    assert (declined.status, declined.failure) == (P.ACTION_REQUIRED, "There is not enough money on the card.")
    assert harbour.fetch(ref).status is P.AUTHORISED


def test_a_challenge_that_is_not_completed_holds_nothing(fake, harbour):
    ref = paid(fake, harbour, "4000000000003220")
    asked = harbour.fetch(ref)
    fake.books.answer_challenge(ref, False)
    failed = harbour.fetch(ref)

    assert (asked.status, asked.authorised_minor) == (P.ACTION_REQUIRED, 0)
    assert (failed.status, failed.failure) == (P.ACTION_REQUIRED, "The payment was not confirmed with the bank.")


def test_a_checkout_that_nobody_finished_is_closed(fake, harbour):
    ref = harbour.open_payment(hold()).ref

    closed = harbour.release(ref, operation("release"))

    assert closed.status is harbour.fetch(ref).status is P.RELEASED
    assert fake.object(ref)["status"] == "expired"


def test_a_hold_is_let_go(fake, harbour):
    ref = paid(fake, harbour)

    released = harbour.release(ref, operation("release"))

    assert released.status is harbour.fetch(ref).status is P.RELEASED
    assert fake.intent_of(ref)["status"] == "canceled"


def test_a_hold_that_stripe_dropped_has_expired(fake, harbour):
    ref = paid(fake, harbour)
    fake.later(days=7)

    assert harbour.fetch(ref).status is P.EXPIRED


@pytest.mark.parametrize(
    ("card", "at_once", "an_hour_later", "reason"),
    [
        ("4242424242424242", R.SUCCEEDED, R.SUCCEEDED, None),
        ("4000000000007726", R.PENDING, R.SUCCEEDED, None),
        ("4000000000005126", R.SUCCEEDED, R.FAILED, "The card has expired or was cancelled."),
    ],
)
def test_a_refund_is_found_by_our_reference(fake, harbour, card, at_once, an_hour_later, reason):
    ref = paid(fake, harbour, card)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    reference = operation("refund").reference
    before = harbour.find_refund(ref, reference)
    asked = harbour.refund(ref, 502, "EUR", operation("refund"))
    fake.later(hours=1)
    found = harbour.find_refund(ref, reference)

    assert before is None
    assert (asked.status, asked.amount_minor) == (at_once, 502)
    assert (found.ref, found.status, found.failure) == (asked.ref, an_hour_later, reason)
    assert harbour.find_refund(ref, operation("refund", row_id=18).reference) is None


# --- Trouble -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "trouble", "is_spent", "happened"),
    [
        ("429", ProviderUnavailable, None, False),
        ("409", ProviderUnknown, False, False),
        ("drop", ProviderUnknown, False, False),
        ("drop_after", ProviderUnknown, False, True),
        ("500", ProviderUnknown, True, False),
        ("500_after", ProviderUnknown, True, True),
    ],
)
def test_what_becomes_of_a_capture_in_trouble(fake, harbour, fault, trouble, is_spent, happened):
    ref = paid(fake, harbour)
    fake.fail(CAPTURE, fault)

    with pytest.raises(trouble) as raised:
        harbour.capture(ref, 502, "EUR", operation("capture"))

    assert getattr(raised.value, "key_is_spent", None) == is_spent
    assert harbour.fetch(ref).status is (P.CAPTURED if happened else P.AUTHORISED)
    attempt = 2 if is_spent else 1  # a key that keeps a 500 answers it for ever
    if not happened or not is_spent:
        assert harbour.capture(ref, 502, "EUR", operation("capture", attempt)).captured_minor == 502
    assert fake.intent_of(ref)["amount_received"] == 502


def test_a_stored_500_is_answered_again_until_the_key_changes(fake, harbour):
    ref = paid(fake, harbour)
    fake.fail(CAPTURE, "500")

    for _ in range(2):
        with pytest.raises(ProviderUnknown):
            harbour.capture(ref, 502, "EUR", operation("capture"))

    assert harbour.capture(ref, 502, "EUR", operation("capture", 2)).status is P.CAPTURED


def test_no_answer_in_time_is_unknown(fake, open_account):
    impatient = open_account(timeout_s=(1.0, 0.2))
    ref = paid(fake, impatient)
    fake.fail(CAPTURE, "hang_after")

    with pytest.raises(ProviderUnknown) as raised:
        impatient.capture(ref, 502, "EUR", operation("capture"))

    assert not raised.value.key_is_spent
    fake.api.hanging.set()
    assert impatient.fetch(ref).captured_minor == 502


@pytest.mark.parametrize("fault", ["429", "500", "drop"])
def test_a_question_without_an_answer_changes_nothing(fake, harbour, fault):
    ref = paid(fake, harbour)
    fake.fail("GET /v1/checkout/sessions/.*", fault)

    with pytest.raises(ProviderUnavailable):
        harbour.fetch(ref)


def test_nobody_at_the_other_end_is_unavailable():
    account = PaymentAccount(provider="stripe", is_test=True)
    nobody = Stripe(calls.client(KEY, f"http://127.0.0.1:{free_port()}"), account, {"secret_key": KEY})

    with pytest.raises(ProviderUnavailable):
        nobody.open_payment(hold())
    with pytest.raises(ProviderUnavailable):
        nobody.fetch("cs_test_1")


def test_a_key_with_other_parameters_is_our_bug(fake, harbour):
    harbour.open_payment(hold())

    with pytest.raises(ProviderMisuse, match="idempotent"):
        harbour.open_payment(hold(amount=9900))


def test_a_key_older_than_a_day_is_forgotten_but_the_look_before_is_not(fake, harbour):
    ref = paid(fake, harbour)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    harbour.refund(ref, 502, "EUR", operation("refund"))
    fake.later(hours=25)

    assert harbour.fetch(ref).status is P.CAPTURED  # so nothing is captured again
    assert harbour.find_refund(ref, operation("refund").reference).status is R.SUCCEEDED
    with pytest.raises(ProviderDeclined, match="refunded before, outside Voltdesk"):
        harbour.refund(ref, 502, "EUR", operation("refund"))


@pytest.mark.parametrize("amount", [4501, 99_999])
def test_more_than_the_hold_is_never_taken(fake, harbour, amount):
    ref = paid(fake, harbour)

    with pytest.raises(ProviderMisuse):
        harbour.capture(ref, amount, "EUR", operation("capture"))

    assert fake.intent_of(ref)["amount_received"] == 0


def test_an_amount_below_stripes_least_is_declined_in_words(harbour):
    with pytest.raises(ProviderDeclined, match="below the least"):
        harbour.open_payment(hold(amount=49))


def test_a_disputed_payment_is_not_refunded(fake, harbour):
    ref = paid(fake, harbour)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    fake.books.dispute(fake.intent_of(ref)["id"])

    with pytest.raises(ProviderDeclined, match="disputed"):
        harbour.refund(ref, 502, "EUR", operation("refund"))


# --- Currencies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "held", "at_stripe", "cost", "taken_at_stripe", "taken"),
    [
        ("JPY", 5000, 5000, 431, 431, 431),
        ("ISK", 5000, 500_000, 431, 43_100, 431),
        ("UGX", 50_000, 5_000_000, 431, 43_100, 431),
        ("KWD", 15_000, 15_000, 1_285, 1_280, 1_280),
        ("MGA", 200_000, 2_000, 4_310, 43, 4_300),
        ("SEK", 50_000, 50_000, 5_027, 5_027, 5_027),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(
    fake, harbour, currency, held, at_stripe, cost, taken_at_stripe, taken
):
    ref = paid(fake, harbour, amount=held, currency=currency)
    facts = harbour.fetch(ref)
    captured = harbour.capture(ref, cost, currency, operation("capture"))
    refunded = harbour.refund(ref, captured.captured_minor, currency, operation("refund"))

    assert fake.object(ref)["amount_total"] == at_stripe
    assert (facts.authorised_minor, facts.currency) == (held, currency)
    assert fake.intent_of(ref)["amount_received"] == taken_at_stripe
    assert captured.captured_minor == refunded.amount_minor == taken


# --- The account ---------------------------------------------------------------------------------------------


def test_credentials_are_tried(fake, open_account, harbour):
    assert (harbour.probe_credentials().account, harbour.probe_credentials().name) == (
        "acct_1HarbourFake",
        "Harbour Energy",
    )
    assert harbour.probe_credentials().is_test
    with pytest.raises(CredentialsRefused, match="does not take the secret key"):
        open_account("sk_test_NobodysKey").probe_credentials()


@pytest.mark.parametrize(
    "lacks",
    ["POST /v1/refunds", "POST /v1/payment_intents", "GET /v1/balance", "POST /v1/checkout", "GET /v1/disputes"],
)
def test_a_restricted_key_must_do_all_that_payments_need(fake, harbour, lacks):
    fake.harbour.lacks = {lacks}

    with pytest.raises(CredentialsRefused, match="lacks a permission"):
        harbour.probe_credentials()


def test_another_accounts_payment_is_out_of_reach(fake, harbour, open_account):
    ref = paid(fake, harbour)

    with pytest.raises(ProviderMisuse, match="No such checkout.session"):
        open_account(OTHER_KEY).fetch(ref)


def test_the_books_name_our_payment_and_what_stripe_kept(fake, harbour):
    ref = paid(fake, harbour)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    harbour.refund(ref, 502, "EUR", operation("refund"))
    fake.books.pass_time()

    lines = harbour.list_settlement_lines(NOW, NOW + timedelta(days=1))

    # 1.5 % of 5.02 are 7 cents, and 25.
    assert [(line.kind, line.amount_minor, line.fee_minor, line.net_minor, line.reference) for line in lines] == [
        ("refund", -502, 0, -502, "vd:a1b2c3:refund:17"),
        ("charge", 502, 32, 470, "vd:a1b2c3:open:17"),
    ]
    assert harbour.list_settlement_lines(NOW - timedelta(days=1), NOW) == []


def test_more_lines_than_one_page(fake, harbour):
    ref = paid(fake, harbour)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    with fake.api.lock:
        for _ in range(251):
            fake.books.refund(fake.harbour, {"payment_intent": fake.intent_of(ref)["id"], "amount": 2})

    lines = harbour.list_settlement_lines(NOW, NOW + timedelta(days=1))

    assert len({line.ref for line in lines}) == 252
    assert sum(line.net_minor for line in lines) == 502 - 32 - 251 * 2


def test_a_dispute_names_our_payment(fake, harbour):
    ref = paid(fake, harbour)
    harbour.capture(ref, 502, "EUR", operation("capture"))
    intent = fake.intent_of(ref)["id"]
    made = fake.books.dispute(intent)
    open_ = harbour.fetch_dispute(made["id"])
    fake.books.close_dispute(made["id"], is_won=True)
    won = harbour.fetch_dispute(made["id"])

    assert (open_.status, open_.amount_minor, open_.currency, open_.reason) == ("open", 502, "EUR", "fraudulent")
    assert (open_.reference, open_.payment_refs[0]) == ("vd:a1b2c3:open:17", intent)
    assert open_.is_withdrawn
    assert open_.answer_before == datetime(2026, 11, 29, 11, 4, tzinfo=UTC)
    assert (won.status, won.is_withdrawn) == ("won", False)
