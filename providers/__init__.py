"""The outside world: payment providers and what else is not ours. Domain knows them by their Protocols only."""

from collections.abc import Callable
from functools import lru_cache

from sqlalchemy.orm import Session

from domain import payment_accounts
from domain.catalogues import spoken
from domain.models.payments import PaymentAccount
from domain.payment_provider import CredentialsRefused, PaymentProvider, ProviderKind
from domain.settings import Settings
from providers.paypal import paypal_kind
from providers.sandbox import Sandbox
from providers.stripe import stripe_kind

MOST_KEPT = 200


class Registry:
    """Every payment provider by the name that accounts and payments carry, and the way to one for an account."""

    def __init__(self, kinds: list[ProviderKind], secret_key: str) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._secret_key = secret_key
        # A provider keeps connections open; other credentials make another one.
        self._made = lru_cache(MOST_KEPT)(self._make)

    def provider_for(self, account: PaymentAccount) -> PaymentProvider:
        return self._make(_Key(account)) if account.sealed_credentials is None else self._made(_Key(account))

    def _make(self, key: "_Key") -> PaymentProvider:
        account = key.account
        kind = self.kinds.get(account.provider)
        if kind is None:
            raise CredentialsRefused(f"This version knows no payment provider {account.provider!r}.")
        return kind.make(account, payment_accounts.unsealed(account, self._secret_key))


class _Key:
    """An account, equal to another one that makes the same provider."""

    def __init__(self, account: PaymentAccount) -> None:
        self.account = account
        self._parts = (account.provider, account.provider_account, account.is_test, account.sealed_credentials)

    def __hash__(self) -> int:
        return hash(self._parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._parts == other._parts


def payment_providers(open_db: Callable[[], Session], settings: Settings) -> Registry:
    """The registry of this installation. A new provider adds its kind here."""
    kinds = [sandbox_kind(Sandbox(open_db)), stripe_kind(settings.stripe_api_url), paypal_kind()]
    return Registry(kinds, settings.secret_key)


def sandbox_kind(sandbox: PaymentProvider) -> ProviderKind:
    """The provider of test money."""
    return ProviderKind(
        name=Sandbox.name,
        label="Sandbox (test money)",
        drivers_label=spoken("Test money"),
        make=lambda _account, _credentials: sandbox,
        is_test_money=True,
        about="Plays a payment provider with test cards. No money moves.",
    )
