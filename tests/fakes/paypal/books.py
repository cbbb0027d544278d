"""What the fake PayPal knows and allows: orders, authorisations, captures, refunds."""

import json
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

DECIMALS = {"EUR": 2, "USD": 2, "GBP": 2, "SEK": 2, "JPY": 0, "HUF": 0, "TWD": 0}
ORDER_LASTS = timedelta(hours=3)
HONOURED_FOR = timedelta(days=3)
AUTHORISATION_LASTS = timedelta(days=29)
REFUNDABLE_FOR = timedelta(days=180)
KEYS_KEPT = {"orders": timedelta(hours=6), "payments": timedelta(days=45)}
FEE = Decimal("0.35")

ORDER_FIELDS = {"intent", "purchase_units", "payment_source", "processing_instruction", "payer"}
UNIT_FIELDS = {"amount", "reference_id", "description", "custom_id", "invoice_id", "soft_descriptor"}
CAPTURE_FIELDS = {"amount", "invoice_id", "final_capture", "note_to_payer", "soft_descriptor"}
REFUND_FIELDS = {"amount", "custom_id", "invoice_id", "note_to_payer"}
DIED = ("DECLINED", "FAILED")


class Answer(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, name: str, issue: str, text: str) -> None:
        super().__init__(f"{status} {issue}: {text}")
        self.status = status
        self.body = {
            "name": name,
            "message": text,
            "debug_id": secrets.token_hex(6),
            "details": [{"issue": issue, "description": text}],
        }


def invalid(issue: str, text: str) -> Answer:
    return Answer(400, "INVALID_REQUEST", issue, text)


def unprocessable(issue: str, text: str) -> Answer:
    return Answer(422, "UNPROCESSABLE_ENTITY", issue, text)


