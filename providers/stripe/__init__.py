"""Stripe, driven by its official SDK. Tested against a strict imitation, never yet against Stripe itself."""

from collections.abc import Mapping

from domain.catalogues import spoken
from domain.models.payments import PaymentAccount
from domain.payment_provider import CredentialField, ProviderKind
from providers.stripe import calls
from providers.stripe.provider import Stripe

FIELDS = (
    CredentialField(
        "secret_key",
        "Secret or restricted key",
        "In Stripe under Developers, API keys. A restricted key is safer than a secret key: let it write Checkout "
        "Sessions, PaymentIntents, Charges and Refunds, Customers and PaymentMethods, and read balance and disputes.",
        looks_like="(sk|rk)_(test|live)_[A-Za-z0-9_]{8,}",
        wrong="A key of Stripe begins with sk_ or rk_. The publishable key (pk_) does not work here.",
    ),
    CredentialField(
        "webhook_secret",
        "Signing secret of the webhook",
        "Begins with whsec_. May follow later: the address to enter at Stripe is shown after saving.",
        is_required=False,
        looks_like="whsec_[A-Za-z0-9+/=_-]{8,}",
        wrong="A signing secret of Stripe begins with whsec_.",
    ),
)


def stripe_kind(api_url: str | None = None) -> ProviderKind:
    """Stripe for the registry.

    Args:
        api_url: where Stripe is, for tests.
    """

    def make(account: PaymentAccount, credentials: Mapping[str, str]) -> Stripe:
        return Stripe(calls.client(credentials["secret_key"], api_url), account, credentials)

    return ProviderKind(
        name=Stripe.name,
        label="Stripe",
        drivers_label=spoken("Card"),
        make=make,
        fields=FIELDS,
        sends_events=True,
        about="Cards, Apple Pay and Google Pay on Stripe's own page, through your own Stripe account.",
    )
