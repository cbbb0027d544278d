"""The sandbox is strict where real providers are."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from domain.models.payments import PaymentStatus, RefundStatus
from domain.payment_provider import HoldRequest, Operation, ProviderDeclined, ProviderMisuse
from providers.sandbox import Sandbox
from tests.factories import NOW


@pytest.fixture
def sandbox(engine: Engine) -> Iterator[Sandbox]:
    return Sandbox(sessionmaker(engine), clock=lambda: NOW)


def operation(verb: str, attempt: int = 1, row_id: int = 7) -> Operation:
    return Operation("abcd1234", verb, row_id, attempt)


def asking(amount_minor: int = 4500, **values) -> HoldRequest:
    defaults = {"currency": "EUR", "description": "EV charging", "return_url": "https://volt.example/s/secret"}
    return HoldRequest(operation("open"), amount_minor, **(defaults | values))


@pytest.fixture
def ref(sandbox: Sandbox) -> str:
    """A payment whose hold stands."""
    opened = sandbox.open_payment(asking())
    sandbox.pay(opened.ref, "success")
    return opened.ref


def test_keys_name_installation_verb_row_and_attempt():
    assert operation("capture", 2).key == "vd:abcd1234:capture:7:2"
    assert operation("capture", 2).reference == "vd:abcd1234:capture:7"


def test_the_same_key_opens_the_same_payment(sandbox):
    assert sandbox.open_payment(asking()) == sandbox.open_payment(asking())


def test_the_same_key_for_something_else_is_a_bug_of_ours(sandbox, ref):
    sandbox.capture(ref, 502, "EUR", operation("capture"))

    with pytest.raises(ProviderMisuse):
        sandbox.open_payment(asking(4600))
    with pytest.raises(ProviderMisuse):
        sandbox.capture(ref, 503, "EUR", operation("capture"))


def test_the_way_back_never_leaves_this_site(sandbox):
    opened = sandbox.open_payment(asking(return_url="https://evil.example//evil.example/s/x"))

    assert sandbox.checkout(opened.ref).back_to == "/evil.example/s/x"


def test_capture_twice_with_another_key_is_refused(sandbox, ref):
    sandbox.capture(ref, 502, "EUR", operation("capture"))

    with pytest.raises(ProviderDeclined):
        sandbox.capture(ref, 502, "EUR", operation("capture", 2))
    assert sandbox.fetch(ref).captured_minor == 502


def test_capture_with_the_same_key_answers_the_same(sandbox, ref):
    first = sandbox.capture(ref, 502, "EUR", operation("capture"))

    assert sandbox.capture(ref, 502, "EUR", operation("capture")) == first


@pytest.mark.parametrize(("amount", "currency"), [(4501, "EUR"), (0, "EUR"), (-1, "EUR"), (502, "USD")])
def test_capture_beyond_the_hold_or_in_another_currency_is_a_bug_of_ours(sandbox, ref, amount, currency):
    with pytest.raises(ProviderMisuse):
        sandbox.capture(ref, amount, currency, operation("capture"))
    assert sandbox.fetch(ref).status is PaymentStatus.AUTHORISED


def test_nothing_is_captured_before_the_driver_paid(sandbox):
    opened = sandbox.open_payment(asking())

    with pytest.raises(ProviderDeclined):
        sandbox.capture(opened.ref, 502, "EUR", operation("capture"))


def test_nothing_is_captured_after_the_release_nor_released_after_the_capture(sandbox, ref):
    other = sandbox.open_payment(HoldRequest(operation("open", row_id=8), 4500, "EUR", "EV charging", "/s/other"))
    sandbox.pay(other.ref, "success")
    sandbox.release(ref, operation("release"))
    sandbox.capture(other.ref, 502, "EUR", operation("capture", row_id=8))

    with pytest.raises(ProviderDeclined):
        sandbox.capture(ref, 502, "EUR", operation("capture"))
    with pytest.raises(ProviderDeclined):
        sandbox.release(other.ref, operation("release", row_id=8))


def test_more_than_the_captured_money_is_never_refunded(sandbox, ref):
    sandbox.capture(ref, 502, "EUR", operation("capture"))

    with pytest.raises(ProviderDeclined):
        sandbox.refund(ref, 503, "EUR", operation("refund"))
    given = sandbox.refund(ref, 502, "EUR", operation("refund"))
    with pytest.raises(ProviderDeclined):
        sandbox.refund(ref, 1, "EUR", operation("refund", 2))

    assert given.status is RefundStatus.SUCCEEDED
    assert sandbox.refund(ref, 502, "EUR", operation("refund")) == given
    assert sandbox.find_refund(ref, "vd:abcd1234:refund:7") == given
    assert sandbox.find_refund(ref, "vd:abcd1234:refund:8") is None


def test_a_hold_is_not_refunded(sandbox, ref):
    with pytest.raises(ProviderDeclined):
        sandbox.refund(ref, 502, "EUR", operation("refund"))


def test_an_unknown_payment_is_a_bug_of_ours(sandbox):
    with pytest.raises(ProviderMisuse):
        sandbox.fetch("sbx_pay_none")
    assert sandbox.checkout("sbx_pay_none") is None


def test_paying_twice_or_late_changes_nothing(sandbox, ref):
    sandbox.pay(ref, "decline")
    sandbox.give_up(ref)
    sandbox.confirm(ref, is_confirmed=False)

    assert sandbox.fetch(ref).status is PaymentStatus.AUTHORISED
