"""The client of Stripe's SDK with our time-outs, and its errors as the outcomes that domain knows."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
import stripe
import urllib3

from domain.catalogues import spoken
from domain.payment_provider import (
    CredentialsRefused,
    ProviderDeclined,
    ProviderMisuse,
    ProviderUnavailable,
    ProviderUnknown,
)
from providers.stripe import words

# Three calls one after the other fit into the lease of settling.
TIMEOUT_S = (3.05, 8.0)  # to connect, to answer
_MOVED_ON = frozenset(
    {
        "charge_already_captured",
        "charge_expired_for_capture",
        "intent_unexpected_state",
        "lock_timeout",
        "payment_intent_unexpected_state",
        "setup_intent_unexpected_state",
    }
)
_REFUSED = {
    "amount_too_small": spoken("The amount is below the least that Stripe takes."),
    "amount_too_large": spoken("The amount is above the most that Stripe takes."),
    "balance_insufficient": "There is not enough money on the Stripe account.",
    "charge_already_refunded": "The payment was refunded before, outside Voltdesk.",
    "charge_disputed": "The driver disputed the payment at the bank.",
    "refund_disputed_payment": "The driver disputed the payment at the bank.",
}


def client(
    secret_key: str, api_url: str | None = None, timeout_s: tuple[float, float] = TIMEOUT_S
) -> stripe.StripeClient:
    """A client for one account. It never tries again by itself: the sweeps do, with the same key.

    Args:
        secret_key: of the account.
        api_url: where Stripe is, for tests.
        timeout_s: to connect, to answer.
    """
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_url} if api_url else {},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=timeout_s),  # type: ignore[arg-type]
    )


@contextmanager
def writing() -> Iterator[None]:
    """Around a call that changes something: when its answer is lost, it may have happened."""
    try:
        yield
    except stripe.APIConnectionError as error:
        if _was_never_sent(error):
            raise ProviderUnavailable(_told(error)) from error
        raise ProviderUnknown(_told(error)) from error
    except stripe.StripeError as error:
        raise _trouble(error) from error


@contextmanager
def reading() -> Iterator[None]:
    """Around a call that only asks: when its answer is lost, nothing is."""
    try:
        yield
    except stripe.APIConnectionError as error:
        raise ProviderUnavailable(_told(error)) from error
    except stripe.StripeError as error:
        trouble = _trouble(error)
        if isinstance(trouble, ProviderUnknown):
            trouble = ProviderUnavailable(str(trouble))
        raise trouble from error


def _trouble(error: stripe.StripeError) -> Exception:
    if error.code == "idempotency_key_in_use" or error.http_status == 409:
        return ProviderUnknown(_told(error))  # the first call with this key is still at work
    if isinstance(error, stripe.IdempotencyError):
        return ProviderMisuse(_told(error))
    if isinstance(error, stripe.CardError):
        return ProviderDeclined(words.decline(error.error or error))
    if isinstance(error, stripe.AuthenticationError):
        return CredentialsRefused("Stripe does not take the secret key: it was revoked, has expired or is incomplete.")
    if isinstance(error, stripe.PermissionError):
        return CredentialsRefused(
            f"The key lacks a permission at Stripe. Stripe says: {error.user_message or 'no more'}"
        )
    if isinstance(error, stripe.RateLimitError):
        return ProviderUnavailable(_told(error))
    if isinstance(error, stripe.InvalidRequestError):
        return _bad_request(error)
    # Stripe keeps the answer to a key, a 500 too: only another key gets another answer.
    return ProviderUnknown(_told(error), key_is_spent=(error.http_status or 0) >= 500)


def _bad_request(error: stripe.InvalidRequestError) -> Exception:
    if error.code in _MOVED_ON:
        return ProviderUnknown(_told(error))  # the next look tells where it stands
    if error.code in _REFUSED:
        return ProviderDeclined(_REFUSED[error.code])
    return ProviderMisuse(_told(error))


def _was_never_sent(error: stripe.APIConnectionError) -> bool:
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    inner = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(inner, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _told(error: stripe.StripeError) -> str:
    told = str(error.user_message or error).strip().splitlines()
    parts = (type(error).__name__, error.http_status, error.code, told[-1] if told else None, error.request_id)
    return " ".join(str(part) for part in parts if part)
