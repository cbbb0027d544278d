"""An operator chooses a merchant (seeds, steps 4.1 to 4.8), and drivers pay on an imitation of Stripe's page."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app import create_app
from blueprints import database
from domain import settling
from domain.clock import utcnow
from domain.db import make_engine
from domain.models.chargers import Charger, SidecarNode
from domain.models.payments import Payment, PaymentAccount, PaymentStatus
from domain.models.stations import Station
from domain.settings import Settings
from tests import factories
from tests.browser.conftest import PHONE, Live, inspect
from tests.fakes.stripe import KEY, SECRET, FakeStripe

CODE = "HG5K7QWX"


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe().running() as fake:
        yield fake


@pytest.fixture
def live(database_url: str, settings: Settings, fake: FakeStripe) -> Iterator[Live]:
    """The application, whose Stripe is the imitation."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    app = create_app(replace(settings, stripe_api_url=fake.url, public_url=url))
    server.app, server.daemon_threads = app, True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    engine = make_engine(database_url)
    yield Live(url, engine, app.config["SESSION_COOKIE_NAME"], app)
    server.shutdown()
    thread.join()
    server.server_close()
    engine.dispose()
    with app.app_context():
        database.db.engine.dispose()


@pytest.fixture
def harbour(live: Live):
    """Alice, and a charger at Pier that takes no payments yet."""
    with Session(live.engine, expire_on_commit=False) as db:
        operator = factories.operator(db)
        alice = factories.user(db, operator, email="alice@example.com")
        station = factories.station(db, operator, name="Pier")
        factories.assign_tariff(db, station, factories.tariff(db, operator))
        db.add(SidecarNode(name="ocpp-1", started_at=utcnow(), seen_at=utcnow().replace(year=2099)))
        charger = factories.charger(db, station, connectors=1, node="ocpp-1")
        factories.qr_code(db, charger, code=CODE)
        db.commit()
    return alice


def rows(live: Live, model: type) -> list:
    with Session(live.engine, expire_on_commit=False) as db:
        return list(db.scalars(select(model)))


def settle(live: Live) -> None:
    """One round of the worker."""
    till = live.app.extensions["till"]
    with Session(live.engine) as db:
        due = settling.due_payments(db, utcnow())
    for payment_id in due:
        settling.settle_payment(till, payment_id, utcnow())


def go_to_checkout(page: Page) -> None:
    page.get_by_label("Plug 1").check()
    page.get_by_role("button", name="Pay and start charging").click()
    expect(page.get_by_role("heading", name="Pay 4500 eur")).to_be_visible()


def type_card(page: Page, number: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_role("button", name="Pay").click()


def test_from_my_stations_to_a_driver_who_pays(visit, live, harbour, fake):
    page = visit("/stations", user=harbour)
    page.get_by_role("link", name="Pier").first.click()
    page.get_by_role("navigation", name="Pages of this charging station").get_by_text("Payment System").click()
    page.get_by_role("link", name="Select Merchant").first.click()
    page.get_by_role("link", name="Add a merchant").click()
    page.get_by_role("link", name="Choose Stripe").click()
    page.get_by_label("Secret or restricted key").fill("sk_test_ThatWasRevoked")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Stripe does not take the secret key")).to_be_visible()
    page.get_by_label("Secret or restricted key").fill(KEY)
    page.get_by_label("Signing secret of the webhook").fill(SECRET)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your charging station is now set up: drivers pay with Stripe.")).to_be_visible()
    expect(page.get_by_role("group", name=re.compile("Drivers are sent there")).get_by_label("Stripe")).to_be_checked()
    expect(page.get_by_text("ends with …0001")).to_be_visible()
    assert KEY not in page.content() and SECRET not in page.content()

    (account,), (station,) = rows(live, PaymentAccount), rows(live, Station)
    assert station.payment_account_id == account.id
    assert (account.collection_mode, account.is_test, account.provider_account) == (
        "operator",
        True,
        "acct_1HarbourFake",
    )
    assert KEY not in account.sealed_credentials
    assert inspect(page) == []

    phone = visit(f"/c/{CODE}", size=PHONE)
    go_to_checkout(phone)
    phone.get_by_role("link", name="Back to the merchant").click()
    expect(phone.get_by_role("heading", name="Payment not finished")).to_be_visible()
    phone.get_by_role("button", name="Continue to payment").click()
    type_card(phone, "4000 0000 0000 9995")
    expect(phone.get_by_role("alert")).to_have_text("Your card was declined.")
    type_card(phone, "4000 0000 0000 3220")
    phone.get_by_role("button", name="Fail").click()
    expect(phone.get_by_role("alert")).to_contain_text("did not confirm")
    type_card(phone, "4000 0000 0000 3220")
    phone.get_by_role("button", name="Complete").click()
    expect(phone.get_by_role("heading", name="Ready to charge")).to_be_visible(timeout=20_000)

    (payment,) = rows(live, Payment)
    assert (payment.status, payment.collection_mode, payment.last4) == (PaymentStatus.AUTHORISED, "operator", "3220")
    phone.get_by_role("button", name="Do not charge, release the hold").click()
    expect(phone.get_by_role("heading", name="The hold is released")).to_be_visible()
    assert fake.intent_of(payment.provider_ref)["status"] == "canceled"
    assert inspect(phone) == []


def test_credentials_that_stop_working_are_told_and_mended(visit, live, harbour, fake):
    with Session(live.engine) as db:
        station, charger = db.scalars(select(Station)).one(), db.scalars(select(Charger)).one()
        station.payment_account_id = factories.stripe_account(db, charger.station.operator).id
        db.commit()
    fake.harbour.is_revoked = True
    phone = visit(f"/c/{CODE}", size=PHONE)
    phone.get_by_label("Plug 1").check()
    phone.get_by_role("button", name="Pay and start charging").click()
    expect(phone.get_by_text("Payment is not available at this station at the moment.")).to_be_visible()
    phone.goto(f"/c/{CODE}")
    expect(phone.get_by_text("Payment is not available at this station at the moment.")).to_be_visible()

    page = visit("/stations/1/payment", user=harbour)
    expect(page.get_by_text("Stripe does not take the secret key")).to_be_visible()
    fake.harbour.is_revoked = False
    page.get_by_role("button", name="Check again").click()

    expect(page.get_by_text("Stripe works.")).to_be_visible()
    assert inspect(page) == []
    phone.goto(f"/c/{CODE}")
    go_to_checkout(phone)
    assert inspect(visit("/stations/1/payment", user=harbour, size=PHONE, scheme="dark")) == []
    assert inspect(visit("/stations/1/payment/merchants", user=harbour, size=PHONE)) == []
    assert inspect(visit("/stations/1/payment/merchants/new", user=harbour, size=PHONE)) == []
    assert inspect(visit("/stations/1/payment/1/credentials", user=harbour, size=PHONE)) == []
