"""What PayPal is asked through its own SDK, and what its answers mean."""

from datetime import timedelta

import pytest

from domain.models.payments import PaymentStatus
from domain.payment_provider import (
    CredentialsRefused,
    HoldRequest,
    Operation,
    ProviderDeclined,
    ProviderGone,
    ProviderMisuse,
    ProviderUnavailable,
    ProviderUnknown,
)
from providers import paypal_books
from providers.paypal import PayPal
from providers.paypal_amounts import from_value, to_value
from tests.factories import NOW
from tests.fakes.paypal.server import CLIENT_ID, CLIENT_SECRET

P = PaymentStatus


def operation(verb="open", row_id=7, attempt=1):
    return Operation("abc", verb, row_id, attempt)


def hold(amount=4500, currency="EUR", locale="en", row_id=7):
    back = "https://volt.example/s/1"
    return HoldRequest(operation(row_id=row_id), amount, currency, "EV charging", back, locale)


@pytest.fixture
def held(paypal, fake):
    opened = paypal.open_payment(hold())
    fake.books.approve(opened.ref)
    paypal.fetch(opened.ref)
    return opened.ref


@pytest.mark.parametrize(
    ("minor", "currency", "value"), [(4500, "EUR", "45.00"), (5, "USD", "0.05"), (430, "JPY", "430"), (1, "JPY", "1")]
)
def test_amounts_are_written_with_the_currencys_decimals(minor, currency, value):
    assert (to_value(minor, currency), from_value(value, currency)) == (value, minor)


@pytest.mark.parametrize("currency", ["HUF", "TWD", "BHD", "KWD", "ISK", "RUB"])
def test_a_currency_in_which_paypal_could_not_take_every_bill_is_refused(currency):
    with pytest.raises(ProviderDeclined, match=f"cannot take amounts in {currency}"):
        to_value(4500, currency)


@pytest.mark.parametrize("value", ["45.001", "NaN", "Infinity", "x", ""])
def test_an_amount_that_is_none_is_never_rounded(value):
    with pytest.raises(ValueError, match="PayPal told an amount"):
        from_value(value, "EUR")


def test_nothing_is_no_amount():
    with pytest.raises(ProviderMisuse):
        to_value(0, "EUR")


def test_an_order_says_who_asks_and_where_the_driver_comes_back(paypal, fake):
    opened = paypal.open_payment(hold(locale="de_AT"))

    order = fake.books.orders[opened.ref]
    assert opened.checkout_url == f"{fake.url}/checkoutnow?token={opened.ref}"
    assert order["intent"] == "AUTHORIZE"
    assert order["purchase_units"][0]["custom_id"] == "vd:abc:open:7"
    assert order["purchase_units"][0]["amount"] == {"currency_code": "EUR", "value": "45.00"}
    assert fake.books.pages[opened.ref] == {
        "back": "https://volt.example/s/1",
        "cancel": "https://volt.example/s/1",
    }


def test_the_same_key_opens_the_same_order(paypal):
    assert paypal.open_payment(hold()) == paypal.open_payment(hold())


def test_the_same_key_for_another_amount_is_a_bug_of_ours(paypal):
    paypal.open_payment(hold())

    with pytest.raises(ProviderMisuse):
        paypal.open_payment(hold(amount=4501))


def test_an_order_approved_while_its_answer_was_lost_gets_another_attempt(paypal, fake):
    opened = paypal.open_payment(hold())
    fake.books.approve(opened.ref)

    with pytest.raises(ProviderUnknown) as told:
        paypal.open_payment(hold())
    assert told.value.key_is_spent


def test_the_hold_is_kept_for_three_days_not_for_29(paypal, held):
    assert paypal.fetch(held).capture_before == NOW + timedelta(days=3)


@pytest.mark.parametrize(("amount", "currency"), [(4501, "EUR"), (502, "USD"), (0, "EUR"), (-1, "EUR")])
def test_more_than_the_hold_is_never_asked_for(paypal, fake, held, amount, currency):
    with pytest.raises(ProviderMisuse):
        paypal.capture(held, amount, currency, operation("capture"))
    assert "capture" not in fake.asked


def test_captured_twice_is_captured_once(paypal, fake, held):
    first = paypal.capture(held, 502, "EUR", operation("capture"))
    second = paypal.capture(held, 502, "EUR", operation("capture", attempt=2))

    assert (first.status, first.captured_minor) == (P.CAPTURED, 502)
    assert second.captured_minor == 502
    assert fake.asked.count("capture") == 1


def test_the_whole_hold_can_be_captured(paypal, held):
    assert paypal.capture(held, 4500, "EUR", operation("capture")).captured_minor == 4500


def test_released_after_captured_says_captured(paypal, held):
    paypal.capture(held, 502, "EUR", operation("capture"))

    assert paypal.release(held, operation("release")).status is P.CAPTURED


def test_captured_after_released_says_released(paypal, held):
    paypal.release(held, operation("release"))

    assert paypal.capture(held, 502, "EUR", operation("capture")).status is P.RELEASED


