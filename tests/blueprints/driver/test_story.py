"""From the hold to the bill on the phone: every state has its sentence, its next step, and works without scripts."""

import re
from datetime import timedelta

import pytest
import time_machine

from domain import commands, orders, payments, refunds
from domain.models.chargers import Connector
from domain.models.commands import Command, CommandStatus
from domain.models.payments import Payment, PaymentAccount, PaymentStatus
from domain.payment_provider import ProviderUnavailable
from providers import sandbox_kind
from tests import factories
from tests.blueprints.conftest import HTMX
from tests.blueprints.driver.test_charger_page import text


def page(phone, payment) -> str:
    response = phone.get(f"/s/{payment.token}")
    assert response.status_code == 200
    return text(response)


def press(phone, payment, button):
    response = phone.post(f"/s/{payment.token}/{button}")
    assert (response.status_code, response.location) == (303, f"/s/{payment.token}")
    return text(phone.get(response.location))


def test_a_link_of_nobody_is_not_found(phone):
    for method, path in (("GET", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/cancel"), ("POST", "/pay")):
        assert phone.open(f"/s/{'x' * 40}{path}", method=method).status_code == 404


def test_what_the_redirect_says_is_not_believed(phone, world):
    payment = world.checkout()

    shown = page(phone, payment)

    assert "Nothing is held yet." in shown
    assert "Continue to payment" in shown


def test_continuing_leads_to_the_same_checkout(phone, world):
    payment = world.checkout()

    response = phone.post(f"/s/{payment.token}/pay")

    assert response.location == payment.checkout_url


def test_coming_back_from_the_provider_shows_the_hold(phone, world):
    payment = world.checkout()
    world.sandbox.pay(payment.provider_ref, "success")

    shown = page(phone, payment)

    assert "€45.00 are held on Visa •••• 4242." in shown
    assert "Start charging" in shown
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED


def test_the_page_looks_again_with_and_without_a_script(phone, world):
    payment = world.pay()

    whole = phone.get(f"/s/{payment.token}").text
    part = phone.get(f"/s/{payment.token}", headers=HTMX).text

    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in whole
    assert f'data-poll="/s/{payment.token}"' in part
    assert "<html" not in part


def test_a_slow_bank_is_explained(phone, world):
    assert "Your bank is checking the payment" in page(phone, world.pay("slow"))


def test_a_declined_card_is_explained_and_may_be_tried_again(phone, world):
    response = phone.get(f"/s/{world.pay('decline').token}")

    assert "The bank declined the card. Nothing was charged." in text(response)
    assert f'href="/c/{world.code}"' in response.text
    assert "data-poll" not in response.text


def test_an_unfinished_payment_is_explained(phone, world):
    payment = world.checkout()
    world.sandbox.give_up(payment.provider_ref)

    assert "nothing was held and nothing was charged" in page(phone, payment)


def test_a_provider_that_does_not_answer_is_explained(app, phone, world):
    till = app.extensions["till"]

    class Down:
        name = "sandbox"

        def open_payment(self, request):
            raise ProviderUnavailable("connection refused")

    up = till.providers.kinds["sandbox"]
    till.providers.kinds["sandbox"] = sandbox_kind(Down())
    response = phone.post(f"/c/{world.code}", data={"connector": "1", "nonce": "n1", "tariff": str(world.tariff.id)})
    shown = text(phone.get(response.location))
    till.providers.kinds["sandbox"] = up
    payment = world.db.query(Payment).one()
    world.db.commit()
    again = phone.post(f"/s/{payment.token}/pay")

    assert "The payment service does not answer. Nothing was held or charged." in shown
    assert again.location.startswith("/sandbox/checkout/")


def test_start_asks_the_charger_once(phone, world):
    payment = world.pay()

    shown = press(phone, payment, "start")
    press(phone, payment, "start")

    (command,) = world.db.query(Command).all()
    assert (command.action, command.asked_by) == ("RemoteStartTransaction", "driver")
    assert command.payload == f'{{"connectorId":1,"idTag":"{payment.id_tag}"}}'
    assert command.payment_id == payment.id
    assert "The charger was asked to start." in shown


def test_a_refused_start_says_so_and_may_be_repeated(phone, world, settle_command):
    payment = world.pay()
    press(phone, payment, "start")
    settle_command(CommandStatus.REJECTED)

    shown = page(phone, payment)
    press(phone, payment, "start")

    assert "The charger refused to start." in shown
    assert world.db.query(Command).count() == 2


@pytest.mark.parametrize("status", [CommandStatus.TIMEOUT, CommandStatus.FAILED, CommandStatus.EXPIRED])
def test_a_charger_that_does_not_answer_a_start(phone, world, settle_command, status):
    payment = world.pay()
    press(phone, payment, "start")
    settle_command(status)

    assert "The charger did not answer. Press Start charging again." in page(phone, payment)


def test_start_at_an_offline_charger_keeps_the_hold_and_says_what_to_do(phone, world, go_offline):
    payment = world.pay()
    go_offline()

    shown = press(phone, payment, "start")

    assert "The charger is not connected right now." in shown
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED
    assert world.db.query(Command).count() == 0


def test_nothing_started_is_released_and_said_so(phone, world):
    payment = world.pay()
    world.later(minutes=3)
    world.sweep()

    shown = page(phone, payment)

    assert "Nothing started within 3 minutes, so the hold of €45.00 was released by itself." in shown
    assert "Nothing was charged." in shown


def test_a_driver_may_change_their_mind(phone, world):
    payment = world.pay()

    shown = press(phone, payment, "cancel")

    assert "You chose not to charge. The hold of €45.00 was released." in shown
    assert world.fresh(payment).status is PaymentStatus.RELEASED


def test_start_after_the_release_leads_back_to_the_beginning(phone, world):
    payment = world.pay()
    press(phone, payment, "cancel")

    assert "Scan the code on the charger to begin again." in press(phone, payment, "start")
    assert world.db.query(Command).count() == 0


def test_before_the_first_reading_no_energy_is_claimed(phone, world):
    payment = world.pay()
    world.start(payment)

    shown = page(phone, payment)

    assert "– kWh" in shown
    assert "0.0 kWh" not in shown


def test_the_live_page_shows_energy_cost_time_and_power(phone, world):
    payment = world.pay()
    world.now_is(minutes_ago=10)
    charging = world.start(payment)
    world.later(minutes=10)
    world.meter(charging, 6000, power_w=30_400)

    shown = page(phone, payment)

    # 5 kWh x 0.40 = 2.00 and 25.5 % VAT
    assert "5.0 kWh" in shown
    assert "Cost so far €2.51" in shown
    assert "Time 10 min" in shown
    assert "Power 30.4 kW" in shown
    assert "Stop" in shown


def test_a_charger_that_went_offline_while_charging_is_explained(phone, world, go_offline):
    payment = world.pay()
    world.start(payment)
    go_offline()

    assert "It goes on charging and tells the figures when it is back." in page(phone, payment)
    assert "unlock it, then pull the plug" in press(phone, payment, "stop")


def test_stop_asks_the_charger_once(phone, world):
    payment = world.pay()
    charging = world.start(payment)

    shown = press(phone, payment, "stop")
    press(phone, payment, "stop")

    (command,) = world.db.query(Command).all()
    assert (command.action, command.payload) == (
        "RemoteStopTransaction",
        f'{{"transactionId":{charging.transaction_id}}}',
    )
    assert "The charger was asked to stop." in shown


def test_a_refused_stop_says_so_and_may_be_repeated(phone, world, settle_command):
    payment = world.pay()
    world.start(payment)
    press(phone, payment, "stop")
    settle_command(CommandStatus.REJECTED)

    assert "The charger refused to stop." in page(phone, payment)
    press(phone, payment, "stop")
    assert world.db.query(Command).count() == 2


def test_between_stop_and_bill_it_says_so(phone, world):
    payment = world.pay()
    world.charge(payment, 10_000)

    assert "The bill is being made." in page(phone, payment)


def test_the_bill_shows_lines_vat_and_what_was_released(phone, world):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.sweep()

    response = phone.get(f"/s/{payment.token}")

    shown = text(response)
    assert "Your bill €5.02" in shown
    assert "Energy 10 kWh, €0.502 per kWh €5.02" in shown
    assert "Without VAT €4.00" in shown
    assert "VAT €1.02" in shown
    assert "Held €45.00 Taken €5.02 Released €39.98" in shown
    assert re.search(r"Order VD-\d{4}-000001", shown)
    assert "TEST: no money moved." in shown
    assert "data-poll" not in response.text


def test_the_bill_names_time_prices_and_bounds(phone, world):
    components = [
        {"type": "ENERGY", "price": "0.50", "vat": "25"},
        {"type": "TIME", "price": "2.40", "vat": "25"},
    ]
    terms = {
        "elements": [{"name": "Day", "price_components": components}],
        "max_price": {"excl_vat": "4.00", "incl_vat": "5.00"},
    }
    world.tariff = factories.tariff(world.db, world.charger.station.operator, terms=terms)
    world.db.commit()
    payment = world.pay()
    world.charge(payment, 10_000)
    world.sweep()

    shown = page(phone, payment)

    # 10 kWh x 0.50 = 5.00 + 1.25; 0.5 h x 2.40 = 1.20 + 0.30; at most 5.00
    assert "Energy (Day) 10 kWh, €0.625 per kWh €6.25" in shown
    assert "Charging time (Day) 30 min, €0.05 per min €1.50" in shown
    assert "Maximum price −€2.75" in shown
    assert "Total €5.00" in shown


def test_a_shortfall_is_visible(phone, world):
    payment = world.pay()
    world.charge(payment, 100_000)
    world.sweep()

    assert "Not covered by the hold, not taken €5.20" in page(phone, payment)


def test_no_energy_costs_nothing(phone, world):
    payment = world.pay()
    world.charge(payment, 0)
    world.sweep()

    shown = page(phone, payment)

    assert "No energy was delivered, so there is nothing to pay. The hold of €45.00 was released." in shown


def test_odd_readings_are_said_to_be_checked(phone, world):
    payment = world.pay()
    charging = world.start(payment)
    world.later(minutes=30)
    world.stop(charging, 10_000, flags=["stop_after_close"])
    world.sweep()

    assert "look unusual, so somebody checks them before money is taken" in page(phone, payment)


def test_a_session_that_cannot_be_billed_is_said_to_be_looked_at(phone, world):
    payment = world.pay()
    charging = world.start(payment, tariff_id=None)
    world.later(minutes=30)
    world.stop(charging, 10_000)
    world.sweep()

    assert "Nothing was taken; somebody looks at it." in page(phone, payment)


@pytest.mark.parametrize(
    ("card", "rounds", "sentence"),
    [
        ("success", 0, "A refund of €5.02 is on its way to Visa •••• 4242."),
        ("success", 1, "€5.02 were refunded to Visa •••• 4242."),
        ("refund_fails", 2, "The refund did not arrive. The card is closed"),
    ],
)
def test_a_refund_is_told(phone, world, card, rounds, sentence):
    order = world.paid_order(card=card)
    refunds.request(world.db, order, reason="fault", by="alice@example.com", now=world.now)
    world.db.commit()
    for _ in range(rounds):
        world.settle()
        world.later(seconds=10)

    assert sentence in page(phone, world.payment_of(order))


def test_the_receipt_of_an_order_that_nobody_pays_by_card(phone, world):
    world.charge(None, 10_000)
    (order,) = world.bill()

    shown = text(phone.get(f"/s/{order.token}"))

    assert "Your bill €5.02" in shown
    assert "invoiced to the holder of the charging card" in shown


def test_the_story_never_tells_the_devices_identity(phone, world):
    payment = world.pay()
    shown = phone.get(f"/s/{payment.token}").text
    world.charge(payment, 10_000)
    world.sweep()
    shown += phone.get(f"/s/{payment.token}").text

    for secret in (world.charger.device_id, world.charger.uuid, payment.id_tag):
        assert secret not in shown


def test_a_waived_order_says_that_nothing_was_taken(phone, world):
    payment = world.pay()
    charging = world.start(payment)
    world.later(minutes=30)
    world.stop(charging, 10_000, flags=["stop_after_close"])
    (order,) = world.bill()
    orders.waive(world.db, order, by="alice@example.com", now=world.now)
    world.db.commit()
    world.settle()

    assert "Nothing was taken." in page(phone, payment)


def test_a_hold_on_which_somebody_charges_is_not_given_back(phone, world):
    payment = world.pay()
    world.start(payment)

    assert "Charging has started. Stop it first." in press(phone, payment, "cancel")
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED


def test_stop_without_a_running_charge_does_nothing(phone, world):
    payment = world.pay()

    press(phone, payment, "stop")

    assert world.db.query(Command).count() == 0


def test_start_while_charging_does_nothing(phone, world):
    payment = world.pay()
    world.start(payment)

    assert "Charging" in press(phone, payment, "start")
    assert world.db.query(Command).count() == 0


def test_a_stop_that_the_charger_took_is_believed_for_a_minute(phone, world, settle_command):
    payment = world.pay()
    world.start(payment)
    press(phone, payment, "stop")
    command = settle_command(CommandStatus.ACCEPTED)

    at_first = page(phone, payment)
    command.queued_at -= timedelta(seconds=61)
    world.db.commit()
    later = page(phone, payment)

    assert "The charger was asked to stop." in at_first
    assert "The charger was asked to stop." not in later
    assert "Stop" in later


def test_a_battery_and_a_car_that_takes_no_power_are_shown(phone, world):
    payment = world.pay()
    charging = world.start(payment)
    charging.soc_percent = 80
    world.db.query(Connector).filter_by(number=1).one().status = "SuspendedEV"
    world.db.commit()

    shown = page(phone, payment)

    assert "The car takes no power now" in shown
    assert "Battery 80 %" in shown


def test_short_waits_are_looked_at_more_often(phone, world):
    payment = world.pay()
    ready = phone.get(f"/s/{payment.token}").text
    press(phone, payment, "start")
    starting = phone.get(f"/s/{payment.token}").text

    assert "data-every" not in ready
    assert 'data-every="2000"' in starting


def test_a_hold_that_the_bank_ended_is_explained(phone, world):
    payment = world.pay()
    world.bank_ends(payment)
    world.later(hours=6)
    world.settle()

    assert "Your bank ended the hold. Nothing was charged." in page(phone, payment)
    assert world.fresh(payment).status is PaymentStatus.EXPIRED


def test_looking_again_and_again_asks_the_provider_every_two_seconds(app, phone, world, monkeypatch):
    payment = world.checkout()
    kinds = app.extensions["till"].providers.kinds
    provider = app.extensions["till"].providers.provider_for(world.db.query(PaymentAccount).one())
    world.db.commit()
    asked = []

    class Counted:
        name = "sandbox"

        def fetch(self, ref):
            asked.append(ref)
            return provider.fetch(ref)

    monkeypatch.setitem(kinds, "sandbox", sandbox_kind(Counted()))
    with time_machine.travel(world.now + timedelta(seconds=1), tick=False) as clock:
        for _ in range(10):
            page(phone, payment)
            clock.shift(timedelta(seconds=1))

    assert len(asked) == 5


def test_a_call_that_is_under_way_is_not_made_twice(app, phone, world):
    payment = world.checkout()
    world.sandbox.pay(payment.provider_ref, "success")
    payment.next_try_at = world.now + payments.LEASE  # somebody is at it
    world.db.commit()

    shown = page(phone, payment)

    assert "Nothing is held yet." in shown


def test_a_charger_with_too_many_commands_is_explained_and_the_hold_stays(phone, world):
    payment = world.pay()
    for _ in range(commands.MOST_WAITING):
        factories.command(world.db, world.charger, status=CommandStatus.QUEUED, settled_at=None)
    world.db.commit()

    phone.get(f"/s/{payment.token}?lang=de")
    shown = press(phone, payment, "start")

    assert "Das ist gerade nicht möglich. Es wurde nichts geändert." in shown
    assert world.fresh(payment).status is PaymentStatus.AUTHORISED
