"""The real SDK against the imitation, on a clock that is moved by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from domain.models.payments import PaymentAccount
from domain.payment_provider import HoldRequest, Operation
from providers.stripe import calls
from providers.stripe.provider import Stripe
from tests.fakes.stripe import KEY, SECRET, FakeStripe

NOW = datetime(2026, 11, 20, 11, 4, tzinfo=UTC)


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe(NOW).running() as fake:
        yield fake


@pytest.fixture
def open_account(fake: FakeStripe) -> Callable[..., Stripe]:
    def open_(key: str = KEY, timeout_s: tuple[float, float] = (3.0, 5.0), **values: str) -> Stripe:
        account = PaymentAccount(provider="stripe", is_test=True, provider_account=fake.harbour.id)
        credentials = {"secret_key": key, "webhook_secret": SECRET} | values
        return Stripe(calls.client(key, fake.url, timeout_s), account, credentials)

    return open_


@pytest.fixture
def harbour(open_account: Callable[..., Stripe]) -> Stripe:
    return open_account()


def operation(verb: str, attempt: int = 1, row_id: int = 17) -> Operation:
    return Operation("a1b2c3", verb, row_id, attempt)


def hold(amount: int = 4500, currency: str = "EUR", **values: object) -> HoldRequest:
    return HoldRequest(
        **{
            "operation": operation("open"),
            "amount_minor": amount,
            "currency": currency,
            "description": "EV charging",
            "return_url": "https://volt.example/s/abc",
            "locale": "fi",
        }
        | values
    )
