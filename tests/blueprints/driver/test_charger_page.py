"""What a QR code leads to: the price before anything else, and every reason why nobody can pay."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select

from domain.clock import utcnow
from domain.models.chargers import Connector
from domain.models.payments import Payment, PaymentStatus
from tests import factories
from tests.blueprints.conftest import HTMX

DAY_AND_NIGHT = {
    "idle_grace_s": 900,
    "min_price": {"excl_vat": "1.00"},
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": "0.40", "vat": "25.5"},
                {"type": "PARKING_TIME", "price": "4.80", "vat": "25.5"},
                {"type": "FLAT", "price": "0.80", "vat": "25.5"},
            ],
            "restrictions": {"start_time": "07:00", "end_time": "19:00"},
        },
        {"price_components": [{"type": "ENERGY", "price": "0.20", "vat": "25.5"}]},
    ],
}


def choice(world, connector: str, nonce: str = "n1", **values: str) -> dict[str, str]:
    """What the form of the page sends."""
    return {"connector": connector, "nonce": nonce, "tariff": str(world.tariff.id)} | values


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


def test_it_shows_price_hold_and_plugs_before_the_payment(phone, world):
    response = phone.get(f"/c/{world.code}")

    assert response.status_code == 200
    shown = text(response)
    assert world.charger.label in shown
    assert "Harbour Garage, Satamakatu 4, Helsinki" in shown
    assert "€0.502 per kWh" in shown  # 0.40 and 25.5 % VAT
    assert "How much may this charge cost at most? €45.00 €20.00 €10.00 We hold this amount on your card." in shown
    assert "Prices include 25.5 % VAT." in shown
    assert "Test money" in shown
    assert "Pay and start charging" in shown


def test_the_driver_chooses_the_most_that_it_may_cost(phone, world, db):
    phone.post(f"/c/{world.code}", data=choice(world, "1", hold="2000"))

    assert db.scalars(select(Payment.hold_minor)).all() == [2000]


@pytest.mark.parametrize("hold", ["1", "-2000", "4501", "99999999999999999999"])
def test_no_other_amount_is_held(phone, world, db, hold):
    response = phone.post(f"/c/{world.code}", data=choice(world, "1", hold=hold))

    assert response.status_code == 422
    assert "Choose one of the amounts that are shown." in text(response)
    assert db.scalars(select(Payment)).all() == []


def test_it_never_tells_the_devices_identity(phone, world):
    shown = phone.get(f"/c/{world.code}").text + phone.get(f"/c/{world.code}", headers=HTMX).text

    assert world.charger.device_id not in shown
    assert world.charger.uuid not in shown


def test_htmx_and_the_script_get_the_offer_alone(phone, world):
    response = phone.get(f"/c/{world.code}", headers=HTMX)

    assert response.text.lstrip().startswith('<form id="offer"')
    assert "<html" not in response.text


def test_the_price_list_tells_what_comes_next_parking_fee_and_minimum(phone, world):
    world.tariff = factories.tariff(world.db, world.charger.station.operator, terms=DAY_AND_NIGHT)
    factories.assign_tariff(world.db, world.charger.station, world.tariff)
    world.db.commit()

    with time_machine.travel(datetime(2026, 11, 20, 11, 4, tzinfo=UTC), tick=False):
        shown = text(phone.get(f"/c/{world.code}"))

    assert "Energy €0.502 per kWh until 19:00 EET" in shown
    assert "Energy €0.251 per kWh from 19:00 EET" in shown
    assert (
        "Parked after full €0.1004 per min free for the first 15 min, until 19:00 EET" in shown
    )  # 4.80 an hour and 25.5 %
    assert "Session fee €1.00" in shown
    assert "At least €1.26" in shown  # 1.255 half up


def test_an_unknown_code_explains_itself(phone):
    response = phone.get("/c/NOSUCHCODE")

    assert response.status_code == 404
    assert "No charger belongs to this code" in response.text


def test_a_code_that_is_not_bound_explains_itself(phone, world):
    code = factories.qr_code(world.db, world.charger, code="FREECODE", charger_id=None).code
    world.db.commit()

    response = phone.get(f"/c/{code}")

    assert response.status_code == 404
    assert "not bound to a charger yet" in response.text


def test_a_code_may_be_typed_in_small_letters(phone, world):
    assert phone.get(f"/c/{world.code.lower()}").status_code == 200


def _offline(world):
    world.charger.node = None


def _faulted(world):
    for connector in world.db.query(Connector):
        connector.status = "Faulted"


def _busy(world):
    for connector in world.db.query(Connector):
        connector.status = "Charging"


def _no_plugs(world):
    world.db.query(Connector).delete()


def _no_account(world):
    world.charger.station.payment_account_id = None


def _no_price(world):
    terms = {"elements": [{"price_components": [{"type": "ENERGY", "price": "0.4"}]}], "tax_included": "NO"}
    tariff = factories.tariff(world.db, world.charger.station.operator, terms=terms)
    factories.assign_tariff(world.db, world.charger.station, tariff)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_offline, "is not connected right now"),
        (_faulted, "is out of order"),
        (_busy, "Every plug is in use right now"),
        (_no_plugs, "has not told its plugs yet"),
        (_no_account, "cannot take card payments yet"),
        (_no_price, "The price of this charger is not known"),
    ],
)
def test_where_nobody_can_pay_it_says_why_and_offers_no_button(phone, world, spoil, sentence):
    spoil(world)
    world.db.commit()

    shown = text(phone.get(f"/c/{world.code}"))
    refused = phone.post(f"/c/{world.code}", data=choice(world, "1"))

    assert sentence in shown
    assert "Pay and start charging" not in shown
    assert refused.status_code in (409, 422)
    assert world.db.query(Payment).count() == 0


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("Available", "Available"),
        ("Preparing", "Plugged in"),
        ("Charging", "In use"),
        ("SuspendedEV", "In use"),
        ("Finishing", "Car still plugged in"),
        ("Reserved", "Reserved"),
        ("Unavailable", "Out of service"),
        ("Faulted", "Out of order"),
    ],
)
def test_each_plug_shows_its_live_state(phone, world, status, word):
    world.db.query(Connector).filter_by(number=2).one().status = status
    world.db.commit()

    assert word in text(phone.get(f"/c/{world.code}"))


def test_a_plug_on_which_somebody_charges_is_in_use_whatever_it_says(phone, world):
    world.start()

    response = phone.get(f"/c/{world.code}")

    assert "In use" in response.text


def test_a_fault_of_the_whole_charger_leaves_its_plugs_usable(phone, world):
    world.db.add(Connector(charger_id=world.charger.id, number=0, status="Faulted"))
    world.db.commit()

    page = phone.get(f"/c/{world.code}").text

    assert "is out of order" not in page
    assert "Pay and start charging" in page


def test_paying_leads_to_the_providers_page(phone, world):
    response = phone.post(f"/c/{world.code}", data=choice(world, "2"))

    payment = world.db.query(Payment).one()
    assert response.status_code == 303
    assert response.location == f"/sandbox/checkout/{payment.provider_ref}"
    assert (payment.status, payment.connector_number, payment.hold_minor) == (PaymentStatus.ACTION_REQUIRED, 2, 4500)
    assert payment.tariff_id == world.tariff.id


def test_nobody_pays_by_a_price_that_was_not_shown(phone, world):
    dearer = factories.tariff(world.db, world.charger.station.operator)
    dearer.terms = {"elements": [{"price_components": [{"type": "ENERGY", "price": "0.80", "vat": "25.5"}]}]}
    page = phone.get(f"/c/{world.code}").text
    factories.assign_tariff(world.db, world.charger.station, dearer, from_at=utcnow())
    world.db.commit()

    refused = phone.post(f"/c/{world.code}", data=choice(world, "1"))
    paid = phone.post(f"/c/{world.code}", data=choice(world, "1", tariff=str(dearer.id)))

    assert f'name="tariff" value="{world.tariff.id}"' in page
    assert refused.status_code == 409
    assert "The price has changed" in refused.text
    assert f'name="tariff" value="{dearer.id}"' in refused.text
    assert "€1.004" in refused.text
    assert paid.status_code == 303
    assert world.db.query(Payment).one().tariff_id == dearer.id


@pytest.mark.parametrize("tariff", ["", "one", "9" * 40])
def test_who_names_no_price_has_seen_none(phone, world, tariff):
    assert phone.post(f"/c/{world.code}", data=choice(world, "1", tariff=tariff)).status_code == 409


def test_a_second_click_leads_to_the_same_payment(phone, world):
    first = phone.post(f"/c/{world.code}", data=choice(world, "1"))
    second = phone.post(f"/c/{world.code}", data=choice(world, "1"))

    assert first.location == second.location
    assert world.db.query(Payment).count() == 1


def test_going_back_and_choosing_another_plug_pays_for_that_plug(phone, world):
    first = phone.post(f"/c/{world.code}", data=choice(world, "1"))
    second = phone.post(f"/c/{world.code}", data=choice(world, "2"))

    assert first.location != second.location
    assert sorted(payment.connector_number for payment in world.db.query(Payment)) == [1, 2]


def test_going_back_after_a_declined_card_makes_a_new_payment(phone, world):
    first = phone.post(f"/c/{world.code}", data=choice(world, "1"))
    phone.post(first.location, data={"card": "decline"})
    token = world.db.query(Payment).one().token
    world.db.commit()
    phone.get(f"/s/{token}")

    second = phone.post(f"/c/{world.code}", data=choice(world, "1"))

    assert second.location.startswith("/sandbox/checkout/")
    assert second.location != first.location


@pytest.mark.parametrize("connector", ["", "9", "0", "-1", "one", "9" * 40])
def test_a_plug_has_to_be_chosen(phone, world, connector):
    response = phone.post(f"/c/{world.code}", data=choice(world, connector))

    assert response.status_code == 422
    assert "Choose a plug first." in response.text


def test_a_plug_that_was_taken_meanwhile_is_refused(phone, world):
    world.pay()

    response = phone.post(f"/c/{world.code}", data=choice(world, "1", "n2"))

    assert response.status_code == 409
    assert "has just been taken" in response.text


def test_who_charges_here_already_is_led_to_the_charge(phone, world):
    phone.post(f"/c/{world.code}", data=choice(world, "1"))
    payment = world.db.query(Payment).one()
    world.db.commit()
    phone.post(f"/sandbox/checkout/{payment.provider_ref}", data={"card": "success"})
    phone.get(f"/s/{payment.token}")

    mine = phone.get(f"/c/{world.code}")

    assert "You have paid here already. Charging has not started yet." in mine.text
    assert f"/s/{payment.token}" in mine.text

    world.start(payment)
    charging = phone.get(f"/c/{world.code}")

    assert "You are charging here already." in charging.text
    assert "You have paid here already." not in charging.text
    assert f"/s/{payment.token}" in charging.text
    assert "Sie laden hier bereits." in phone.get(f"/c/{world.code}?lang=de").text


def test_another_phone_is_not_told_of_my_charge(app, world):
    payment = world.pay()

    other = app.test_client().get(f"/c/{world.code}")

    assert payment.token not in other.text


def test_page_style_script_and_icons_are_small(phone, world):
    accept = {"Accept-Encoding": "gzip"}
    paths = [f"/c/{world.code}", *(f"/static/{name}" for name in ("driver.css", "driver.js", "icons.svg"))]

    sizes = []
    for path in paths:
        with phone.get(path, headers=accept) as response:
            sizes.append(len(response.data))

    assert sum(sizes) < 25_000
