"""The fake PayPal over HTTP: access tokens, the calls of the SDK, the page where a driver approves, and faults."""

import base64
import html
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.paypal.books import Answer, Books, invalid, not_found, shown

CLIENT_ID, CLIENT_SECRET = "AX-test-client", "EL-test-secret"
CALLS = (
    ("POST", r"/v2/checkout/orders", "create"),
    ("GET", r"/v2/checkout/orders/(\w+)", "order"),
    ("POST", r"/v2/checkout/orders/(\w+)/authorize", "authorize"),
    ("GET", r"/v2/payments/authorizations/(\w+)", "authorization"),
    ("POST", r"/v2/payments/authorizations/(\w+)/capture", "capture"),
    ("POST", r"/v2/payments/authorizations/(\w+)/void", "void"),
    ("POST", r"/v2/payments/authorizations/(\w+)/reauthorize", "reauthorize"),
    ("GET", r"/v2/payments/captures/(\w+)", "captured"),
    ("POST", r"/v2/payments/captures/(\w+)/refund", "refund"),
    ("GET", r"/v2/payments/refunds/(\w+)", "refunded"),
    ("GET", r"/v1/reporting/transactions", "transactions"),
)
# What can go wrong with the next call of a kind: before it is done, or after.
FAULTS = ("refused", "429", "500 before", "500 after", "lost before", "lost after", "silent after", "409")
SILENCE_S = 5  # longer than the client waits

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>PayPal (a fake of the tests)</title><link rel="icon" href="data:,">
<h1>{amount} {currency}</h1><p>{description}</p>
<form method="post" action="/checkoutnow/approve?token={token}"><button>Approve</button></form>
<form method="post" action="/checkoutnow/cancel?token={token}"><button>Cancel</button></form></html>"""


class FakePayPal:
    """One merchant's PayPal, on a free port of this machine or the given one."""

    def __init__(self, now: datetime, port: int = 0) -> None:
        self.books = Books(now)
        self.faults: dict[str, list[str]] = {}
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Request)
        self._server.daemon_threads = True
        self._server.fake = self  # type: ignore[attr-defined]
        self.quiet = threading.Event()  # set: silent answers end
        self.url = self.books.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def plan(self, call: str, *faults: str) -> None:
        """The next calls of that kind go wrong so, one after the other."""
        assert all(fault in FAULTS for fault in faults)
        self.faults.setdefault(call, []).extend(faults)

    def revoke_tokens(self) -> None:
        """Access tokens end before their time."""
        self.tokens.clear()

    def close(self) -> None:
        self.quiet.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # --- Answers --------------------------------------------------------------------------------------------

    def answer(
        self, call: str, key: str | None, found: tuple[str, ...], path: str, query: dict[str, str], body: Any
    ) -> Any:
        books = self.books
        changes: dict[str, tuple[str, Callable[[], Callable[[], Any]]]] = {
            "create": ("orders", lambda: books.create_order(body)),
            "authorize": ("orders", lambda: books.authorize(found[0])),
            "capture": ("payments", lambda: books.capture(found[0], body)),
            "void": ("payments", lambda: books.void(found[0])),
            "reauthorize": ("payments", lambda: books.reauthorize(found[0], body)),
            "refund": ("payments", lambda: books.refund(found[0], body)),
        }
        with books.lock:
            if call in changes:
                family, do = changes[call]
                return books.once(family, key, path, body, do)
            if call == "order":
                return books.order(found[0])
            if call == "transactions":
                size, page = int(query.get("page_size", 100)), int(query.get("page", 1))
                return books.transactions(query["start_date"], query["end_date"], page, size)
            rows = {
                "authorization": books.authorisations,
                "captured": books.captures,
                "refunded": books.refunds,
            }[call]
            if found[0] not in rows:
                raise not_found(call)
            return shown(rows[found[0]])

    def token(self, authorization: str) -> Any:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            raise Answer(401, "invalid_client", "invalid_client", "Client Authentication failed")
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": 32_400, "scope": "", "app_id": "APP-1"}


