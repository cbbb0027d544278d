"""The security extension of 1.6: logs, signed firmware, certificates.

Source: OCA white paper "Improved security for OCPP 1.6-J", edition 3.
"""

from datetime import datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from simulator.commands.maintenance import between, diagnostics, file_name_of
from simulator.maintenance import Upgrade
from simulator.wire import CallRefused, Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger


def get_log(charger: "SimulatedCharger", payload: Payload) -> Reply:
    log = payload["log"]
    window = (log.get("oldestTimestamp"), log.get("latestTimestamp"))
    if payload["logType"] == "SecurityLog":
        file_name = file_name_of(charger, "security")
        body = "\n".join([*between(charger.security_log, *window), ""]).encode()
    else:
        file_name = file_name_of(charger, "diagnostics")
        body = diagnostics(charger, *window)
    upload = partial(
        charger.maintenance.upload_log,
        payload["requestId"],
        log["remoteLocation"],
        file_name,
        body,
        attempts=payload.get("retries", 0) + 1,
        wait_s=payload.get("retryInterval", 0),
    )
    return Reply({"status": "Accepted", "filename": file_name}, lambda: charger.spawn(upload()))


def signed_update_firmware(charger: "SimulatedCharger", payload: Payload) -> Payload | Reply:
    firmware, certificates = payload["firmware"], load_certificates()
    install = firmware.get("installDateTime")
    order = Upgrade(
        location=firmware["location"],
        retrieve_at=datetime.fromisoformat(firmware["retrieveDateTime"]),
        install_at=datetime.fromisoformat(install) if install else None,
        retries=payload.get("retries", 0),
        retry_interval_s=payload.get("retryInterval", 0),
        request_id=payload["requestId"],
        certificate=firmware["signingCertificate"],
        signature=firmware["signature"],
    )
    try:
        certificates.read(order.certificate)
    except ValueError:
        charger.security_event("InvalidFirmwareSigningCertificate")
        return {"status": "InvalidCertificate"}
    status = "AcceptedCanceled" if charger.maintenance.is_upgrading else "Accepted"
    return Reply({"status": status}, lambda: charger.maintenance.upgrade(order))


def install_certificate(charger: "SimulatedCharger", payload: Payload) -> Payload:
    kind, pem, certificates = payload["certificateType"], payload["certificate"], load_certificates()
    try:
        certificate = certificates.read(pem)
    except ValueError:
        return {"status": "Rejected"}
    if not certificates.is_root(certificate):
        return {"status": "Rejected"}
    if len(charger.certificates) >= charger.configuration.number("CertificateStoreMaxLength"):
        return {"status": "Failed"}
    if (kind, pem) not in charger.certificates:
        charger.certificates.append((kind, pem))
    return {"status": "Accepted"}


def get_installed_certificate_ids(charger: "SimulatedCharger", payload: Payload) -> Payload:
    wanted, certificates = payload["certificateType"], load_certificates()
    found = [certificates.hash_data(certificates.read(pem)) for kind, pem in charger.certificates if kind == wanted]
    return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}


def delete_certificate(charger: "SimulatedCharger", payload: Payload) -> Payload:
    wanted, certificates = payload["certificateHashData"], load_certificates()
    kept = [
        (kind, pem) for kind, pem in charger.certificates if certificates.hash_data(certificates.read(pem)) != wanted
    ]
    if len(kept) == len(charger.certificates):
        return {"status": "NotFound"}
    charger.certificates = kept
    return {"status": "Accepted"}


def certificate_signed(charger: "SimulatedCharger", payload: Payload) -> Payload:
    """Accepted if it certifies the key that we last asked for."""
    certificates = load_certificates()
    try:
        certificate = certificates.read(payload["certificateChain"])
    except ValueError:
        certificate = None
    if certificate is None or charger.key is None or not certificates.belongs_to(certificate, charger.key):
        charger.security_event("InvalidChargePointCertificate")
        return {"status": "Rejected"}
    charger.note("has a new certificate")
    return {"status": "Accepted"}


def ask_for_certificate(charger: "SimulatedCharger") -> None:
    certificates = load_certificates()
    charger.key = certificates.new_key()
    csr = certificates.signing_request(charger.key, charger.spec.device_id, charger.configuration.text("CpoName"))
    charger.post("SignCertificate", {"csr": csr})


def load_certificates() -> ModuleType:
    """Raises: CallRefused, where the package is not installed."""
    try:
        from simulator import certificates
    except ImportError:
        raise CallRefused("NotImplemented", "certificates need the cryptography package") from None
    return certificates
