"""A driver on a phone, from the sticker to the bill: the whole product at work, with a simulated charger."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import charger_keys
from domain.models.chargers import Charger, Connector
from domain.models.charging import ChargingSession
from domain.models.orders import Order, OrderStatus
from domain.models.payments import Payment
from tests import factories
from tests.browser.conftest import PHONE, inspect
from tests.processes import Program, Sidecar, Worker
from tests.waiting import wait_until

CODE = "HG5K7QWX"
PATIENCE_MS = 30_000


class Simulator(Program):
    """`python -m simulator`: one charger with a car that comes when asked to start."""

    def __init__(self, url: str, device_id: str, password: str, folder: Path) -> None:
        charger = {
            "device_id": device_id,
            "password": password,
            "speed": 60,
            "behaviour": {"auto_plug": True, "plug_after_s": 0.5},
            "configuration": {"MeterValueSampleInterval": "2"},
        }
        described = folder / "chargers.json"
        described.write_text(json.dumps([charger]))
        self.command = ("-m", "simulator", "--url", url, "--chargers", str(described), "--quiet")
        super().__init__("sqlite://", folder)


@dataclass
class Site:
    """A charger at work, and what was written about it."""

    engine: object
    charger: Charger

    def find(self, model: type) -> list:
        with Session(self.engine, expire_on_commit=False) as db:
            return list(db.scalars(select(model)))


@pytest.fixture
def site(live, database_url: str, instance_dir: Path) -> Iterator[Site]:
    with Session(live.engine, expire_on_commit=False) as db:
        operator = factories.operator(db)
        account = factories.payment_account(db, operator)
        station = factories.station(db, operator, payment_account_id=account.id)
        password = charger_keys.generate()
        salt, key_hash = charger_keys.seal(password)
        charger = factories.charger(db, station, password_salt=salt, password_hash=key_hash)
        factories.assign_tariff(db, station, factories.tariff(db, operator))
        factories.qr_code(db, charger, code=CODE)
        db.commit()
    sidecar, worker = Sidecar(database_url, instance_dir), Worker(database_url, instance_dir)
    simulator = Simulator(sidecar.url, charger.device_id, password, instance_dir)
    for program in (sidecar, worker, simulator):
        program.start()
    site = Site(live.engine, charger)
    try:
        sidecar.wait_ready()
        wait_until(lambda: site.find(Connector), within_s=30, what="the charger telling its plugs")
        yield site
    finally:
        for program in (simulator, worker, sidecar):
            program.stop()


def pay(page: Page, card: str = "4242") -> None:
    page.get_by_label("Plug 1").check()
    page.get_by_role("button", name="Pay and start charging").click()
    page.get_by_label(card).check()
    page.get_by_role("button", name="Pay with test money").click()
    expect(page.get_by_role("heading", name="Ready to charge")).to_be_visible()


def test_from_the_sticker_to_the_bill(visit, site):
    page = visit(f"/c/{CODE}", size=PHONE)
    page.set_default_timeout(PATIENCE_MS)
    expect(page.get_by_text("We hold this amount on your card.")).to_be_visible()

    pay(page)
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#story .big")).not_to_have_text("0.0 kWh", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Your bill")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Paid with Visa •••• 4242.")).to_be_visible(timeout=PATIENCE_MS)

    ((charging,), (order,), (payment,)) = (site.find(model) for model in (ChargingSession, Order, Payment))
    assert charging.payment_id == payment.id
    assert charging.meter_stop_wh - charging.meter_start_wh == charging.energy_wh > 0
    assert order.status is OrderStatus.PAID
    assert payment.captured_minor == order.gross_minor > 0
    expect(page.locator("#story .big")).to_have_text(re.compile(rf"€{order.gross_minor / 100:.2f}"))
    expect(page.get_by_text(order.number)).to_be_visible()
    assert (charging.stop_cause, charging.stop_reason) == ("remote_stop", "Remote")
    assert inspect(page) == []


def test_from_the_sticker_to_the_bill_without_scripts(visit, site):
    page = visit(f"/c/{CODE}", size=PHONE, scripts=False)

    pay(page)
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Your bill")).to_be_visible(timeout=PATIENCE_MS)

    (order,) = site.find(Order)
    wait_until(lambda: site.find(Order)[0].status is OrderStatus.PAID, what="the capture")
    expect(page.get_by_text(order.number)).to_be_visible()


def test_paid_and_not_wanted_goes_back_at_once(visit, site):
    page = visit(f"/c/{CODE}", size=PHONE)

    pay(page)
    page.get_by_role("button", name="Do not charge, release the hold").click()

    expect(page.get_by_role("heading", name="The hold is released")).to_be_visible()
    assert site.find(ChargingSession) == []