def test_a_page_that_nobody_finished_is_closed_without_a_call(paypal, fake):
    opened = paypal.open_payment(hold())

    assert paypal.release(opened.ref, operation("release")).status is P.RELEASED
    assert fake.books.done == ["create"]


def test_refunds_are_found_by_our_reference_only(paypal, held):
    paypal.capture(held, 502, "EUR", operation("capture"))
    paypal.refund(held, 200, "EUR", operation("refund", 1))
    made = paypal.refund(held, 302, "EUR", operation("refund", 2))

    assert paypal.find_refund(held, "vd:abc:refund:2") == made
    assert paypal.find_refund(held, "vd:abc:refund:22") is None


def test_a_refunded_payment_is_still_a_captured_one(paypal, held):
    paypal.capture(held, 502, "EUR", operation("capture"))
    paypal.refund(held, 200, "EUR", operation("refund", 1))
    in_part = paypal.fetch(held)
    paypal.refund(held, 302, "EUR", operation("refund", 2))

    assert (in_part.status, paypal.fetch(held).status) == (P.CAPTURED, P.CAPTURED)
    assert paypal.fetch(held).captured_minor == 502


def test_a_capture_that_is_not_told_yet_changes_nothing(paypal, fake, held):
    paypal.capture(held, 502, "EUR", operation("capture"))
    fake.books.captures.clear()

    with pytest.raises(ProviderUnavailable, match="tells no capture"):
        paypal.fetch(held)


def test_nothing_captured_is_nothing_to_refund(paypal, held):
    with pytest.raises(ProviderDeclined, match="took nothing"):
        paypal.refund(held, 502, "EUR", operation("refund"))


def test_an_order_that_paypal_does_not_know(paypal):
    with pytest.raises(ProviderGone):
        paypal.fetch("5O190127TN364715T")


def test_a_token_that_was_withdrawn_is_replaced(paypal, fake, held):
    fake.revoke_tokens()

    with pytest.raises(ProviderUnavailable):
        paypal.fetch(held)
    assert paypal.fetch(held).status is P.AUTHORISED


def test_nobody_at_the_address():
    paypal = PayPal(CLIENT_ID, CLIENT_SECRET, is_test=True, base_url="http://127.0.0.1:9", timeout_s=(1, 1))

    with pytest.raises(ProviderUnavailable):
        paypal.open_payment(hold())
    with pytest.raises(ProviderUnavailable):
        paypal.probe_credentials()
    paypal.close()


def test_credentials_are_tried(paypal, fake):
    paypal.probe_credentials()
    fake.plan("token", "refused")

    with pytest.raises(ProviderUnavailable):
        paypal.probe_credentials()


def test_wrong_credentials_are_told(fake):
    paypal = PayPal(CLIENT_ID, "wrong", is_test=True, base_url=fake.url)

    with pytest.raises(CredentialsRefused, match="client id and secret"):
        paypal.probe_credentials()
    with pytest.raises(ProviderUnavailable, match="401"):
        paypal.fetch("5O190127TN364715T")
    paypal.close()


def test_sandbox_and_live_are_other_addresses():
    credentials = {"client_id": "a", "client_secret": "b", "webhook_id": "c"}
    addresses = []
    for environment in ("sandbox", "live"):
        paypal = PayPal.from_credentials(credentials | {"environment": environment})
        addresses.append(paypal._line._connected().config.get_base_uri())
        paypal.close()

    assert addresses == ["https://api-m.sandbox.paypal.com", "https://api-m.paypal.com"]


def test_what_moved_on_the_account(paypal, fake, held):
    paypal.capture(held, 502, "EUR", operation("capture"))
    fake.books.now += timedelta(days=40)
    refund = paypal.refund(held, 502, "EUR", operation("refund", 3))
    (capture,) = fake.books.captures

    lines = list(paypal.list_settlement_lines(NOW - timedelta(days=1), NOW + timedelta(days=41)))

    assert [
        (line.ref, line.kind, line.amount_minor, line.fee_minor, line.net_minor, line.reference) for line in lines
    ] == [
        (capture, "capture", 502, 35, 467, "vd:abc:open:7"),
        (refund.ref, "refund", -502, 0, -502, "vd:abc:refund:3"),
    ]
    assert [line.at for line in lines] == [NOW, NOW + timedelta(days=40)]
    assert lines[1].source == capture
    assert fake.asked.count("transactions") == 2  # 42 days are two ranges


def test_many_movements_come_in_pages_and_none_twice(paypal, fake):
    for row_id in range(5):
        ref = paypal.open_payment(hold(row_id=row_id)).ref
        fake.books.approve(ref)
        paypal.fetch(ref)
        paypal.capture(ref, 100 + row_id, "EUR", operation("capture", row_id))

    lines = list(paypal_books.lines(paypal._line, NOW, NOW + timedelta(seconds=1), lines_a_page=2))
    later = list(paypal.list_settlement_lines(NOW + timedelta(seconds=1), NOW + timedelta(days=1)))

    assert sorted(line.amount_minor for line in lines) == [100, 101, 102, 103, 104]
    assert fake.asked.count("transactions") == 4
    assert later == []
