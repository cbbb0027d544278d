"""The page that plays the provider's: test cards, the bank's question, the way back."""

import pytest

from domain.models.payments import PaymentStatus


def test_it_names_the_amount_and_every_test_card(phone, world):
    payment = world.checkout()

    response = phone.get(payment.checkout_url)

    assert response.status_code == 200
    assert "€45.00" in response.text
    for last4 in ("4242", "0002", "3220", "5556", "5126", "0341"):
        assert f"•••• {last4}" in response.text
    assert "Test money" in response.text


def test_paying_leads_back_to_the_drivers_page(phone, world):
    payment = world.checkout()

    response = phone.post(payment.checkout_url, data={"card": "success"})

    assert (response.status_code, response.location) == (303, f"/s/{payment.token}")


def test_a_finished_checkout_leads_back_at_once(phone, world):
    payment = world.pay()

    response = phone.get(payment.checkout_url)

    assert response.location == f"/s/{payment.token}"


@pytest.mark.parametrize(("answer", "status"), [("yes", PaymentStatus.AUTHORISED), ("no", PaymentStatus.DECLINED)])
def test_the_bank_asks_when_the_card_demands_it(phone, world, answer, status):
    payment = world.checkout()

    asked = phone.post(payment.checkout_url, data={"card": "challenge"})
    question = phone.get(asked.location)
    answered = phone.post(f"{payment.checkout_url}/confirm", data={"answer": answer})
    phone.get(answered.location)

    assert asked.location == payment.checkout_url
    assert "Your bank asks" in question.text
    assert answered.location == f"/s/{payment.token}"
    assert world.fresh(payment).status is status


def test_going_back_without_paying(phone, world):
    payment = world.checkout()

    response = phone.post(f"{payment.checkout_url}/cancel")
    phone.get(response.location)

    assert world.fresh(payment).status is PaymentStatus.ABANDONED


@pytest.mark.parametrize("card", ["", "gold", "4242424242424242"])
def test_a_card_has_to_be_chosen(phone, world, card):
    payment = world.checkout()

    response = phone.post(payment.checkout_url, data={"card": card})

    assert response.status_code == 422
    assert "Choose a card first." in response.text


def test_an_address_that_was_never_given_out_is_not_found(phone):
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/confirm"), ("POST", "/cancel")):
        assert phone.open(f"/sandbox/checkout/sbx_pay_none{path}", method=method).status_code == 404
