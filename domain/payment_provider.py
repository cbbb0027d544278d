"""What Voltdesk asks of a payment provider, and what it gets back. Providers translate; the rules stay in domain.

Stripe: `open_payment` is a Checkout session with manual capture, `capture` and `release` act on its PaymentIntent.
PayPal: an order with intent AUTHORIZE, its authorisation captured or voided. `reference` travels as metadata
(Stripe) or custom id (PayPal), so that a refund whose answer was lost can be found again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.models.disputes import DisputeStatus
from domain.models.payments import PaymentAccount, PaymentStatus, RefundStatus


class ProviderTrouble(Exception):
    """Talking to the provider did not end as hoped. Not a domain error: nobody broke a rule."""


class ProviderDeclined(ProviderTrouble):
    """The provider said no, for good. The message is its reason, for people."""


class ProviderUnavailable(ProviderTrouble):
    """Nothing happened at the provider; the same call may be made again."""


class ProviderUnknown(ProviderTrouble):
    """Whether it happened is not known; only asking the provider tells."""

    def __init__(self, message: str, *, key_is_spent: bool = False) -> None:
        """Args:
        message: what happened, for the log.
        key_is_spent: the provider would answer this key with the same trouble for ever (Stripe keeps a 500).
        """
        super().__init__(message)
        self.key_is_spent = key_is_spent


class ProviderGone(ProviderTrouble):
    """The provider does not know the payment any more: one that nobody finished was thrown away there."""


class CredentialsRefused(ProviderUnavailable):
    """The provider does not take the account's credentials (any more). The message says why, for people."""


class ProviderMisuse(Exception):
    """We broke the provider's rules: a bug of ours. It raises an alarm and is not tried again."""


class EventRefused(Exception):
    """A message that claims to come from the provider does not prove it, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to be done once at a provider, whatever is lost on the way."""

    installation: str
    verb: str  # open, capture, release, refund
    row_id: int
    attempt: int

    @property
    def reference(self) -> str:
        """Names the row, the same for all attempts."""
        return f"vd:{self.installation}:{self.verb}:{self.row_id}"

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"{self.reference}:{self.attempt}"


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What a driver is asked to agree to."""

    operation: Operation
    amount_minor: int
    currency: str
    description: str
    return_url: str
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The provider knows the payment and waits for the driver at `checkout_url`."""

    ref: str
    checkout_url: str


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """What the provider says of a payment. `status` is one of those that a provider can know:

    action_required, auth_pending, authorised, capture_pending, captured, capture_failed, declined, released, expired.
    """

    ref: str
    status: PaymentStatus
    currency: str
    authorised_minor: int = 0
    captured_minor: int = 0
    instrument: str | None = None
    last4: str | None = None
    capture_before: datetime | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """What the provider says of a refund: pending, succeeded or failed."""

    ref: str
    status: RefundStatus
    currency: str
    amount_minor: int
    failure: str | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Probe:
    """What the provider says of the credentials that it took."""

    account: str  # the provider's own name of the merchant's account
    is_test: bool
    name: str | None = None  # the merchant's business name


