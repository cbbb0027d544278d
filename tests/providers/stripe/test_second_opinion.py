"""A second opinion on the happy path: localstripe, which others wrote. It is too kind to be a proof of anything else.

It knows no Checkout, so the hold is made by hand; its objects lack what we read (`amount_received`,
`payment_method_details`), so only the same calls of the SDK can be tried. It is not among the pins, for it wants
libraries of its own: `pip install --target FOLDER localstripe==1.15.10`, then `LOCALSTRIPE=FOLDER`.
"""

import os
import subprocess
import sys

import pytest
import requests

from providers.stripe import calls
from providers.stripe.facts import INTENT
from tests.processes import free_port
from tests.waiting import wait_until

FOLDER = os.environ.get("LOCALSTRIPE")
pytestmark = pytest.mark.skipif(not FOLDER, reason="LOCALSTRIPE names no folder with localstripe in it")
KEY = "sk_test_12345"


def answers(url):
    try:
        return requests.get(f"{url}/v1/customers", auth=(KEY, ""), timeout=2).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def url(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url), within_s=30, what="localstripe")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def made(url, path, **params):
    answer = requests.post(f"{url}/v1/{path}", data=params, auth=(KEY, ""), timeout=5)
    assert answer.ok, answer.text
    return answer.json()


def test_capture_and_refund_of_a_hold(url):
    card = {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2031", "card[cvc]": "123"}
    method = made(url, "payment_methods", type="card", **card)["id"]
    hold = made(
        url, "payment_intents", amount="4500", currency="eur", payment_method=method, capture_method="manual",
        confirm="true", **{"metadata[voltdesk]": "vd:a1b2c3:open:17"},
    )["id"]  # fmt: skip
    v1 = calls.client(KEY, url).v1

    taken = v1.payment_intents.capture(hold, {"amount_to_capture": 502, "expand": INTENT}, {"idempotency_key": "k1"})
    refunded = v1.refunds.create({"payment_intent": hold, "amount": 502}, {"idempotency_key": "k2"})

    assert (taken.status, refunded.status, refunded.amount) == ("succeeded", "succeeded", 502)
