"""The fake is as strict as it says: what it lets through, our own tests would never find."""

import re
from datetime import timedelta

import pytest
import requests

from tests.factories import NOW
from tests.fakes.paypal.server import CLIENT_ID, CLIENT_SECRET, running

EUR_45 = {"currency_code": "EUR", "value": "45.00"}
BACK = {"return_url": "http://back.example/s/1", "cancel_url": "http://back.example/s/1?no"}


@pytest.fixture
def fake():
    with running(NOW) as fake:
        yield fake


@pytest.fixture
def call(fake):
    """`call("POST", path, body, key="k")`: status and body of an answer to somebody with a token."""
    with requests.Session() as session:
        answer = session.post(f"{fake.url}/v1/oauth2/token", auth=(CLIENT_ID, CLIENT_SECRET), timeout=5)
        token = answer.json()["access_token"]
        numbers = iter(range(1000))

        def call(method, path, body=None, key=None, token=token, **headers):
            sent = {"Authorization": f"Bearer {token}", "PayPal-Request-Id": key or f"k{next(numbers)}"} | headers
            answer = session.request(method, fake.url + path, json=body, headers=sent, timeout=5)
            return answer.status_code, answer.json() if answer.content else None

        yield call


def asked(amount=EUR_45, **changes):
    unit = {"amount": amount, "custom_id": "vd:abc:open:1"}
    page = {"paypal": {"experience_context": BACK}}
    return {"intent": "AUTHORIZE", "purchase_units": [unit], "payment_source": page} | changes


def ordered(call, **changes):
    status, order = call("POST", "/v2/checkout/orders", asked(**changes))
    assert status == 201
    return order["id"]


def held(call, fake, amount=EUR_45):
    order_id = ordered(call, amount=amount)
    fake.books.approve(order_id)
    _, order = call("POST", f"/v2/checkout/orders/{order_id}/authorize", {})
    return order["purchase_units"][0]["payments"]["authorizations"][0]["id"]


def taken(call, fake, value="5.02"):
    body = {"amount": {"currency_code": "EUR", "value": value}, "final_capture": True}
    return call("POST", f"/v2/payments/authorizations/{held(call, fake)}/capture", body)[1]["id"]


def refusal(answer):
    status, body = answer
    return status, body["details"][0]["issue"]


@pytest.mark.parametrize(
    ("amount", "answer"),
    [
        ({"currency_code": "EUR", "value": 45}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"currency_code": "EUR", "value": 45.0}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"currency_code": "EUR", "value": None}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"currency_code": "EUR", "value": "45"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "EUR", "value": "45.0"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "EUR", "value": "45.001"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "EUR", "value": "-45.00"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "EUR", "value": "4500e-2"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "JPY", "value": "45.00"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "EUR", "value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"currency_code": "BHD", "value": "45.000"}, (422, "CURRENCY_NOT_SUPPORTED")),
        ({"currency_code": "EUR", "value": "45.00", "tip": "1.00"}, (400, "INVALID_PARAMETER")),
        ("45.00", (400, "MALFORMED_REQUEST_JSON")),
    ],
)
def test_amounts(call, fake, amount, answer):
    authorisation, capture = held(call, fake), taken(call, fake)

    assert refusal(call("POST", "/v2/checkout/orders", asked(amount))) == answer
    assert refusal(call("POST", f"/v2/payments/authorizations/{authorisation}/capture", {"amount": amount})) == answer
    assert refusal(call("POST", f"/v2/payments/captures/{capture}/refund", {"amount": amount})) == answer


def test_yen_have_no_decimals(call):
    assert call("POST", "/v2/checkout/orders", asked({"currency_code": "JPY", "value": "4500"}))[0] == 201


@pytest.mark.parametrize(
    "changes",
    [{"intent": "CAPTURE"}, {"intents": "AUTHORIZE"}, {"purchase_units": []}, {"payment_source": {}}],
)
def test_orders_that_are_none(call, changes):
    assert call("POST", "/v2/checkout/orders", asked(**changes))[0] == 400


def test_nobody_without_a_token(call, fake):
    assert refusal(call("GET", "/v2/checkout/orders/X", token="other")) == (401, "INVALID_TOKEN")
    wrong = requests.post(f"{fake.url}/v1/oauth2/token", auth=(CLIENT_ID, "other"), timeout=5)
    assert wrong.status_code == 401