class About(StrEnum):
    """What a provider's event makes us ask about."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A hint: ask about this again. Amounts and states inside an event are never used."""

    event_id: str
    kind: str
    about: About
    refs: tuple[str, ...] = ()  # the provider's ids that our row may carry, of what it is about and of its payment
    reference: str | None = None  # ours, of whatever operation
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One movement on the account's balance at the provider; `net_minor` is `amount_minor` less `fee_minor`."""

    ref: str
    kind: str  # charge, refund, dispute, payout, fee, or the provider's own word
    amount_minor: int  # signed
    fee_minor: int
    net_minor: int
    currency: str
    at: datetime
    source: str | None = None  # the provider's id of what moved
    reference: str | None = None  # ours, where the provider carries it
    payout: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """What the provider says of a dispute."""

    ref: str
    status: DisputeStatus
    currency: str
    amount_minor: int
    payment_refs: tuple[str, ...]  # any of them may be a payment's `provider_ref`
    reference: str | None  # ours, of the payment, where the provider carries it
    reason: str
    is_withdrawn: bool  # whether the money is gone from the balance now
    answer_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A driver's card that the provider keeps; `customer` and `ref` are the provider's ids, the rest is for people."""

    customer: str
    ref: str
    brand: str
    last4: str
    expires: str  # "04/2031"


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """What a driver is asked to agree to: the card may be charged later, too."""

    operation: Operation
    customer: str | None  # from an earlier binding
    email: str | None
    return_url: str
    locale: str | None = None


class SavedCards(Protocol):
    """What a provider offers that keeps cards. Raises as PaymentProvider does."""

    def start_binding(self, request: BindingRequest) -> Opened:
        """The driver can be sent to the provider's page, to type a card."""
        ...

    def bound_card(self, ref: str) -> SavedCard | None:
        """The card of that binding; None while the driver has not finished."""
        ...

    def saved_cards(self, customer: str) -> list[SavedCard]:
        """The customer's cards, the newest first."""
        ...

    def detach_card(self, card: SavedCard) -> None:
        """The card can never be charged again; nothing happens if it was so before."""
        ...

    def hold_saved_card(self, request: HoldRequest, card: SavedCard) -> PaymentFacts:
        """The amount is held without the driver; ProviderDeclined also when the bank wants to see the driver."""
        ...


class PaymentProvider(Protocol):
    """One account at a payment provider. Every call may raise ProviderDeclined, ProviderUnavailable or ProviderUnknown.

    A call made again with the same key does nothing again and answers the same.
    """

    name: str

    def open_payment(self, request: HoldRequest) -> Opened:
        """The driver can be sent to the provider's page; nothing is held yet."""
        ...

    def fetch(self, ref: str) -> PaymentFacts:
        """The payment as it is at the provider now."""
        ...

    def capture(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> PaymentFacts:
        """That much of the hold is taken, the rest is released."""
        ...

    def release(self, ref: str, operation: Operation) -> PaymentFacts:
        """Nothing is held any more, or the checkout is closed if nothing was held yet."""
        ...

    def refund(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> RefundFacts:
        """That much of the captured money is on its way back."""
        ...

    def find_refund(self, ref: str, reference: str) -> RefundFacts | None:
        """The refund that carries this reference, of whatever attempt; None if there is none."""
        ...

    def probe_credentials(self) -> Probe:
        """Whose account it is; the credentials may do all that is needed. CredentialsRefused otherwise."""
        ...

    def parse_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        """What the message is about. EventRefused unless it proves to be the provider's, about this account, fresh."""
        ...

    def list_settlement_lines(self, since: datetime, until: datetime) -> list[SettlementLine]:
        """Every movement on the account's balance from `since` to before `until`."""
        ...

    def fetch_dispute(self, ref: str) -> DisputeFacts:
        """The dispute as it is at the provider now."""
        ...


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing to type when a merchant is added."""

    name: str
    label: str
    hint: str
    is_secret: bool = True
    is_required: bool = True
    looks_like: str = ""  # a regular expression that the whole of it matches
    wrong: str = ""  # what to say otherwise


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """A provider as people choose it: what to type, what it offers, how to make one."""

    name: str
    label: str  # "Stripe"
    drivers_label: str  # how drivers know it: "Card"
    make: Callable[[PaymentAccount, Mapping[str, str]], PaymentProvider]  # the account, its credentials unsealed
    fields: tuple[CredentialField, ...] = ()
    is_test_money: bool = False
    sends_events: bool = False
    about: str = ""  # one sentence for the person who chooses


class Providers(Protocol):
    """The registry of providers."""

    kinds: Mapping[str, ProviderKind]

    def provider_for(self, account: PaymentAccount) -> PaymentProvider:
        """The provider that works on that account. CredentialsRefused if its credentials cannot be unsealed.

        Args:
            account: the row that holds the credentials, as `payment_accounts.holder` gives it.
        """
        ...
