"""Events as PayPal would send them: signed, with a certificate of an authority that exists in the tests only."""

import base64
import json
import uuid
import zlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

WEBHOOK_ID = "1JE4291016473214C"
ADDRESS = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-5edc0ebc"
NAME = "messageverificationcerts.paypal.com"


@lru_cache(maxsize=8)
def private_key(_: str) -> RSAPrivateKey:
    """A key for each name; made once in a test run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def authority(now: datetime, name: str = "Authority of the tests") -> x509.Certificate:
    """A root certificate."""
    key = private_key(name)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _begun(called, called, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def certificate(root: x509.Certificate, now: datetime, name: str = NAME) -> bytes:
    """PEM of a certificate for that host, signed by the root; valid for 90 days around now."""
    issuer = private_key(root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    key = private_key("leaf")
    made = (
        _begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), root.subject, key, now)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .sign(issuer, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def event(kind: str, resource: dict[str, Any], event_id: str | None = None) -> bytes:
    """The body of an event."""
    told: dict[str, Any] = {"id": event_id or f"WH-{uuid.uuid4()}", "event_type": kind, "resource": resource}
    told["create_time"] = "2026-11-02T08:00:00.000Z"
    return json.dumps({**told, "event_version": "1.0", "resource_version": "2.0"}).encode()


def signed(body: bytes, now: datetime, webhook_id: str = WEBHOOK_ID) -> dict[str, str]:
    """The headers that go with it."""
    transmission_id, time = str(uuid.uuid4()), now.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(body)}"
    signature = private_key("leaf").sign(text.encode(), padding.PKCS1v15(), SHA256())
    return {
        "paypal-transmission-id": transmission_id,
        "paypal-transmission-time": time,
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": ADDRESS,
    }


def _begun(subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=30))
    )
