"""Firmware, diagnostics, logs and certificates, with a real HTTP server on the other side."""

import base64
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.maintenance import version_of

LONG_AGO = "2025-01-01T00:00:00Z"
IMAGE = b"SIMFW version=2.5.0\n" + bytes(1000)


class Files(ThreadingHTTPServer):
    """Serves /wall22.bin, takes uploads below /up/ by PUT and below /post/ by POST."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.taken = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(200 if self.path == "/wall22.bin" else 404, IMAGE)

    def do_PUT(self):
        self._take("/up/")

    def do_POST(self):
        self._take("/post/")

    def _take(self, folder):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.startswith(folder):
            return self._answer(405)
        self.server.taken.append((self.command, self.path, body))
        return self._answer(201)

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def files():
    server = Files()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def statuses(central, action):
    return [payload["status"] for payload in central.of(action)]


def security_events(central):
    return [payload["type"] for payload in central.of("SecurityEventNotification")]


async def test_an_upgrade_reboots_into_the_new_version(central, make_charger, files):
    await make_charger(firmware="2.4.0")

    answer = await central.call("UpdateFirmware", {"location": f"{files.url}/wall22.bin", "retrieveDate": LONG_AGO})
    await central.until(lambda c: "Installed" in statuses(c, "FirmwareStatusNotification"))

    assert answer == {}
    assert statuses(central, "FirmwareStatusNotification") == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert [boot["firmwareVersion"] for boot in central.of("BootNotification")] == ["2.4.0", "2.5.0"]


async def test_an_upgrade_waits_for_the_transaction(central, make_charger, files):
    charger = await make_charger()
    await charger.plug_in(1)
    await charger.present_card(1, "TAG1")
    await charger.until_status(1, "Charging")

    await central.call("UpdateFirmware", {"location": f"{files.url}/wall22.bin", "retrieveDate": LONG_AGO})
    await central.until(lambda c: "Downloaded" in statuses(c, "FirmwareStatusNotification"))
    await charger.present_card(1, "TAG1")
    await central.until(lambda c: "Installed" in statuses(c, "FirmwareStatusNotification"))

    assert [stop["reason"] for stop in central.of("StopTransaction")] == ["Local"]


async def test_an_upgrade_waits_for_its_date(central, make_charger, files, clock):
    await make_charger(clock=clock, timing={"step_s": 0})

    await central.call(
        "UpdateFirmware", {"location": f"{files.url}/wall22.bin", "retrieveDate": "2025-06-02T11:00:00Z"}
    )
    await clock.advance(3599)
    early = statuses(central, "FirmwareStatusNotification")
    await clock.advance(1)
    await central.until(lambda c: statuses(c, "FirmwareStatusNotification")[:1] == ["Downloading"])

    assert early == []


@pytest.mark.parametrize(
    ("path", "outcome", "expected"),
    [
        ("/nothing.bin", "ok", ["Downloading", "DownloadFailed"]),
        ("/wall22.bin", "DownloadFailed", ["Downloading", "DownloadFailed"]),
        ("/wall22.bin", "InstallationFailed", ["Downloading", "Downloaded", "Installing", "InstallationFailed"]),
    ],
)
async def test_an_upgrade_may_fail(central, make_charger, files, path, outcome, expected):
    charger = await make_charger(behaviour={"firmware": outcome})

    await central.call(
        "UpdateFirmware", {"location": files.url + path, "retrieveDate": LONG_AGO, "retries": 1, "retryInterval": 0}
    )
    await central.until(lambda c: statuses(c, "FirmwareStatusNotification") == expected)

    assert charger.firmware == "1.0.0"
    assert len(central.of("BootNotification")) == 1


@pytest.mark.parametrize(
    ("body", "name", "version"),
    [
        (b"x version: 3.1-rc1 y", "wall-2.0.bin", "3.1-rc1"),
        (b"nothing", "wall22-2.4.1.bin", "2.4.1"),
        (b"nothing", "image", "1.0.1"),
    ],
)
def test_the_version_is_found(body, name, version):
    assert version_of(body, name, "1.0.0") == version


@pytest.mark.parametrize(("folder", "method"), [("/up/", "PUT"), ("/post/", "POST")])
async def test_diagnostics_are_uploaded(central, make_charger, files, folder, method):
    await make_charger()

    answer = await central.call("GetDiagnostics", {"location": files.url + folder})
    await central.until(lambda c: statuses(c, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"])

    [(used, path, body)] = files.taken
    assert (used, path) == (method, folder + answer["fileName"])
    assert b'"device_id": "CP1"' in body
    assert b"boot Accepted" in body


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "http://127.0.0.1:1/x", "nonsense"])
async def test_an_upload_may_fail(central, make_charger, location):
    await make_charger()

    await central.call("GetDiagnostics", {"location": location})

    await central.until(lambda c: statuses(c, "DiagnosticsStatusNotification") == ["Uploading", "UploadFailed"])


async def test_the_security_log_is_uploaded(central, make_charger, files):
    charger = await make_charger()
    await charger.until_status(1, "Available")
    log = {"remoteLocation": f"{files.url}/up/security.log"}

    answer = await central.call("GetLog", {"logType": "SecurityLog", "requestId": 4, "log": log})
    await central.until(lambda c: len(c.of("LogStatusNotification")) == 2)

    assert answer["status"] == "Accepted"
    assert central.of("LogStatusNotification") == [
        {"status": "Uploading", "requestId": 4},
        {"status": "Uploaded", "requestId": 4},
    ]
    assert files.taken[0][1] == "/up/security.log"
    assert b"StartupOfTheDevice" in files.taken[0][2]


def make_certificate(key, subject="Root", issuer=None, issuer_key=None):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=issuer or name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=0xABC,
        not_valid_before=start,
        not_valid_after=start + timedelta(days=365),
    )
    return builder.sign(issuer_key or key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


async def signed_upgrade(central, files, certificate, signature):
    firmware = {
        "location": f"{files.url}/wall22.bin",
        "retrieveDateTime": LONG_AGO,
        "signingCertificate": certificate,
        "signature": base64.b64encode(signature).decode(),
    }
    return await central.call("SignedUpdateFirmware", {"requestId": 12, "firmware": firmware})


async def test_a_signed_upgrade_is_verified(central, make_charger, files, key):
    await make_charger()

    signature = key.sign(IMAGE, ec.ECDSA(hashes.SHA256()))
    answer = await signed_upgrade(central, files, pem(make_certificate(key)), signature)
    await central.until(lambda c: "Installed" in statuses(c, "SignedFirmwareStatusNotification"))

    assert answer == {"status": "Accepted"}
    assert statuses(central, "SignedFirmwareStatusNotification") == [
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "InstallRebooting",
        "Installed",
    ]
    assert {payload["requestId"] for payload in central.of("SignedFirmwareStatusNotification")} == {12}


async def test_a_wrong_signature_or_certificate_stops_the_upgrade(central, make_charger, files, key):
    charger = await make_charger()

    signature = key.sign(b"another image", ec.ECDSA(hashes.SHA256()))
    wrong = await signed_upgrade(central, files, pem(make_certificate(key)), signature)
    await central.until(lambda c: "InvalidSignature" in statuses(c, "SignedFirmwareStatusNotification"))
    odd = await signed_upgrade(central, files, "no certificate", signature)

    assert wrong == {"status": "Accepted"}
    assert odd == {"status": "InvalidCertificate"}
    assert charger.firmware == "1.0.0"


async def test_root_certificates_are_installed_listed_and_deleted(central, make_charger, key):
    await make_charger()
    kind = "CentralSystemRootCertificate"
    leaf = make_certificate(key, "Leaf", x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")]))

    installed = await central.call(
        "InstallCertificate", {"certificateType": kind, "certificate": pem(make_certificate(key))}
    )
    refused = await central.call("InstallCertificate", {"certificateType": kind, "certificate": pem(leaf)})
    listed = await central.call("GetInstalledCertificateIds", {"certificateType": kind})
    other = await central.call("GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"})
    [data] = listed["certificateHashData"]
    deleted = await central.call("DeleteCertificate", {"certificateHashData": data})
    again = await central.call("DeleteCertificate", {"certificateHashData": data})

    assert (installed["status"], refused["status"]) == ("Accepted", "Rejected")
    assert (listed["status"], data["serialNumber"], data["hashAlgorithm"]) == ("Accepted", "abc", "SHA256")
    assert other == {"status": "NotFound"}
    assert (deleted["status"], again["status"]) == ("Accepted", "NotFound")


async def test_it_asks_for_a_certificate_and_takes_only_its_own(central, make_charger, key):
    await make_charger(configuration={"CpoName": "Harbour Energy"})

    triggered = await central.call("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    await central.until(lambda c: c.of("SignCertificate"))
    request = x509.load_pem_x509_csr(central.of("SignCertificate")[0]["csr"].encode())
    issuer = make_certificate(key)
    own = x509.CertificateBuilder(
        issuer_name=issuer.subject,
        subject_name=request.subject,
        public_key=request.public_key(),
        serial_number=7,
        not_valid_before=issuer.not_valid_before_utc,
        not_valid_after=issuer.not_valid_after_utc,
    ).sign(key, hashes.SHA256())
    accepted = await central.call("CertificateSigned", {"certificateChain": pem(own)})
    foreign = await central.call("CertificateSigned", {"certificateChain": pem(issuer)})
    await central.until(lambda c: "InvalidChargePointCertificate" in security_events(c))

    assert triggered == {"status": "Accepted"}
    assert request.subject.rfc4514_string() == "O=Harbour Energy,CN=CP1"
    assert accepted == {"status": "Accepted"}
    assert foreign == {"status": "Rejected"}


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("LogStatusNotification", "LogStatusNotification"),
        ("Heartbeat", "Heartbeat"),
    ],
)
async def test_an_extended_trigger_sends_its_message(central, make_charger, message, action):
    await make_charger()

    answer = await central.call("ExtendedTriggerMessage", {"requestedMessage": message})
    await central.until(lambda c: c.of(action))

    assert answer == {"status": "Accepted"}
