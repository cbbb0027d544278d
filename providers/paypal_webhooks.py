"""Whether an event comes from PayPal, by its signature; what it says is only a hint to ask PayPal again.

PayPal signs `transmission id|time|webhook id|CRC-32 of the raw body` with RSA and SHA-256, and names the address of the
certificate in a header that anybody can write. So the address has to be PayPal's own, and the certificate one that
the system's certificate authorities vouch for under a name of PayPal's.

Source: developer.paypal.com, "Integrate webhooks", message verification by yourself.
"""

import base64
import re
import ssl
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from domain import json_text
from providers.paypal_facts import time_of

# PayPal repeats an event for three days, and does not say whether under a new time. A repetition within that span
# does no harm: an event id is taken once, and an event changes nothing by itself.
OLDEST = timedelta(days=3, hours=6)
CLOCKS_DIFFER_BY = timedelta(minutes=5)
LARGEST_EVENT = 256 * 1024
LARGEST_CERTIFICATE = 32 * 1024
DOWNLOAD_TIMEOUT_S = (3, 5)
CERTIFICATE_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9-]{1,100}")
KEEP_FOR = timedelta(hours=12)
MOST_KEPT = 16
# Whoever invents addresses makes us ask PayPal for them; not without end.
MOST_FAILURES, FAILURES_WITHIN = 10, timedelta(minutes=1)


class NotFromPayPal(Exception):
    """The event is refused for good."""


class CannotTell(Exception):
    """The certificate cannot be had right now; PayPal sends the event again."""


@dataclass(frozen=True, slots=True)
class Event:
    """What PayPal asks us to look at. Amounts and states inside the event are not kept: they may be old."""

    id: str
    kind: str  # "PAYMENT.CAPTURE.COMPLETED"
    about: str  # payment, refund, dispute or other
    ref: str | None  # PayPal's id of it: of a payment that of its order, which is our provider_ref
    reference: str | None  # ours, "vd:...:open:7"
    said_at: datetime | None


class Certificates:
    """The public keys behind PayPal's certificate addresses, each fetched and verified once in a while."""

    def __init__(
        self,
        roots: Sequence[x509.Certificate] | None = None,
        download: Callable[[str], bytes] | None = None,
    ) -> None:
        """Args:
        roots: whom to trust instead of the system's certificate authorities.
        download: fetches an address that has been found to be PayPal's.
        """
        self._roots = roots
        self._download = download or fetch
        self._kept: dict[str, tuple[RSAPublicKey, datetime]] = {}
        self._failures: list[datetime] = []
        self._lock = threading.Lock()

    def public_key(self, address: str, now: datetime) -> RSAPublicKey:
        """
        Raises:
            NotFromPayPal: the address is not PayPal's, or nobody vouches for what lies there.
            CannotTell: it cannot be fetched.
        """
        refuse_foreign(address)
        with self._lock:  # events come in crowds; one fetches, the others wait for it
            key, until = self._kept.get(address, (None, now))
            if key is not None and now < until:
                return key
            self._failures = [at for at in self._failures if now - at < FAILURES_WITHIN]
            if len(self._failures) >= MOST_FAILURES:
                raise CannotTell("too many certificates that could not be used within the last minute")
            try:
                key, until = trusted_key(self._download(address), self._roots or system_roots(), now)
            except (NotFromPayPal, CannotTell):
                self._failures.append(now)
                raise
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[address] = key, min(until, now + KEEP_FOR)
            return key


