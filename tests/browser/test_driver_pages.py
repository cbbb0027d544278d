"""The driver's pages on a phone: sound in every state, live with a script, complete without one."""

import pytest
from playwright.sync_api import expect

from domain.clock import utcnow
from domain.models.chargers import Connector
from tests import factories
from tests.browser.conftest import PHONE, inspect
from tests.money_world import World


@pytest.fixture
def world(live):
    world = World(live.engine, now=utcnow())
    world.code = factories.qr_code(world.db, world.charger, code="HG5K7QWX").code
    for connector, (kind, power_w) in zip(
        world.db.query(Connector), (("CCS", 60_000), ("Type 2", 22_000)), strict=True
    ):
        connector.kind, connector.max_power_w = kind, power_w
    world.db.commit()
    yield world
    world.db.close()


def charging_world(world):
    payment = world.pay()
    world.now_is(minutes_ago=25)
    charging = world.start(payment)
    world.later(minutes=25)
    world.meter(charging, 11_000, power_w=43_200)
    return payment


def billed_world(world):
    payment = world.pay()
    world.charge(payment, 10_000)
    world.sweep()
    return payment


STATES = {
    "paying": lambda world: world.checkout(),
    "declined": lambda world: world.pay("decline"),
    "ready": lambda world: world.pay(),
    "charging": charging_world,
    "bill": billed_world,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_charger_is_sound(visit, world, scheme):
    page = visit(f"/c/{world.code}", size=PHONE, scheme=scheme)

    expect(page.get_by_role("button", name="Pay and start charging")).to_be_visible()
    assert inspect(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_charge_is_sound(visit, world, state, scheme):
    payment = STATES[state](world)

    page = visit(f"/s/{payment.token}", size=PHONE, scheme=scheme)

    assert inspect(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_test_checkout_is_sound(visit, world, scheme):
    page = visit(world.checkout().checkout_url, size=PHONE, scheme=scheme)

    assert inspect(page) == []


@pytest.mark.parametrize("code", ["NOSUCHCODE"])
def test_a_wrong_code_is_sound(visit, world, code):
    page = visit(f"/c/{code}", size=PHONE)

    assert [fault for fault in inspect(page) if "status of 404" not in fault] == []


def test_a_plug_that_becomes_busy_is_shown_and_the_choice_is_kept(visit, world):
    page = visit(f"/c/{world.code}", size=PHONE)
    page.get_by_label("CCS").check()

    world.db.query(Connector).filter_by(number=2).one().status = "Charging"
    world.db.commit()

    expect(page.get_by_text("In use")).to_be_visible(timeout=15_000)  # it looks every 5 s
    expect(page.get_by_label("CCS")).to_be_checked()


def test_a_driver_without_scripts_pays_and_gets_the_hold(visit, world):
    page = visit(f"/c/{world.code}", size=PHONE, scripts=False)

    page.get_by_label("CCS").check()
    page.get_by_role("button", name="Pay and start charging").click()
    page.get_by_role("button", name="Pay with test money").click()

    expect(page.get_by_role("heading", name="Ready to charge")).to_be_visible()
    expect(page.get_by_role("button", name="Start charging")).to_be_visible()