def not_found(what: str) -> Answer:
    return Answer(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", f"There is no such {what}.")


@dataclass
class Books:
    """The state of one fake PayPal with one merchant. `now` is moved by hand."""

    now: datetime
    url: str = ""
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    authorisations: dict[str, dict[str, Any]] = field(default_factory=dict)
    captures: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, dict[str, str]] = field(default_factory=dict)  # where the driver goes back to
    keys: dict[str, tuple[str, str, Callable[[], Any], datetime]] = field(default_factory=dict)
    becomes: dict[str, str] = field(default_factory=dict)  # the state of the next authorisation, capture or refund
    refuses: dict[str, tuple[str, str]] = field(default_factory=dict)  # the issue and reason of the next one
    done: list[str] = field(default_factory=list)  # every change that was made, in its order
    lock: Any = field(default_factory=threading.RLock)

    # --- The driver -----------------------------------------------------------------------------------------

    def approve(self, order_id: str) -> None:
        """The driver pressed Approve."""
        with self.lock:
            order = self._order(order_id)
            if order["status"] == "PAYER_ACTION_REQUIRED":
                order["status"], order["payer"] = "APPROVED", {"payer_id": "QYR5Z8XDVJNXQ"}
                order["links"] = [link for link in order["links"] if link["rel"] != "payer-action"]

    # --- Later, behind the scenes ---------------------------------------------------------------------------

    def settle(self, kind: str, status: str, reason: str | None = None) -> dict[str, Any]:
        """The newest authorisation, capture or refund changes its state without being asked."""
        with self.lock:
            found = list(
                {"authorize": self.authorisations, "capture": self.captures, "refund": self.refunds}[kind].values()
            )[-1]
            found["status"] = status
            if reason:
                found["status_details"] = {"reason": reason}
            if kind == "refund":
                self._weigh_refunds(self.captures[found["_capture"]])
            return found

    # --- Calls ----------------------------------------------------------------------------------------------

    def once(self, family: str, key: str | None, path: str, body: Any, do: Callable[[], Callable[[], Any]]) -> Any:
        """The same request id does nothing again and answers with the latest state."""
        if not key or len(key) > 108:
            raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "A PayPal-Request-Id is required for this call.")
        asked = json.dumps(body, sort_keys=True)
        known = self.keys.get(key)
        if known is not None and self.now - known[3] <= KEYS_KEPT[family]:
            if known[:2] != (path, asked):
                raise unprocessable("DUPLICATE_REQUEST_ID", "This PayPal-Request-Id was used for something else.")
            return known[2]()
        tell = do()
        self.keys[key] = (path, asked, tell, self.now)
        return tell()

    def create_order(self, body: Any) -> Callable[[], Any]:
        _only(body, ORDER_FIELDS, "order")
        if body.get("intent") != "AUTHORIZE":
            raise invalid("UNSUPPORTED_INTENT", "This merchant uses AUTHORIZE only.")
        units = body.get("purchase_units")
        if not isinstance(units, list) or len(units) != 1:
            raise invalid("INVALID_ARRAY_LENGTH", "One purchase unit is needed.")
        _only(units[0], UNIT_FIELDS, "purchase unit")
        if len(units[0].get("description", "")) > 127 or len(units[0].get("custom_id", "")) > 127:
            raise invalid("INVALID_STRING_LENGTH", "Too long.")
        amount(units[0].get("amount"))
        page = body.get("payment_source", {}).get("paypal", {}).get("experience_context", {})
        for name in ("return_url", "cancel_url"):
            if not re.match(r"https?://", page.get(name, "")):
                raise invalid("INVALID_PARAMETER_VALUE", f"{name} is no address.")
        if "locale" in page and not re.fullmatch(r"[a-z]{2}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", page["locale"]):
            raise invalid("INVALID_PARAMETER_VALUE", "locale is none.")
        order_id = _id(17)
        self.pages[order_id] = {"back": page["return_url"], "cancel": page["cancel_url"]}
        self.orders[order_id] = {
            "id": order_id,
            "intent": "AUTHORIZE",
            "status": "PAYER_ACTION_REQUIRED",
            "create_time": _text(self.now),
            "purchase_units": [{"reference_id": "default", **units[0]}],
            "payment_source": {"paypal": {}},
            "links": [
                {"href": f"{self.url}/v2/checkout/orders/{order_id}", "rel": "self", "method": "GET"},
                {"href": f"{self.url}/checkoutnow?token={order_id}", "rel": "payer-action", "method": "GET"},
            ],
        }
        self.done.append("create")
        return lambda: self.order(order_id)

    def order(self, order_id: str) -> dict[str, Any]:
        order = json.loads(json.dumps(self._order(order_id)))
        payments: dict[str, Any] = {}
        for name, rows in (
            ("authorizations", self.authorisations),
            ("captures", self.captures),
            ("refunds", self.refunds),
        ):
            mine = [shown(row) for row in rows.values() if row["_order"] == order_id]
            if mine:
                payments[name] = mine
        if payments:
            order["purchase_units"][0]["payments"] = payments
        return order  # type: ignore[no-any-return]

    def authorize(self, order_id: str) -> Callable[[], Any]:
        order = self._order(order_id)
        if order["status"] == "COMPLETED":
            raise unprocessable("ORDER_ALREADY_AUTHORIZED", "The order is authorised already.")
        if order["status"] != "APPROVED":
            raise unprocessable("ORDER_NOT_APPROVED", "The payer has not approved the order.")
        self._maybe_refuse("authorize")
        unit = order["purchase_units"][0]
        self._add_authorisation(order_id, unit["amount"], unit.get("custom_id"), self.now + AUTHORISATION_LASTS)
        order["status"] = "COMPLETED"
        self.done.append("authorize")
        return lambda: self.order(order_id)

    def reauthorize(self, authorisation_id: str, body: Any) -> Callable[[], Any]:
        old = self._find(self.authorisations, authorisation_id, "authorisation")
        made = datetime.fromisoformat(old["create_time"])
        if old["status"] != "CREATED" or old["_is_second"]:
            raise unprocessable("REAUTHORIZATION_NOT_ALLOWED", "It can be authorised again once.")
        if self.now - made <= HONOURED_FOR:
            raise unprocessable("REAUTHORIZATION_TOO_SOON", "Only after the honour period of three days.")
        self._check_alive(old)
        asked = amount(body["amount"]) if body.get("amount") else Decimal(old["amount"]["value"])
        if asked > Decimal(old["amount"]["value"]):
            raise unprocessable("AMOUNT_TOO_HIGH", "More than the first authorisation.")
        expires = datetime.fromisoformat(old["expiration_time"])
        new = self._add_authorisation(old["_order"], old["amount"], old.get("custom_id"), expires, is_second=True)
        old["status"] = "VOIDED"
        self.done.append("reauthorize")
        return lambda: shown(new)

    def capture(self, authorisation_id: str, body: Any) -> Callable[[], Any]:
        _only(body, CAPTURE_FIELDS, "capture")
        authorisation = self._find(self.authorisations, authorisation_id, "authorisation")
        asked = body.get("amount") or authorisation["amount"]
        wanted = amount(asked)
        if authorisation["status"] == "VOIDED":
            raise unprocessable("AUTHORIZATION_VOIDED", "The authorisation was voided.")
        if authorisation["status"] in ("CAPTURED", "PARTIALLY_CAPTURED"):
            raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "The authorisation was captured.")
        if authorisation["status"] != "CREATED":
            raise unprocessable("AUTHORIZATION_NOT_CAPTURABLE", f"It is {authorisation['status']}.")
        self._check_alive(authorisation)
        if asked["currency_code"] != authorisation["amount"]["currency_code"]:
            raise unprocessable("CURRENCY_MISMATCH", "Another currency than the authorisation's.")
        # PayPal would allow 115 %; Voltdesk must never ask for more than the hold.
        if wanted > Decimal(authorisation["amount"]["value"]):
            raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "More than was authorised.")
        self._maybe_refuse("capture")
        made = {
            "id": _id(17),
            "status": self.becomes.pop("capture", "COMPLETED"),
            "amount": asked,
            "final_capture": bool(body.get("final_capture")),
            "create_time": _text(self.now),
            "_order": authorisation["_order"],
            **({"custom_id": authorisation["custom_id"]} if authorisation.get("custom_id") else {}),
        }
        self.captures[made["id"]] = made
        if made["status"] in DIED:
            made["status_details"] = {"reason": "DECLINED_BY_RISK_FRAUD_FILTERS"}
        else:
            is_whole = wanted == Decimal(authorisation["amount"]["value"])
            authorisation["status"] = "CAPTURED" if is_whole else "PARTIALLY_CAPTURED"
        self.done.append("capture")
        return lambda: shown(made)

    def void(self, authorisation_id: str) -> Callable[[], Any]:
        authorisation = self._find(self.authorisations, authorisation_id, "authorisation")
        if authorisation["status"] == "VOIDED":
            raise unprocessable("PREVIOUSLY_VOIDED", "The authorisation was voided before.")
        if authorisation["status"] in ("CAPTURED", "PARTIALLY_CAPTURED"):
            raise unprocessable("PREVIOUSLY_CAPTURED", "The authorisation was captured before.")
        if authorisation["status"] not in ("CREATED", "PENDING"):
            raise unprocessable("CANNOT_BE_VOIDED", f"It is {authorisation['status']}.")
        authorisation["status"] = "VOIDED"
        self.done.append("void")
        return lambda: shown(authorisation)

    def refund(self, capture_id: str, body: Any) -> Callable[[], Any]:
        _only(body, REFUND_FIELDS, "refund")
        capture = self._find(self.captures, capture_id, "capture")
        asked = body.get("amount") or capture["amount"]
        wanted = amount(asked)
        if capture["status"] == "REFUNDED":
            raise unprocessable("CAPTURE_FULLY_REFUNDED", "The capture was refunded before.")
        if capture["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
            raise unprocessable("REFUND_NOT_ALLOWED", f"The capture is {capture['status']}.")
        if asked["currency_code"] != capture["amount"]["currency_code"]:
            raise unprocessable("REFUND_CURRENCY_MISMATCH", "Another currency than the capture's.")
        if wanted + self._gone(capture) > Decimal(capture["amount"]["value"]):
            raise unprocessable("REFUND_AMOUNT_EXCEEDED", "More than what is left of the capture.")
        if self.now - datetime.fromisoformat(capture["create_time"]) > REFUNDABLE_FOR:
            raise unprocessable("REFUND_TIME_LIMIT_EXCEEDED", "Refunds are possible for 180 days.")
        self._maybe_refuse("refund")
        made = {
            "id": _id(17),
            "status": self.becomes.pop("refund", "COMPLETED"),
            "amount": asked,
            "create_time": _text(self.now),
            "_order": capture["_order"],
            "_capture": capture_id,
            **{name: body[name] for name in ("custom_id", "invoice_id") if name in body},
        }
        self.refunds[made["id"]] = made
        self._weigh_refunds(capture)
        self.done.append("refund")
        return lambda: shown(made)

    def transactions(self, since: str, until: str, page: int, size: int) -> dict[str, Any]:
        start, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
        if end - start > timedelta(days=31):
            raise invalid("INVALID_REQUEST", "The range is longer than 31 days.")
        rows = [_transaction(row, "T0006", FEE, None) for row in self.captures.values() if row["status"] not in DIED]
        rows += [
            _transaction(row, "T1107", Decimal(0), row["_capture"])
            for row in self.refunds.values()
            if row["status"] in ("COMPLETED", "PENDING")
        ]
        within = [
            row
            for row in sorted(rows, key=lambda row: row["transaction_initiation_date"])
            if start <= datetime.fromisoformat(row["transaction_initiation_date"]) <= end
        ]
        return {
            "transaction_details": [{"transaction_info": row} for row in within[(page - 1) * size : page * size]],
            "page": page,
            "total_items": len(within),
            "total_pages": -(-len(within) // size),
        }

    # --- Beneath --------------------------------------------------------------------------------------------

    def _order(self, order_id: str) -> dict[str, Any]:
        order = self._find(self.orders, order_id, "order")
        is_open = order["status"] in ("PAYER_ACTION_REQUIRED", "CREATED")
        if is_open and self.now - datetime.fromisoformat(order["create_time"]) > ORDER_LASTS:
            raise not_found("order")
        return order

    def _find(self, rows: dict[str, dict[str, Any]], row_id: str, what: str) -> dict[str, Any]:
        if row_id not in rows:
            raise not_found(what)
        return rows[row_id]

    def _maybe_refuse(self, what: str) -> None:
        if what in self.refuses:
            issue, text = self.refuses.pop(what)
            raise unprocessable(issue, text)

    def _check_alive(self, authorisation: dict[str, Any]) -> None:
        if datetime.fromisoformat(authorisation["expiration_time"]) <= self.now:
            raise unprocessable("AUTHORIZATION_EXPIRED", "The authorisation has expired.")

    def _add_authorisation(
        self, order_id: str, worth: Any, custom_id: str | None, expires: datetime, is_second: bool = False
    ) -> dict[str, Any]:
        made = {
            "id": _id(17),
            "status": self.becomes.pop("authorize", "CREATED"),
            "amount": worth,
            "create_time": _text(self.now),
            "expiration_time": _text(expires),
            "_order": order_id,
            "_is_second": is_second,
            **({"custom_id": custom_id} if custom_id else {}),
        }
        self.authorisations[made["id"]] = made
        return made

    def _gone(self, capture: dict[str, Any]) -> Decimal:
        return sum(
            (
                Decimal(row["amount"]["value"])
                for row in self.refunds.values()
                if row["_capture"] == capture["id"] and row["status"] in ("COMPLETED", "PENDING")
            ),
            Decimal(0),
        )

    def _weigh_refunds(self, capture: dict[str, Any]) -> None:
        gone = self._gone(capture)
        is_whole = gone == Decimal(capture["amount"]["value"])
        capture["status"] = "REFUNDED" if is_whole else "PARTIALLY_REFUNDED" if gone else "COMPLETED"


def amount(money: Any) -> Decimal:
    """The amount, if it is written as PayPal wants it."""
    _only(money, {"currency_code", "value"}, "amount")
    currency, value = money.get("currency_code"), money.get("value")
    if currency not in DECIMALS:
        raise unprocessable("CURRENCY_NOT_SUPPORTED", f"{currency} is not supported.")
    if not isinstance(value, str):
        raise invalid("INVALID_PARAMETER_SYNTAX", "value must be a string.")
    decimals = DECIMALS[currency]
    if not re.fullmatch(rf"[0-9]+\.[0-9]{{{decimals}}}" if decimals else r"[0-9]+", value):
        raise unprocessable("DECIMAL_PRECISION", f"{value} has not the decimals of {currency}.")
    if Decimal(value) <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "An amount must be more than nothing.")
    return Decimal(value)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """What PayPal tells of a row: nothing of the fake's own notes."""
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _only(body: Any, known: set[str], what: str) -> None:
    if not isinstance(body, dict):
        raise invalid("MALFORMED_REQUEST_JSON", f"A JSON object is needed for the {what}.")
    strange = set(body) - known
    if strange:
        raise invalid("INVALID_PARAMETER", f"The {what} has unknown fields: {sorted(strange)}.")


def _transaction(row: dict[str, Any], code: str, fee: Decimal, parent: str | None) -> dict[str, Any]:
    currency, sign = row["amount"]["currency_code"], "-" if parent else ""
    fees = {"fee_amount": {"currency_code": currency, "value": f"-{fee}"}} if fee else {}
    return {
        "transaction_id": row["id"],
        "transaction_event_code": code,
        "transaction_initiation_date": row["create_time"].replace("Z", "+0000"),
        "transaction_amount": {"currency_code": currency, "value": sign + row["amount"]["value"]},
        "transaction_status": "P" if row["status"] == "PENDING" else "S",
        **fees,
        **({"custom_field": row["custom_id"]} if row.get("custom_id") else {}),
        **({"paypal_reference_id": parent, "paypal_reference_id_type": "TXN"} if parent else {}),
    }


def _id(length: int) -> str:
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(length))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
