"""A driver pays through PayPal on a phone: PayPal's own page (that of the fake), the bill, and the money back."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

import worker
from domain import charger_keys
from domain.clock import utcnow
from domain.models.chargers import Connector
from domain.models.operators import Role
from domain.models.orders import Order, OrderStatus
from providers.paypal import PayPal, paypal_kind
from tests import factories
from tests.browser.conftest import PHONE, inspect
from tests.browser.test_driver_journey import CODE, PATIENCE_MS, Simulator, Site
from tests.fakes.paypal.server import CLIENT_ID, CLIENT_SECRET, FakePayPal, running
from tests.processes import Sidecar
from tests.waiting import wait_until


@pytest.fixture
def fake() -> Iterator[FakePayPal]:
    with running(utcnow()) as fake:
        yield fake


@pytest.fixture
def site(live, fake, database_url: str, instance_dir: Path, monkeypatch) -> Iterator[Site]:
    with Session(live.engine, expire_on_commit=False) as db:
        operator = factories.operator(db)
        account = factories.payment_account(db, operator, provider="paypal", name="PayPal of Harbour Energy")
        station = factories.station(db, operator, payment_account_id=account.id)
        password = charger_keys.generate()
        salt, key_hash = charger_keys.seal(password)
        charger = factories.charger(db, station, password_salt=salt, password_hash=key_hash)
        factories.assign_tariff(db, station, factories.tariff(db, operator))
        factories.qr_code(db, charger, code=CODE)
        site = Site(live.engine, charger)
        site.owner = factories.user(db, operator, role=Role.OWNER)
        db.commit()
    paypal = PayPal(CLIENT_ID, CLIENT_SECRET, is_test=True, base_url=fake.url)
    till = replace(live.app.extensions["till"], public_url=live.url)
    faked = replace(paypal_kind(), make=lambda _account, _credentials: paypal)
    monkeypatch.setitem(till.providers.kinds, "paypal", faked)
    monkeypatch.setitem(live.app.extensions, "till", till)
    policy = live.app.extensions["content_policy"].replace("form-action 'self'", f"form-action 'self' {fake.url}")
    monkeypatch.setitem(live.app.extensions, "content_policy", policy)
    is_over = threading.Event()
    sweeping = threading.Thread(target=_sweep, args=(till, is_over))
    sidecar = Sidecar(database_url, instance_dir)
    simulator = Simulator(sidecar.url, charger.device_id, password, instance_dir)
    sweeping.start()
    for program in (sidecar, simulator):
        program.start()
    try:
        sidecar.wait_ready()
        wait_until(lambda: site.find(Connector), within_s=30, what="the charger telling its plugs")
        yield site
    finally:
        is_over.set()
        for program in (simulator, sidecar):
            program.stop()
        sweeping.join()
        paypal.close()


def _sweep(till, is_over: threading.Event) -> None:
    # worker.py knows PayPal only through accounts with credentials; here it is the fake.
    while not is_over.wait(0.5):
        for sweep in worker.SWEEPS:
            sweep.run(till, utcnow())


def test_from_the_sticker_over_paypal_to_the_refund(visit, site, fake):
    page = visit(f"/c/{CODE}", size=PHONE)
    page.set_default_timeout(PATIENCE_MS)
    expect(page.get_by_text("We hold this amount with PayPal.")).to_be_visible()

    # Cancelled at PayPal first: nothing is held, and there is a way on.
    page.get_by_label("Plug 1").check()
    page.get_by_role("button", name="Pay and start charging").click()
    expect(page.get_by_role("heading", name="45.00 EUR")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Payment not finished")).to_be_visible()
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Ready to charge")).to_be_visible(timeout=PATIENCE_MS)
    assert fake.books.done == ["create", "authorize"]

    page.get_by_role("button", name="Start charging").click()
    expect(page.locator("#story .big")).not_to_have_text("0.0 kWh", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Your bill")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Paid with PayPal.")).to_be_visible(timeout=PATIENCE_MS)
    (order,) = site.find(Order)
    (capture,) = fake.books.captures.values()
    assert capture["amount"] == {"currency_code": "EUR", "value": f"{order.gross_minor / 100:.2f}"}
    assert inspect(page) == []

    desk = visit("/billings", site.owner)
    desk.locator(f"#o{order.id}").get_by_role("link", name="Refund").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Reason").select_option("Charger fault")
    dialog.get_by_role("button", name="Refund €").click()
    wait_until(lambda: site.find(Order)[0].status is OrderStatus.REFUNDED, within_s=30, what="the refund")
    page.reload()
    expect(page.get_by_text("were refunded to PayPal.")).to_be_visible(timeout=PATIENCE_MS)
    assert fake.books.done == ["create", "authorize", "capture", "refund"]
    assert [each["amount"] for each in fake.books.refunds.values()] == [capture["amount"]]
