"""The imitation as a server on a port of this machine."""

import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.stripe import pages
from tests.fakes.stripe.api import Api, Dropped, Fault
from tests.fakes.stripe.books import Account, Books
from tests.fakes.stripe.refusals import Refusal

KEY = "sk_test_HarbourFake0001"
OTHER_KEY = "sk_test_SomebodyElse0002"
SECRET = "whsec_HarbourFakeSecret"


class FakeStripe:
    """Two merchants, a clock that is moved by hand or follows the machine's, and faults to order."""

    def __init__(self, now: datetime | None = None, port: int = 0) -> None:
        self._now = now
        self.shift = timedelta()
        self.harbour = Account("acct_1HarbourFake", KEY)
        self.other = Account("acct_1OtherFake", OTHER_KEY, "Somebody else")
        self.books = Books(self.now, lambda ref: f"{self.url}/c/pay/{ref}")
        self.api = Api(self.books, [self.harbour, self.other])
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.port}"

    def now(self) -> datetime:
        return (self._now or datetime.now(UTC)) + self.shift

    def later(self, **span: float) -> None:
        self.shift += timedelta(**span)
        with self.api.lock:
            self.books.pass_time()

    def fail(self, pattern: str, kind: str) -> None:
        """The next call that fits goes wrong; see Fault."""
        self.api.faults.append(Fault(pattern, kind))

    def pay(self, ref: str, card: str = "4242424242424242") -> None:
        """A driver at the hosted page, without a browser."""
        with self.api.lock:
            self.books.pay(ref, card)

    def object(self, ref: str) -> dict[str, Any]:
        return self.books.objects[ref]

    def intent_of(self, checkout_ref: str) -> dict[str, Any]:
        return self.object(self.object(checkout_ref)["payment_intent"])

    def count(self, call: str) -> int:
        return self.api.calls.count(call)

    # --- Events ---------------------------------------------------------------------------------------------

    def messages(self, secret: str = SECRET, account: Account | None = None) -> list[tuple[bytes, str]]:
        """Every event so far as it would be posted now: body and signature."""
        mine = (account or self.harbour).id
        return [self.signed(each, secret) for each in self.books.events if each["_account"] == mine]

    def signed(self, event: dict[str, Any], secret: str = SECRET, at: datetime | None = None) -> tuple[bytes, str]:
        shown = {name: value for name, value in event.items() if not name.startswith("_")}
        body = json.dumps(shown).encode()
        stamp = int((at or self.now()).timestamp())
        proof = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return body, f"t={stamp},v1={proof}"

    # --- HTTP -----------------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator["FakeStripe"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.api.hanging.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        if path.startswith("/c/"):
            return self._page(method, path, body, start)
        try:
            status, text, headers = self.api.answer(
                method,
                path,
                body or environ.get("QUERY_STRING", ""),
                environ.get("HTTP_AUTHORIZATION", ""),
                environ.get("HTTP_IDEMPOTENCY_KEY"),
            )
        except Dropped:
            # Closing alone would leave the client waiting: its files keep the socket open.
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError from None
        start(f"{status} X", [("Content-Type", "application/json"), *headers.items()])
        return [text.encode()]

    def _page(self, method: str, path: str, body: str, start: Callable[..., Any]) -> Iterable[bytes]:
        _, _, act, ref = path.split("/")
        with self.api.lock:
            self.books.pass_time()
            checkout = self.books.objects.get(ref)
            if checkout is None or checkout["status"] != "open":
                return _html(start, pages.gone())
            error = self._press(act, ref, parse_qs(body)) if method == "POST" else None
            if checkout["status"] != "open":
                start("303 See Other", [("Location", checkout["success_url"])])
                return [b""]
            intent = self.books.objects.get(checkout["payment_intent"] or "", {})
            if intent.get("status") == "requires_action":
                return _html(start, pages.challenge(checkout))
            return _html(start, pages.card_form(checkout, error))

    def _press(self, act: str, ref: str, typed: dict[str, list[str]]) -> str | None:
        try:
            if act == "bank":
                is_confirmed = typed.get("answer") == ["yes"]
                self.books.answer_challenge(ref, is_confirmed)
                return None if is_confirmed else "The bank did not confirm the payment. Try another card."
            self.books.pay(ref, typed.get("card", [""])[0])
        except Refusal as refusal:
            return str(refusal)
        return None


class Quiet(WSGIRequestHandler):
    """No line per request; a connection that breaks on purpose is no error."""

    disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms for the first to be acknowledged

    def log(self, kind: str, message: str, *arguments: Any) -> None:
        logging.getLogger("fake stripe").debug(message, *arguments)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True


def _html(start: Callable[..., Any], text: str) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [text.encode()]
