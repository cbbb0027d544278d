"""Certificates for wss: making a self-signed one, reading what is there."""

import ipaddress
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.errors import Conflict

LONGEST_COMMON_NAME = 64


class Files(NamedTuple):
    """Where the sidecar looks."""

    certificate: Path
    key: Path


def files(instance_dir: Path) -> Files:
    """The certificate (PEM, leaf first) and its private key of an installation."""
    folder = instance_dir / "tls"
    return Files(folder / "cert.pem", folder / "key.pem")


def write_self_signed(
    instance_dir: Path, hosts: Collection[str], *, days: int, replace: bool = False, now: datetime
) -> x509.Certificate:
    """The installation has a certificate for these hosts that it signed itself.

    RSA with 2048 bits, because that is what every charger with TLS can do.

    Raises:
        Conflict: there is a certificate already, and `replace` is not set.
    """
    here = files(instance_dir)
    if not replace and (here.certificate.exists() or here.key.exists()):
        raise Conflict(f"There is a certificate in {here.certificate.parent} already. Say --replace to make a new one.")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _sign(key, list(dict.fromkeys(hosts)), days, now)
    here.certificate.parent.mkdir(parents=True, exist_ok=True)
    here.key.touch(mode=0o600)
    here.key.chmod(0o600)
    here.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    here.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate


def read(path: Path) -> x509.Certificate:
    """The first certificate in a PEM file.

    Raises:
        ValueError: it holds none.
    """
    return x509.load_pem_x509_certificate(path.read_bytes())


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, as chargers and browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _sign(key: rsa.RSAPrivateKey, hosts: list[str], days: int, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:LONGEST_COMMON_NAME])])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # chargers' clocks run late
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