def test_another_merchants_ids(call):
    for method, path in [
        ("GET", "/v2/checkout/orders/5O190127TN364715T"),
        ("POST", "/v2/checkout/orders/5O190127TN364715T/authorize"),
        ("POST", "/v2/payments/authorizations/5O190127TN364715T/capture"),
        ("POST", "/v2/payments/authorizations/5O190127TN364715T/void"),
        ("POST", "/v2/payments/captures/5O190127TN364715T/refund"),
        ("GET", "/v2/payments/refunds/5O190127TN364715T"),
        ("GET", "/v2/nothing"),
    ]:
        assert call(method, path, {} if method == "POST" else None)[0] == 404


def test_authorise_before_approval_and_twice(call, fake):
    order_id = ordered(call)
    path = f"/v2/checkout/orders/{order_id}/authorize"
    too_early = refusal(call("POST", path, {}))
    fake.books.approve(order_id)

    assert too_early == (422, "ORDER_NOT_APPROVED")
    assert call("POST", path, {})[0] == 201
    assert refusal(call("POST", path, {})) == (422, "ORDER_ALREADY_AUTHORIZED")


def test_authorise_again_once_and_not_within_three_days(call, fake):
    first = held(call, fake)
    path = "/v2/payments/authorizations/{}/reauthorize"
    fake.books.now += timedelta(days=3)
    too_soon = refusal(call("POST", path.format(first), {"amount": EUR_45}))
    fake.books.now += timedelta(seconds=1)
    _, second = call("POST", path.format(first), {"amount": EUR_45})
    fake.books.now += timedelta(days=4)

    assert too_soon == (422, "REAUTHORIZATION_TOO_SOON")
    assert refusal(call("POST", path.format(first), {})) == (422, "REAUTHORIZATION_NOT_ALLOWED")
    assert refusal(call("POST", path.format(second["id"]), {})) == (422, "REAUTHORIZATION_NOT_ALLOWED")


