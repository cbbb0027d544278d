"""The fake PayPal, the provider that talks to it through PayPal's SDK, and a station that is paid through it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from domain import settling
from domain.models.payments import Payment, PaymentAccount
from providers.paypal import PayPal, paypal_kind
from tests.factories import NOW
from tests.fakes.paypal.server import CLIENT_ID, CLIENT_SECRET, FakePayPal, running
from tests.money_world import World


@pytest.fixture
def fake() -> Iterator[FakePayPal]:
    with running(NOW) as fake:
        yield fake


@pytest.fixture
def paypal(fake: FakePayPal) -> Iterator[PayPal]:
    provider = PayPal(
        CLIENT_ID, CLIENT_SECRET, is_test=True, base_url=fake.url, timeout_s=(2, 1.0), clock=lambda: fake.books.now
    )
    yield provider
    provider.close()


class PayPalWorld(World):
    """The world with test money, but the station's payment account is one at PayPal."""

    fake: FakePayPal

    def moved(self, fake: FakePayPal, provider: PayPal) -> "PayPalWorld":
        self.fake = fake
        self.till.providers.kinds["paypal"] = replace(paypal_kind(), make=lambda _account, _credentials: provider)
        self.db.scalars(select(PaymentAccount)).one().provider = "paypal"
        self.db.commit()
        return self

    def later(self, **time: float) -> None:
        super().later(**time)
        self.fake.books.now = self.now

    def pay(self, card: str = "", token: str = "t" * 40, connector: int = 1) -> Payment:
        payment = self.checkout(token, connector)
        self.fake.books.approve(payment.provider_ref)
        settling.settle_payment(self.till, payment.id, self.now, at_once=True)
        return self.fresh(payment)

    def sweep_until_quiet(self) -> None:
        """Rounds of the worker far enough apart that each time everything is due again."""
        for _ in range(4):
            self.settle()
            self.later(seconds=35)


@pytest.fixture
def world(engine: Engine, fake: FakePayPal, paypal: PayPal) -> Iterator[PayPalWorld]:
    world = PayPalWorld(engine).moved(fake, paypal)
    yield world
    world.db.close()
