"""Cards that Stripe keeps: bound once, held later, taken away."""

import pytest

from domain.models.payments import PaymentStatus
from domain.payment_provider import BindingRequest, ProviderDeclined
from tests.providers.stripe.conftest import hold, operation


def bind(fake, harbour, card="4242424242424242", customer=None, row_id=5):
    request = BindingRequest(
        operation("bind", row_id=row_id), customer, "dana@example.com", "https://volt.example/cards"
    )
    opened = harbour.cards.start_binding(request)
    before = harbour.cards.bound_card(opened.ref)
    fake.pay(opened.ref, card)
    assert before is None
    return harbour.cards.bound_card(opened.ref)


def test_a_card_is_bound_listed_held_and_detached(fake, harbour):
    card = bind(fake, harbour)
    second = bind(fake, harbour, "5555555555554444", card.customer, row_id=6)
    held = harbour.cards.hold_saved_card(hold(), card)
    taken = harbour.capture(held.ref, 502, "EUR", operation("capture"))
    listed = harbour.cards.saved_cards(card.customer)
    for _ in range(2):
        harbour.cards.detach_card(card)

    assert (card.brand, card.last4, card.expires) == ("Visa", "4242", "04/2031")
    assert [each.last4 for each in listed] == ["4444", "4242"]
    assert (held.status, held.authorised_minor) == (PaymentStatus.AUTHORISED, 4500)
    assert (taken.status, taken.captured_minor) == (PaymentStatus.CAPTURED, 502)
    assert harbour.cards.saved_cards(card.customer) == [second]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4000002760003184", "The bank wants the payment to be confirmed. Pay on the payment page."),
        ("4000000000000341", "The bank declined the card."),
    ],
)
def test_a_bank_may_refuse_a_card_without_its_driver(fake, harbour, number, reason):
    card = bind(fake, harbour, number)

    with pytest.raises(ProviderDeclined, match=reason):
        harbour.cards.hold_saved_card(hold(), card)


def test_two_presses_bind_and_hold_once(fake, harbour):
    request = BindingRequest(operation("bind"), None, None, "https://volt.example/cards")
    assert harbour.cards.start_binding(request) == harbour.cards.start_binding(request)
    card = bind(fake, harbour)

    assert harbour.cards.hold_saved_card(hold(), card).ref == harbour.cards.hold_saved_card(hold(), card).ref
