"""Who may say that something happened at PayPal: only PayPal, and then it is asked."""

import random
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from providers import paypal_webhooks
from providers.paypal_webhooks import CannotTell, Certificates, Event, NotFromPayPal, read_event, refuse_foreign
from tests.factories import NOW
from tests.fakes.paypal import webhooks

ROOT = webhooks.authority(NOW)
CAPTURED = {
    "id": "2GG279541U471931P",
    "amount": {"currency_code": "EUR", "value": "999999.00"},
    "custom_id": "vd:abc:open:7",
    "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
}
BODY = webhooks.event("PAYMENT.CAPTURE.COMPLETED", CAPTURED, "WH-1")


class Downloads:
    """What lies at PayPal's address."""

    def __init__(self, pem=None):
        self.pem = webhooks.certificate(ROOT, NOW) if pem is None else pem
        self.asked = []

    def __call__(self, address):
        self.asked.append(address)
        if isinstance(self.pem, Exception):
            raise self.pem
        return self.pem


def certificates(download=None):
    return Certificates([ROOT], download or Downloads())


def read(body=BODY, headers=None, now=NOW, using=None, webhook_id=webhooks.WEBHOOK_ID):
    headers = webhooks.signed(body, NOW) if headers is None else headers
    return read_event(headers, body, webhook_id, using or certificates(), now)


@pytest.mark.parametrize(
    ("kind", "resource", "about", "ref", "reference"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", CAPTURED, "payment", "5O190127TN364715T", "vd:abc:open:7"),
        ("PAYMENT.AUTHORIZATION.VOIDED", CAPTURED, "payment", "5O190127TN364715T", "vd:abc:open:7"),
        (
            "CHECKOUT.ORDER.APPROVED",
            {"id": "5O190127TN364715T", "purchase_units": [{"custom_id": "vd:abc:open:7"}]},
            "payment",
            "5O190127TN364715T",
            "vd:abc:open:7",
        ),
        ("CHECKOUT.ORDER.APPROVED", {"id": "5O1", "purchase_units": []}, "payment", "5O1", None),
        ("PAYMENT.CAPTURE.REFUNDED", {"id": "1JU", "custom_id": "vd:abc:refund:3"}, "refund", "1JU", "vd:abc:refund:3"),
        ("PAYMENT.REFUND.FAILED", {"id": "1JU"}, "refund", "1JU", None),
        (
            "CUSTOMER.DISPUTE.CREATED",
            {"dispute_id": "PP-000-003", "disputed_transactions": [{"custom": "vd:abc:open:7"}]},
            "dispute",
            "PP-000-003",
            "vd:abc:open:7",
        ),
        ("BILLING.PLAN.CREATED", {"id": "P-1"}, "other", "P-1", None),
    ],
)
def test_an_event_names_what_to_ask_for_and_no_amount(kind, resource, about, ref, reference):
    said_at = datetime(2026, 11, 2, 8, tzinfo=UTC)

    told = read(webhooks.event(kind, resource, "WH-2"))

    assert told == Event("WH-2", kind, about, ref, reference, said_at)


def test_the_check_sum_is_of_the_bytes_as_they_came():
    with pytest.raises(NotFromPayPal, match="does not fit"):
        read(BODY + b" ", webhooks.signed(BODY, NOW))


def test_an_event_for_another_webhook_is_refused():
    with pytest.raises(NotFromPayPal, match="does not fit"):
        read(webhook_id="8PT597110X687430LKGECATA")


@pytest.mark.parametrize("header", sorted(webhooks.signed(BODY, NOW)))
@pytest.mark.parametrize("value", ["", "x", "SHA1withRSA", "2026-99-99T00:00:00Z", "é"])
def test_a_header_that_was_changed_or_left_out(header, value):
    with pytest.raises(NotFromPayPal):
        read(headers=webhooks.signed(BODY, NOW) | {header: value})


def test_a_thousand_forgeries():
    chance, using, headers = random.Random(12), certificates(), webhooks.signed(BODY, NOW)
    passed = 0
    for _ in range(1000):
        forged, body = dict(headers), bytearray(BODY)
        name = chance.choice([*headers, "body"])
        if name == "body":
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(7)
        else:
            at = chance.randrange(len(forged[name]))
            other = chance.choice([each for each in "abcXYZ019-/:" if each != forged[name][at]])
            forged[name] = forged[name][:at] + other + forged[name][at + 1 :]
        try:
            read(bytes(body), forged, using=using)
        except (NotFromPayPal, CannotTell):
            continue
        # Another name of PayPal's own leads to the same certificate here: the signature is still PayPal's.
        passed += name != "paypal-cert-url"

    assert passed == 0


