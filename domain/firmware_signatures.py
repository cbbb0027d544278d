"""Whether a firmware file was signed by the holder of a certificate.

Source: OCA white paper "Improved security for OCPP 1.6-J", SignedUpdateFirmware: Base64 over the file, SHA-256.
"""

import base64
import binascii
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from domain.errors import Refused

LONGEST_SIGNATURE, LONGEST_CERTIFICATE = 800, 5500  # what the message may hold


def check(signature: str, certificate: str, sha256: str) -> None:
    """The signature fits the file with that digest and was made with the certificate's key.

    Raises:
        Refused: naming the field that is wrong.
    """
    if len(certificate) > LONGEST_CERTIFICATE:
        raise _refused("signing_certificate", f"OCPP takes up to {LONGEST_CERTIFICATE} characters.")
    if len(signature) > LONGEST_SIGNATURE:
        raise _refused("signature", f"OCPP takes up to {LONGEST_SIGNATURE} characters.")
    try:
        key: Any = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise _refused(
            "signing_certificate", "This is no certificate in PEM form (-----BEGIN CERTIFICATE-----)."
        ) from None
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        raise _refused("signature", "This is not Base64.") from None
    if not _verifies(key, raw, bytes.fromhex(sha256)):
        raise _refused("signature", "This signature was not made over this file with the key of this certificate.")


def _verifies(key: Any, signature: bytes, digest: bytes) -> bool:
    kind = Prehashed(hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _holds(key, signature, digest, ec.ECDSA(kind))
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        return any(_holds(key, signature, digest, scheme, kind) for scheme in (padding.PKCS1v15(), pss))
    return False


def _holds(key: Any, signature: bytes, digest: bytes, *scheme: Any) -> bool:
    try:
        key.verify(signature, digest, *scheme)
    except InvalidSignature:
        return False
    return True


def _refused(field: str, sentence: str) -> Refused:
    return Refused(sentence, [(field, sentence)])