def read_event(
    headers: Mapping[str, str], body: bytes, webhook_id: str, certificates: Certificates, now: datetime
) -> Event:
    """The event, if PayPal sent it to this webhook.

    Args:
        headers: of the request, found by their names in small letters.
        body: as it came, byte for byte.
        webhook_id: PayPal's id of the webhook that the account has with us; never one from the request.
        certificates: kept from event to event.
        now: the present moment.

    Raises:
        NotFromPayPal: answer 400.
        CannotTell: answer 503.
    """
    sent = {name: headers.get(f"paypal-{name}", "") for name in ("transmission-id", "transmission-time")}
    _check_time(sent["transmission-time"], now)
    if headers.get("paypal-auth-algo") != "SHA256withRSA" or not sent["transmission-id"]:
        raise NotFromPayPal("a header is missing, or the algorithm is another one")
    if len(body) > LARGEST_EVENT:
        raise NotFromPayPal("the event is too large")
    signature = _signature(headers.get("paypal-transmission-sig", ""))
    signed = f"{sent['transmission-id']}|{sent['transmission-time']}|{webhook_id}|{zlib.crc32(body)}"
    key = certificates.public_key(headers.get("paypal-cert-url", ""), now)
    try:
        key.verify(signature, signed.encode(), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise NotFromPayPal("the signature does not fit") from None
    return _event(body)


def refuse_foreign(address: str) -> None:
    """
    Raises:
        NotFromPayPal: not an https address of PayPal's certificates.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise NotFromPayPal("the certificate has no readable address") from None
    host = parts.hostname or ""
    is_plain = address.isascii() and address.isprintable() and "\\" not in address and " " not in address
    is_ours = parts.scheme == "https" and re.fullmatch(r"([a-z0-9-]+\.)+paypal\.com", host) is not None
    is_bare = port in (None, 443) and parts.username is None and not parts.query and not parts.fragment
    if not (is_plain and is_ours and is_bare and CERTIFICATE_PATH.fullmatch(parts.path)):
        raise NotFromPayPal("the certificate's address is not PayPal's")


def fetch(address: str) -> bytes:
    """The bytes at an address. No redirect is followed, nothing large is read.

    Raises: CannotTell.
    """
    try:
        with requests.get(address, timeout=DOWNLOAD_TIMEOUT_S, allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise CannotTell(f"the certificate's address answered {answer.status_code}")
            read = b""
            for part in answer.iter_content(4096):
                read += part
                if len(read) > LARGEST_CERTIFICATE:
                    raise CannotTell("the certificate is too large")
            return read
    except requests.RequestException as error:
        raise CannotTell(f"the certificate cannot be fetched: {error!r}") from error


def trusted_key(pem: bytes, roots: Sequence[x509.Certificate], now: datetime) -> tuple[RSAPublicKey, datetime]:
    """The key of the first certificate, and until when it is valid.

    Raises:
        NotFromPayPal: no certificate, or none that leads to a root under a name of PayPal's.
    """
    try:
        leaf, *between = x509.load_pem_x509_certificates(pem)
        name = next(_names(leaf))
        verifier = PolicyBuilder().store(Store(list(roots))).time(now).build_server_verifier(x509.DNSName(name))
        verifier.verify(leaf, between)
        key = leaf.public_key()
    except StopIteration:
        raise NotFromPayPal("the certificate has no name of PayPal's") from None
    except (ValueError, VerificationError, x509.ExtensionNotFound) as error:
        raise NotFromPayPal(f"the certificate is not to be trusted: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise NotFromPayPal("the certificate's key is no RSA key")
    return key, leaf.not_valid_after_utc


@lru_cache(maxsize=1)
def system_roots() -> tuple[x509.Certificate, ...]:
    """The certificate authorities that this machine trusts; those that come with `requests` if it has none."""
    context = ssl.create_default_context()
    if not context.get_ca_certs(binary_form=True):
        context = ssl.create_default_context(cafile=certifi.where())
    roots = []
    with warnings.catch_warnings(action="ignore"):  # about old ones with odd serial numbers
        for encoded in context.get_ca_certs(binary_form=True):
            with suppress(ValueError):  # what cryptography finds malformed vouches for nobody
                roots.append(x509.load_der_x509_certificate(encoded))
    return tuple(roots)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    for name in found.value.get_values_for_type(x509.DNSName):
        if name.endswith(".paypal.com"):
            yield name.replace("*", "any")


def _check_time(text: str, now: datetime) -> None:
    try:
        sent_at = time_of(text)
    except ValueError:
        raise NotFromPayPal("the transmission time is unreadable") from None
    if not now - OLDEST <= sent_at <= now + CLOCKS_DIFFER_BY:
        raise NotFromPayPal(f"the transmission time {text} is too far from now")


def _signature(text: str) -> bytes:
    try:
        signature = base64.b64decode(text, validate=True)
    except ValueError:
        signature = b""
    # Base64 has several spellings of the same bytes; only one of them is PayPal's.
    if not signature or base64.b64encode(signature).decode() != text:
        raise NotFromPayPal("the signature is no Base64")
    return signature


def _event(body: bytes) -> Event:
    try:
        told: Any = json_text.decode(body)
        resource = told["resource"] if isinstance(told["resource"], dict) else {}
        event_id, kind = told["id"], told["event_type"]
    except (json_text.InvalidJson, TypeError, KeyError) as error:
        raise NotFromPayPal(f"the event is unreadable: {error!r}") from error
    if not (isinstance(event_id, str) and isinstance(kind, str) and 0 < len(event_id) <= 100 and len(kind) <= 100):
        raise NotFromPayPal("the event has no id or kind")
    about = _about(kind)
    ref, reference = _names_of(about, kind, resource)
    return Event(event_id, kind, about, ref, reference, _time(told.get("create_time")))


def _about(kind: str) -> str:
    if kind.startswith("CUSTOMER.DISPUTE."):
        return "dispute"
    if kind == "PAYMENT.CAPTURE.REFUNDED" or kind.startswith("PAYMENT.REFUND."):
        return "refund"
    is_payment = kind.startswith(("CHECKOUT.ORDER.", "PAYMENT.AUTHORIZATION.", "PAYMENT.CAPTURE."))
    return "payment" if is_payment else "other"


def _names_of(about: str, kind: str, resource: dict[str, Any]) -> tuple[str | None, str | None]:
    """PayPal's id and our reference of what the event is about."""
    if about == "dispute":
        disputed = resource.get("disputed_transactions")
        first = disputed[0] if isinstance(disputed, list) and disputed else None
        return _text(resource.get("dispute_id")), _text(_inner(first, "custom"))
    if kind.startswith("CHECKOUT.ORDER."):
        units = resource.get("purchase_units")
        first = units[0] if isinstance(units, list) and units else None
        return _text(resource.get("id")), _text(_inner(first, "custom_id"))
    reference = _text(resource.get("custom_id"))
    if about != "payment":
        return _text(resource.get("id")), reference
    return _text(_inner(_inner(resource.get("supplementary_data"), "related_ids"), "order_id")), reference


def _inner(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _time(value: Any) -> datetime | None:
    try:
        return time_of(value)
    except (TypeError, ValueError):
        return None