@pytest.mark.parametrize(
    ("age", "is_taken"),
    [(timedelta(hours=78), True), (timedelta(hours=78, seconds=1), False), (-timedelta(minutes=5), True)]
    + [(-timedelta(minutes=5, seconds=1), False)],
)
def test_events_are_repeated_for_three_days_and_not_believed_later(age, is_taken):
    using = certificates()

    if is_taken:
        assert read(now=NOW + age, using=using).id == "WH-1"
    else:
        with pytest.raises(NotFromPayPal, match="too far"):
            read(now=NOW + age, using=using)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example\\.api.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.example#.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1?.paypal.com",
        "https://user:word@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:no/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../../upload/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?next=https://evil.example",
        "https://api.paypal.com/v1/notifications/certs/CERT-1\r\nHost: evil.example",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "https://аpi.paypal.com/v1/notifications/certs/CERT-1",  # a Cyrillic a
        "file:///etc/passwd",
        "https://[::1/v1",
        "",
    ],
)
def test_a_certificate_elsewhere_is_never_fetched(address):
    download = Downloads()

    with pytest.raises(NotFromPayPal):
        read(headers=webhooks.signed(BODY, NOW) | {"paypal-cert-url": address}, using=certificates(download))
    assert download.asked == []


def test_paypals_addresses():
    refuse_foreign("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-5edc0ebc")
    refuse_foreign(webhooks.ADDRESS)


@pytest.mark.parametrize(
    "pem",
    [
        webhooks.certificate(webhooks.authority(NOW, "A stranger"), NOW),
        webhooks.certificate(ROOT, NOW, name="messageverification.example.com"),
        webhooks.certificate(ROOT, NOW, name="api.paypal.com.evil.example"),
        webhooks.certificate(ROOT, NOW - timedelta(days=31)),
        webhooks.certificate(ROOT, NOW + timedelta(days=61)),
        b"not a certificate",
        b"",
    ],
    ids=["stranger", "other name", "name that looks alike", "expired", "not yet valid", "garbage", "nothing"],
)
def test_a_certificate_that_nobody_vouches_for(pem):
    with pytest.raises(NotFromPayPal, match="certificate"):
        read(using=certificates(Downloads(pem)))


def test_the_systems_authorities_do_not_know_that_of_the_tests():
    assert len(paypal_webhooks.system_roots()) > 50
    with pytest.raises(NotFromPayPal, match="not to be trusted"):
        read(using=Certificates(download=Downloads()))


def test_a_certificate_is_fetched_once_in_twelve_hours_even_by_a_crowd():
    download = Downloads()
    using = certificates(download)

    crowd = [threading.Thread(target=read, kwargs={"using": using}) for _ in range(8)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    at_first = len(download.asked)
    read(now=NOW + timedelta(hours=11, minutes=59), using=using)
    before = len(download.asked)
    read(now=NOW + timedelta(hours=12), using=using)

    assert (at_first, before, len(download.asked)) == (1, 1, 2)


def test_invented_addresses_do_not_make_us_ask_without_end():
    download = Downloads(CannotTell("404"))
    using = certificates(download)

    for number in range(30):
        address = f"https://api.paypal.com/v1/notifications/certs/CERT-{number}"
        with pytest.raises(CannotTell):
            read(headers=webhooks.signed(BODY, NOW) | {"paypal-cert-url": address}, using=using)
    asked = len(download.asked)
    download.pem = webhooks.certificate(ROOT, NOW)

    assert asked == 10
    assert read(now=NOW + timedelta(minutes=1), using=using).id == "WH-1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": 5, "event_type": "X", "resource": {}}',
        b'{"id": "", "event_type": "X", "resource": {}}',
        b'{"id": "WH-1", "id": "WH-2", "event_type": "X", "resource": {}}',
        b'{"id": "WH-1", "event_type": "X", "resource": {"amount": NaN}}',
        b"[" * 10_000,
        b'{"id": "\\u0000", "event_type": "X", "resource": {}}',
        b" " * (256 * 1024 + 1),
    ],
)
def test_a_signed_event_that_cannot_be_read(body):
    with pytest.raises(NotFromPayPal):
        read(body)


@pytest.mark.parametrize("related", [None, [], {"order_id": 5}, {"order_id": {}}, {}])
def test_an_event_that_names_no_order_is_still_an_event(related):
    body = webhooks.event("PAYMENT.CAPTURE.DENIED", {"supplementary_data": {"related_ids": related}}, "WH-3")

    told = read(body)
    assert (told.id, told.about, told.ref) == ("WH-3", "payment", None)


# --- Fetching ----------------------------------------------------------------------------------------------------


@contextmanager
def server(status, headers, body):
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    asked: list[str] = []
    with HTTPServer(("127.0.0.1", 0), Answering) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/certificate", asked
        listening.shutdown()
        thread.join()


def test_what_lies_at_the_address_is_read():
    with server(200, {}, b"a certificate") as (address, _):
        assert paypal_webhooks.fetch(address) == b"a certificate"


def test_no_redirect_is_followed():
    with server(302, {"Location": "/elsewhere"}, b"") as (address, asked):
        with pytest.raises(CannotTell, match="302"):
            paypal_webhooks.fetch(address)
        assert asked == ["/certificate"]


def test_nothing_large_is_read():
    with server(200, {}, b"x" * (32 * 1024 + 1)) as (address, _), pytest.raises(CannotTell, match="too large"):
        paypal_webhooks.fetch(address)


def test_an_address_where_nobody_answers():
    with server(200, {}, b"") as (address, _):
        pass

    with pytest.raises(CannotTell, match="cannot be fetched"):
        paypal_webhooks.fetch(address)