class _Request(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms for the first to be acknowledged
    protocol_version = "HTTP/1.1"
    timeout = 30

    @property
    def fake(self) -> FakePayPal:
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:  # noqa: N802
        self._serve("GET")

    def do_POST(self) -> None:  # noqa: N802
        self._serve("POST")

    def _serve(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/checkoutnow"):
            self._page(parts.path, query)
            return
        try:
            self._api(method, parts.path, query, raw)
        except Answer as answer:
            self._send(answer.status, answer.body)

    def _api(self, method: str, path: str, query: dict[str, str], raw: bytes) -> None:
        call, found = _route(method, path)
        self.fake.asked.append(call)
        fault = self.fake.faults[call].pop(0) if self.fake.faults.get(call) else ""
        if self._is_trouble(fault, "before"):
            return
        if call == "token":
            self._send(200, self.fake.token(self.headers.get("Authorization", "")))
            return
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.fake.tokens:
            raise Answer(401, "AUTHENTICATION_FAILURE", "INVALID_TOKEN", "The token is unknown or expired.")
        made = self.fake.answer(call, self.headers.get("PayPal-Request-Id"), found, path, query, _body(raw))
        if self._is_trouble(fault, "after"):
            return
        is_whole = "representation" in self.headers.get("Prefer", "")
        if call == "void" and not is_whole:
            self._send(204, None)
        else:
            self._send(201 if call in ("create", "authorize", "capture", "refund") else 200, made)

    def _is_trouble(self, fault: str, when: str) -> bool:
        if fault in ("429", "409", "refused") and when == "before":
            status = {"429": 429, "409": 409, "refused": 503}[fault]
            name = {"429": "RATE_LIMIT_REACHED", "409": "RESOURCE_CONFLICT", "refused": "SERVICE_UNAVAILABLE"}
            raise Answer(status, name[fault], name[fault], "Try again.")
        if fault == f"500 {when}":
            raise Answer(500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR", "Something went wrong.")
        if fault == f"silent {when}":
            self.fake.quiet.wait(SILENCE_S)
        if fault in (f"lost {when}", f"silent {when}"):
            self.close_connection = True
            return True
        return False

    def _page(self, path: str, query: dict[str, str]) -> None:
        token = query.get("token", "")
        order = self.fake.books.orders.get(token)
        if order is None:
            self._send(404, {})
        elif path.endswith("/approve"):
            self.fake.books.approve(token)
            self._leave(self.fake.books.pages[token]["back"], token=token, PayerID="QYR5Z8XDVJNXQ")
        elif path.endswith("/cancel"):
            self._leave(self.fake.books.pages[token]["cancel"], token=token)
        else:
            unit = order["purchase_units"][0]
            text = PAGE.format(
                amount=unit["amount"]["value"],
                currency=unit["amount"]["currency_code"],
                description=html.escape(unit.get("description", "")),
                token=token,
            )
            self._send_bytes(200, text.encode(), "text/html; charset=utf-8")

    def _leave(self, address: str, **query: str) -> None:
        self.send_response(303)
        self.send_header("Location", address + ("&" if "?" in address else "?") + urlencode(query))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, body: Any) -> None:
        self._send_bytes(status, b"" if body is None else json.dumps(body).encode(), "application/json")

    def _send_bytes(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running(now: datetime, port: int = 0) -> Iterator[FakePayPal]:
    """A fake PayPal for as long as the block runs."""
    fake = FakePayPal(now, port)
    try:
        yield fake
    finally:
        fake.close()


def _route(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    if (method, path) == ("POST", "/v1/oauth2/token"):
        return "token", ()
    for verb, pattern, call in CALLS:
        match = re.fullmatch(pattern, path)
        if match and verb == method:
            return call, match.groups()
    raise not_found("address")


def _body(raw: bytes) -> Any:
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except ValueError:
        raise invalid("MALFORMED_REQUEST_JSON", "The body is no JSON.") from None