def test_capture_in_a_wrong_state(call, fake):
    path = "/v2/payments/authorizations/{}/{}"
    captured, voided, expired, pending = (held(call, fake) for _ in range(4))
    over = {"amount": {"currency_code": "EUR", "value": "45.01"}}
    assert refusal(call("POST", path.format(captured, "capture"), over)) == (422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
    other = {"amount": {"currency_code": "USD", "value": "5.00"}}
    assert refusal(call("POST", path.format(captured, "capture"), other)) == (422, "CURRENCY_MISMATCH")
    fake.books.authorisations[pending]["status"] = "PENDING"

    assert call("POST", path.format(captured, "capture"), {})[0] == 201
    assert call("POST", path.format(voided, "void"))[0] == 204
    assert refusal(call("POST", path.format(captured, "capture"), {})) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
    assert refusal(call("POST", path.format(captured, "void"))) == (422, "PREVIOUSLY_CAPTURED")
    assert refusal(call("POST", path.format(voided, "capture"), {})) == (422, "AUTHORIZATION_VOIDED")
    assert refusal(call("POST", path.format(voided, "void"))) == (422, "PREVIOUSLY_VOIDED")
    assert refusal(call("POST", path.format(pending, "capture"), {})) == (422, "AUTHORIZATION_NOT_CAPTURABLE")
    fake.books.now += timedelta(days=29)
    assert refusal(call("POST", path.format(expired, "capture"), {})) == (422, "AUTHORIZATION_EXPIRED")


def test_refunds_never_exceed_the_capture(call, fake):
    path = f"/v2/payments/captures/{taken(call, fake, '5.02')}/refund"

    def back(value):
        return call("POST", path, {"amount": {"currency_code": "EUR", "value": value}})

    assert refusal(back("5.03")) == (422, "REFUND_AMOUNT_EXCEEDED")
    assert back("5.00")[0] == 201
    assert refusal(back("0.03")) == (422, "REFUND_AMOUNT_EXCEEDED")
    assert back("0.02")[0] == 201
    assert refusal(back("0.01")) == (422, "CAPTURE_FULLY_REFUNDED")


def test_a_failed_refund_is_no_refund(call, fake):
    path = f"/v2/payments/captures/{taken(call, fake)}/refund"
    call("POST", path, {})

    fake.books.settle("refund", "FAILED", "ECHECK")

    assert call("POST", path, {})[0] == 201


def test_a_key_does_nothing_twice_and_tells_the_latest_state(call, fake):
    authorisation = held(call, fake)
    path = f"/v2/payments/authorizations/{authorisation}/capture"
    body = {"amount": {"currency_code": "EUR", "value": "5.02"}}
    fake.books.becomes["capture"] = "PENDING"
    _, first = call("POST", path, body, key="one")
    fake.books.settle("capture", "COMPLETED")
    _, second = call("POST", path, body, key="one")

    assert (first["id"], first["status"], second["status"]) == (second["id"], "PENDING", "COMPLETED")
    other = {"amount": {"currency_code": "EUR", "value": "5.03"}}
    assert refusal(call("POST", path, other, key="one")) == (422, "DUPLICATE_REQUEST_ID")
    assert refusal(call("POST", path.replace("capture", "void"), key="one")) == (422, "DUPLICATE_REQUEST_ID")
    assert len(fake.books.captures) == 1


def test_a_key_is_forgotten_when_paypal_says_so(call, fake):
    _, first = call("POST", "/v2/checkout/orders", asked(), key="one")
    fake.books.now += timedelta(hours=6, seconds=1)
    _, second = call("POST", "/v2/checkout/orders", asked(), key="one")

    assert first["id"] != second["id"]


@pytest.mark.parametrize("key", ["", "k" * 109])
def test_a_key_is_needed(call, key):
    assert refusal(call("POST", "/v2/checkout/orders", asked(), **{"PayPal-Request-Id": key})) == (
        400,
        "PAYPAL_REQUEST_ID_REQUIRED",
    )


def test_orders_that_nobody_approved_are_forgotten(call, fake):
    order_id = ordered(call)
    fake.books.now += timedelta(hours=3, seconds=1)

    assert call("GET", f"/v2/checkout/orders/{order_id}")[0] == 404


def test_faults_come_before_or_after_the_deed(call, fake):
    for fault, status in [("refused", 503), ("429", 429), ("409", 409), ("500 before", 500)]:
        fake.plan("create", fault)
        assert call("POST", "/v2/checkout/orders", asked())[0] == status
    assert fake.books.orders == {}

    fake.plan("create", "500 after")
    assert call("POST", "/v2/checkout/orders", asked(), key="one")[0] == 500
    assert len(fake.books.orders) == 1
    assert call("POST", "/v2/checkout/orders", asked(), key="one")[0] == 201
    assert len(fake.books.orders) == 1

    fake.plan("create", "lost before", "lost after")
    for orders in (1, 2):
        with pytest.raises(requests.ConnectionError):
            call("POST", "/v2/checkout/orders", asked(), key="two")
        assert len(fake.books.orders) == orders


def test_the_page_where_a_driver_approves(call, fake):
    order_id = ordered(call)
    page = f"{fake.url}/checkoutnow"
    shown = requests.get(page, params={"token": order_id}, timeout=5).text
    no = requests.post(f"{page}/cancel?token={order_id}", allow_redirects=False, timeout=5)
    cancelled = call("GET", f"/v2/checkout/orders/{order_id}")[1]["status"]
    yes = requests.post(f"{page}/approve?token={order_id}", allow_redirects=False, timeout=5)

    assert "<h1>45.00 EUR</h1>" in shown
    assert no.headers["Location"] == f"http://back.example/s/1?no&token={order_id}"
    assert cancelled == "PAYER_ACTION_REQUIRED"
    assert re.fullmatch(rf"http://back\.example/s/1\?token={order_id}&PayerID=\w+", yes.headers["Location"])
    assert call("GET", f"/v2/checkout/orders/{order_id}")[1]["status"] == "APPROVED"
    assert requests.get(page, params={"token": "other"}, timeout=5).status_code == 404


def test_transactions_lie_in_a_range_of_a_month_at_most(call, fake):
    taken(call, fake)
    path = "/v1/reporting/transactions?start_date=2026-01-01T00:00:00Z&end_date={}"

    assert call("GET", path.format("2026-02-01T00:00:01Z"))[0] == 400
