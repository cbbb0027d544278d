"""Certificates of the security extension. Needs the `cryptography` package; nothing else here does."""

import base64
import binascii
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from simulator.wire import Payload


def read(pem: str) -> x509.Certificate:
    """The first certificate of the text. Raises: ValueError."""
    return x509.load_pem_x509_certificate(pem.encode())


def is_root(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def hash_data(certificate: x509.Certificate) -> Payload:
    """How OCPP names a root certificate: the hashes of its issuer, which is itself."""
    key = certificate.public_key()
    form = (serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        form = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": _sha256(certificate.issuer.public_bytes()),
        "issuerKeyHash": _sha256(key.public_bytes(*form)),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def signing_request(key: ec.EllipticCurvePrivateKey, device_id: str, organisation: str) -> str:
    """A PEM certificate signing request. Source: white paper, section 3.3: CN is the serial, O the operator."""
    names = [(NameOID.COMMON_NAME, device_id[:64]), (NameOID.ORGANIZATION_NAME, (organisation or "unnamed")[:64])]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def belongs_to(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return certificate.public_key() == key.public_key()


def is_signed(certificate_pem: str, body: bytes, signature: str) -> bool:
    """Whether `signature` (base64) over `body` was made with the certificate's key, with SHA-256."""
    try:
        key: Any = read(certificate_pem).public_key()
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        return any(_verifies(key, raw, body, scheme, hashes.SHA256()) for scheme in (padding.PKCS1v15(), pss))
    return isinstance(key, ec.EllipticCurvePublicKey) and _verifies(key, raw, body, ec.ECDSA(hashes.SHA256()))


def _verifies(key: Any, signature: bytes, body: bytes, *scheme: Any) -> bool:
    try:
        key.verify(signature, body, *scheme)
    except InvalidSignature:
        return False
    return True


def _sha256(data: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize().hex()
