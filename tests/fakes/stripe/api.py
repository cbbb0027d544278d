"""Stripe's HTTP API over the books: keys, parameters, idempotency, expansion, faults."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from stripe import params as p
from stripe.params import checkout as pc

from tests.fakes.stripe import params
from tests.fakes.stripe.books import DAY, Account, Books
from tests.fakes.stripe.refusals import Refusal, bad_request

KEY_LASTS_S = DAY
Act = Callable[[Account, dict[str, Any], str], dict[str, Any]]


class Dropped(Exception):
    """The connection breaks without an answer."""


@dataclass
class Fault:
    """What goes wrong with the next call that fits.

    429, 500, 409: answered instead of doing it · 500_after: done, then a 500 that Stripe keeps for the key ·
    drop, drop_after: the connection breaks before or after · hang_after: done, but never answered.
    """

    pattern: str  # "POST /v1/payment_intents/.*/capture"
    kind: str


@dataclass
class Kept:
    """The first answer to a key."""

    asked: tuple[str, str, str]
    status: int
    body: str
    at: int


@dataclass
class Api:
    """`answer(...)` is one request."""

    books: Books
    accounts: list[Account]
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)  # "POST /v1/refunds", in order
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)
    at_work: set[tuple[str, str]] = field(default_factory=set)
    hanging: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(
        self, method: str, path: str, body: str, authorization: str, key: str | None
    ) -> tuple[int, str, dict[str, str]]:
        """Status, body, headers. Raises: Dropped."""
        with self.lock:
            self.calls.append(f"{method} {path}")
            fault = self._fault(method, path)
            if fault == "drop":
                raise Dropped
            try:
                account = self._account(authorization)
                status, text, headers = self._once(account, method, path, body, key, fault)
            except Refusal as refusal:
                status, text, headers = refusal.status, json.dumps(refusal.body()), {}
        if fault == "drop_after":
            raise Dropped
        if fault == "hang_after":
            self.hanging.wait(30)
        return status, text, headers

    def _fault(self, method: str, path: str) -> str | None:
        for each in self.faults:
            if re.fullmatch(each.pattern, f"{method} {path}"):
                self.faults.remove(each)
                return each.kind
        return None

    def _account(self, authorization: str) -> Account:
        sent = authorization.removeprefix("Bearer ")
        found = next((each for each in self.accounts if each.key == sent and not each.is_revoked), None)
        if found is None:
            raise Refusal(401, "invalid_request_error", f"Invalid API Key provided: {sent[:8]}***", "api_key_invalid")
        return found

    def _once(
        self, account: Account, method: str, path: str, body: str, key: str | None, fault: str | None
    ) -> tuple[int, str, dict[str, str]]:
        asked, place = (method, path, body), (account.id, key or "")
        known = self.kept.get(place) if key and method == "POST" else None
        if known is not None and self.books.now() - known.at < KEY_LASTS_S:
            if known.asked != asked:
                raise Refusal(
                    400,
                    "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                )
            return known.status, known.body, {"Idempotent-Replayed": "true"}
        if fault == "429":
            raise Refusal(429, "invalid_request_error", "Too many requests.", "rate_limit")
        if fault == "409":
            raise Refusal(409, "idempotency_error", "This key is used by another request.", "idempotency_key_in_use")
        act, given, ref = self._route(account, method, path, body)
        try:
            if fault == "500":
                raise Refusal(500, "api_error", "Something broke at Stripe.")
            made = act(account, given, ref)
            if made["object"] == "list":
                made["url"] = path
            status, text = 200, json.dumps(self._shown(account, made, given.get("expand") or []))
            if fault == "500_after":
                raise Refusal(500, "api_error", "Something broke at Stripe.")
        except Refusal as refusal:
            status, text = refusal.status, json.dumps(refusal.body())
        if key and method == "POST":
            self.kept[place] = Kept(asked, status, text, self.books.now())
        return status, text, {}

    def _route(self, account: Account, method: str, path: str, body: str) -> tuple[Act, dict[str, Any], str]:
        for wanted, pattern, kind, act in ROUTES:
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                if f"{method} {path}" in account.lacks or any(
                    f"{method} {path}".startswith(each) for each in account.lacks
                ):
                    raise Refusal(
                        403,
                        "invalid_request_error",
                        "The provided key does not have the required permissions for this endpoint.",
                        "more_permissions_required",
                    )
                given = params.check(params.decode(body), kind) if kind else {}
                return partial(act, self.books), given, found.groupdict().get("ref", "")
        raise Refusal(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")

    def _shown(self, account: Account, thing: dict[str, Any], expand: list[str]) -> dict[str, Any]:
        made = {name: value for name, value in thing.items() if not name.startswith("_")}
        for path in expand:
            first, _, rest = path.partition(".")
            if first == "data" and thing["object"] == "list":
                made["data"] = [self._shown(account, each, [rest]) for each in made["data"]]
                continue
            if first not in made:
                raise bad_request(f"This property cannot be expanded ({path}).")
            inner = made[first]
            if isinstance(inner, str) and inner in self.books.objects:
                inner = self.books.objects[inner]
            if isinstance(inner, dict):
                made[first] = self._shown(account, inner, [rest] if rest else [])
        if thing["object"] == "list":
            made["data"] = [{n: v for n, v in each.items() if not n.startswith("_")} for each in made["data"]]
        return made


def _list(kind: str, *filters: str) -> Callable[..., dict[str, Any]]:
    def act(books: Books, account: Account, given: dict[str, Any], _ref: str) -> dict[str, Any]:
        found = books.all(account, kind, **{name: given[name] for name in filters if given.get(name)})
        found = list(_within(found, given.get("created")))
        after = given.get("starting_after")
        if after:
            refs = [each["id"] for each in found]
            found = found[refs.index(after) + 1 :]
        limit = given.get("limit", 10)
        if not 1 <= limit <= 100:
            raise bad_request("limit must be between 1 and 100.")
        return {"object": "list", "has_more": len(found) > limit, "data": found[:limit]}

    return act


def _within(found: list[dict[str, Any]], created: Any) -> Iterator[dict[str, Any]]:
    bounds = created if isinstance(created, dict) else {}
    for each in found:
        if bounds.get("gte", 0) <= each["created"] < bounds.get("lt", 2**40):
            yield each


def _one(kind: str) -> Callable[..., dict[str, Any]]:
    return lambda books, account, _given, ref: books.find(account, kind, ref)


def _account(_books: Books, account: Account, _given: dict[str, Any], _ref: str) -> dict[str, Any]:
    return {"id": account.id, "object": "account", "business_profile": {"name": account.name}}


REF = "(?P<ref>[A-Za-z0-9_]+)"
ROUTES: tuple[tuple[str, str, Any, Callable[..., dict[str, Any]]], ...] = (
    ("GET", "/v1/account", None, _account),
    ("POST", "/v1/checkout/sessions", pc.SessionCreateParams, lambda b, a, g, _: b.create_session(a, g)),
    ("GET", "/v1/checkout/sessions", pc.SessionListParams, _list("checkout.session")),
    ("GET", f"/v1/checkout/sessions/{REF}", pc.SessionRetrieveParams, _one("checkout.session")),
    ("POST", f"/v1/checkout/sessions/{REF}/expire", pc.SessionExpireParams, lambda b, a, _, r: b.expire_session(a, r)),
    ("POST", "/v1/payment_intents", p.PaymentIntentCreateParams, lambda b, a, g, _: b.create_intent(a, g)),
    ("GET", f"/v1/payment_intents/{REF}", p.PaymentIntentRetrieveParams, _one("payment_intent")),
    ("POST", f"/v1/payment_intents/{REF}/capture", p.PaymentIntentCaptureParams, lambda b, a, g, r: b.capture(a, r, g)),
    ("POST", f"/v1/payment_intents/{REF}/cancel", p.PaymentIntentCancelParams, lambda b, a, g, r: b.cancel(a, r, g)),
    ("POST", "/v1/refunds", p.RefundCreateParams, lambda b, a, g, _: b.refund(a, g)),
    ("GET", "/v1/refunds", p.RefundListParams, _list("refund", "payment_intent", "charge")),
    ("POST", "/v1/customers", p.CustomerCreateParams, lambda b, a, g, _: b.create_customer(a, g)),
    ("GET", "/v1/payment_methods", p.PaymentMethodListParams, _list("payment_method", "customer", "type")),
    ("GET", f"/v1/payment_methods/{REF}", p.PaymentMethodRetrieveParams, _one("payment_method")),
    ("POST", f"/v1/payment_methods/{REF}/detach", p.PaymentMethodDetachParams, lambda b, a, _, r: b.detach(a, r)),
    ("GET", "/v1/balance_transactions", p.BalanceTransactionListParams, _list("balance_transaction", "type")),
    ("GET", "/v1/disputes", p.DisputeListParams, _list("dispute", "payment_intent", "charge")),
    ("GET", f"/v1/disputes/{REF}", p.DisputeRetrieveParams, _one("dispute")),
)
