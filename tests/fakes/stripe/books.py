"""Stripe's side of the money, as a machine with a clock that is moved by hand."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.stripe.money import check_amount
from tests.fakes.stripe.refusals import Refusal, bad_request, declined, missing, unexpected_state

DAY = 86_400
HOLD_S = 7 * DAY
SESSION_S = DAY
DELAY_S = 3600  # after which refunds of special cards change

# number without spaces -> (brand, what it does)
CARDS = {
    "4242424242424242": ("visa", "pays"),
    "5555555555554444": ("mastercard", "pays"),
    "4000000000000002": ("visa", "generic_decline"),
    "4000000000009995": ("visa", "insufficient_funds"),
    "4000000000000069": ("visa", "expired_card"),
    "4000000000003220": ("visa", "challenge"),
    "4000002760003184": ("visa", "challenge_always"),
    "4000000000005126": ("visa", "refund_fails"),
    "4000000000007726": ("visa", "refund_pends"),
    "4000000000000341": ("visa", "declines_later"),
}


@dataclass
class Account:
    """A merchant."""

    id: str
    key: str
    name: str = "Harbour Energy"
    livemode: bool = False
    is_revoked: bool = False
    lacks: set[str] = field(default_factory=set)  # "POST /v1/refunds": a restricted key without that permission


class Books:
    """Everything that Stripe remembers. Objects are dicts as they go over the wire, references as ids."""

    def __init__(self, clock: Callable[[], datetime], page_url: Callable[[str], str]) -> None:
        self.clock, self.page_url = clock, page_url
        self.objects: dict[str, dict[str, Any]] = {}
        self.owner: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        self._number = itertools.count(1)

    # --- Keeping --------------------------------------------------------------------------------------------

    def now(self) -> int:
        return int(self.clock().timestamp())

    def find(self, account: Account, kind: str, ref: str) -> dict[str, Any]:
        self.pass_time()
        found = self.objects.get(ref)
        if found is None or found["object"] != kind or self.owner[ref] != account.id:
            raise missing(kind, ref)
        return found

    def all(self, account: Account, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Newest first."""
        self.pass_time()
        found = [
            each
            for ref, each in self.objects.items()
            if each["object"] == kind
            and self.owner[ref] == account.id
            and all(each.get(name) == value for name, value in wanted.items())
        ]
        return found[::-1]

    def _put(self, account: Account, kind: str, prefix: str, **values: Any) -> dict[str, Any]:
        mode = "" if prefix in ("re", "txn", "du", "cus", "pm", "po") else "live_" if account.livemode else "test_"
        ref = f"{prefix}_{mode if prefix == 'cs' else ''}{next(self._number):014d}Fake"
        made = {"id": ref, "object": kind, "created": self.now(), "livemode": account.livemode, **values}
        self.objects[ref], self.owner[ref] = made, account.id
        return made

    def _happened(self, kind: str, thing: dict[str, Any]) -> None:
        self.events.append(
            {
                "id": f"evt_{next(self._number):014d}Fake",
                "object": "event",
                "api_version": "2026-10-28.endive",
                "created": self.now(),
                "type": kind,
                "livemode": thing["livemode"],
                "data": {"object": dict(thing)},
                "_account": self.owner[thing["id"]],
            }
        )

    def pass_time(self) -> None:
        """What time alone does: holds and sessions run out, slow refunds end."""
        now = self.now()
        for each in list(self.objects.values()):
            if each["object"] == "payment_intent" and each["status"] == "requires_capture":
                charge = self.objects[each["latest_charge"]]
                if now >= charge["payment_method_details"]["card"]["capture_before"]:
                    self._cancel(each, "automatic")
            elif each["object"] == "checkout.session" and each["status"] == "open" and now >= each["expires_at"]:
                each["status"] = "expired"
                self._happened("checkout.session.expired", each)
            elif each["object"] == "refund" and now >= each["created"] + DELAY_S:
                self._refund_later(each)

    # --- Checkout -------------------------------------------------------------------------------------------

    def create_session(self, account: Account, given: dict[str, Any]) -> dict[str, Any]:
        mode = given.get("mode")
        if mode not in ("payment", "setup"):
            raise bad_request("You must pass a mode of payment or setup.")
        for name in ("success_url", "cancel_url"):
            if not given.get(name, "" if name == "success_url" else "http://").startswith(("http://", "https://")):
                raise bad_request(f"Not a valid URL: {name}", "url_invalid")
        expires_at = given.get("expires_at", self.now() + SESSION_S)
        if not self.now() + 1800 <= expires_at <= self.now() + SESSION_S:
            raise bad_request("expires_at must be between 30 minutes and 24 hours from now.")
        if given.get("customer"):
            self.find(account, "customer", given["customer"])
        amount, currency = (None, None) if mode == "setup" else self._basket(given)
        made = self._put(
            account,
            "checkout.session",
            "cs",
            mode=mode,
            status="open",
            payment_status="unpaid",
            amount_total=amount,
            currency=currency,
            payment_intent=None,
            setup_intent=None,
            customer=given.get("customer"),
            client_reference_id=given.get("client_reference_id"),
            metadata=given.get("metadata") or {},
            success_url=given["success_url"],
            cancel_url=given.get("cancel_url"),
            expires_at=expires_at,
            locale=given.get("locale"),
            _given=given,
        )
        made["url"] = self.page_url(made["id"])
        return made

    def _basket(self, given: dict[str, Any]) -> tuple[int, str]:
        lines = given.get("line_items") or []
        if not lines:
            raise bad_request("You must provide line_items.", "parameter_missing")
        currencies = {line["price_data"]["currency"] for line in lines}
        if len(currencies) != 1 or not all("unit_amount" in line["price_data"] for line in lines):
            raise bad_request("Every line needs a unit_amount, and all the same currency.")
        amount = sum(line["price_data"]["unit_amount"] * line.get("quantity", 1) for line in lines)
        (currency,) = currencies
        check_amount(amount, currency)
        return amount, currency

    def expire_session(self, account: Account, ref: str) -> dict[str, Any]:
        found = self.find(account, "checkout.session", ref)
        if found["status"] != "open":
            raise bad_request(f"Only open sessions can be expired; this one is {found['status']}.")
        found["status"], found["url"] = "expired", None
        self._happened("checkout.session.expired", found)
        return found

    def pay(self, ref: str, number: str) -> None:
        """The driver typed a card on the hosted page. Raises: Refusal when it was declined."""
        self.pass_time()
        checkout = self.objects[ref]
        if checkout["status"] != "open":
            raise bad_request("This page has expired.")
        account = self._account_of(ref)
        method = self.create_card(account, number)
        if checkout["mode"] == "setup":
            self._bind(account, checkout, method)
            return
        data = checkout["_given"].get("payment_intent_data") or {}
        if checkout["payment_intent"] is None:
            intent = self._new_intent(
                account,
                checkout["amount_total"],
                checkout["currency"],
                data.get("capture_method", "automatic"),
                data.get("metadata") or {},
            )
            checkout["payment_intent"] = intent["id"]
        intent = self.objects[checkout["payment_intent"]]
        self._confirm(account, intent, method, off_session=False)
        self._finish(checkout)

    def answer_challenge(self, ref: str, is_confirmed: bool) -> None:
        """The driver answered the bank's question (3-D Secure)."""
        self.pass_time()
        checkout = self.objects[ref]
        intent = self.objects[checkout["payment_intent"]]
        if intent["status"] != "requires_action" or checkout["status"] != "open":
            raise bad_request("Nobody is asked.")
        if is_confirmed:
            self._authorise(self._account_of(ref), intent, self.objects[intent["payment_method"]])
            self._finish(checkout)
        else:
            self._fail(intent, "payment_intent_authentication_failure", None)

    def _finish(self, checkout: dict[str, Any]) -> None:
        intent = self.objects[checkout["payment_intent"]]
        if intent["status"] in ("requires_capture", "succeeded"):
            checkout["status"], checkout["url"] = "complete", None
            checkout["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
            self._happened("checkout.session.completed", checkout)

    def _bind(self, account: Account, checkout: dict[str, Any], method: dict[str, Any]) -> None:
        if CARDS[method["_number"]][1] in ("generic_decline", "expired_card", "insufficient_funds"):
            raise declined(CARDS[method["_number"]][1])
        method["customer"] = checkout["customer"]
        metadata = (checkout["_given"].get("setup_intent_data") or {}).get("metadata") or {}
        intent = self._put(
            account,
            "setup_intent",
            "seti",
            status="succeeded",
            customer=checkout["customer"],
            payment_method=method["id"],
            metadata=metadata,
        )
        checkout["setup_intent"], checkout["status"], checkout["url"] = intent["id"], "complete", None
        self._happened("checkout.session.completed", checkout)

    # --- PaymentIntents -------------------------------------------------------------------------------------

    def create_intent(self, account: Account, given: dict[str, Any]) -> dict[str, Any]:
        check_amount(given["amount"], given["currency"])
        intent = self._new_intent(
            account,
            given["amount"],
            given["currency"],
            given.get("capture_method", "automatic"),
            given.get("metadata") or {},
        )
        intent["customer"] = given.get("customer")
        if given.get("confirm"):
            method = self.find(account, "payment_method", given.get("payment_method", ""))
            if method["customer"] != given.get("customer"):
                raise bad_request("The payment method does not belong to the customer.")
            self._confirm(account, intent, method, off_session=bool(given.get("off_session")))
        return intent

    def _new_intent(
        self, account: Account, amount: int, currency: str, capture_method: str, metadata: dict[str, str]
    ) -> dict[str, Any]:
        return self._put(
            account,
            "payment_intent",
            "pi",
            amount=amount,
            amount_capturable=0,
            amount_received=0,
            currency=currency,
            capture_method=capture_method,
            status="requires_payment_method",
            metadata=metadata,
            latest_charge=None,
            payment_method=None,
            last_payment_error=None,
            canceled_at=None,
            cancellation_reason=None,
            customer=None,
        )

    def _confirm(self, account: Account, intent: dict[str, Any], method: dict[str, Any], *, off_session: bool) -> None:
        does = CARDS[method["_number"]][1]
        if intent["status"] not in ("requires_payment_method", "requires_action"):
            raise unexpected_state(f"This PaymentIntent is {intent['status']}.")
        intent["payment_method"] = method["id"]
        if does in ("generic_decline", "insufficient_funds", "expired_card") or (
            does == "declines_later" and method["customer"]
        ):
            code = "generic_decline" if does == "declines_later" else does
            self._fail(intent, "expired_card" if code == "expired_card" else "card_declined", code)
            raise declined(code, intent["last_payment_error"]["code"])
        if does == "challenge_always" and off_session:
            self._fail(intent, "authentication_required", "authentication_required")
            raise declined("authentication_required", "authentication_required")
        if does in ("challenge", "challenge_always") and not off_session:
            intent["status"] = "requires_action"
            self._happened("payment_intent.requires_action", intent)
            return
        self._authorise(account, intent, method)

    def _fail(self, intent: dict[str, Any], code: str, decline_code: str | None) -> None:
        error = {"type": "card_error", "code": code, "message": "Your card was declined."}
        intent["last_payment_error"] = error | ({"decline_code": decline_code} if decline_code else {})
        intent["status"] = "requires_payment_method"
        self._happened("payment_intent.payment_failed", intent)

    def _authorise(self, account: Account, intent: dict[str, Any], method: dict[str, Any]) -> None:
        card = method["card"]
        charge = self._put(
            account,
            "charge",
            "ch",
            amount=intent["amount"],
            amount_captured=0,
            amount_refunded=0,
            captured=False,
            currency=intent["currency"],
            metadata=dict(intent["metadata"]),  # copied once, as Stripe does
            payment_intent=intent["id"],
            payment_method=method["id"],
            payment_method_details={
                "type": "card",
                "card": {
                    "brand": card["brand"],
                    "last4": card["last4"],
                    "wallet": None,
                    "capture_before": self.now() + HOLD_S,
                },
            },
            balance_transaction=None,
        )
        intent["latest_charge"], intent["last_payment_error"] = charge["id"], None
        intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
        if intent["capture_method"] == "manual":
            self._happened("payment_intent.amount_capturable_updated", intent)
        else:
            self._capture(account, intent, intent["amount"])

    def capture(self, account: Account, ref: str, given: dict[str, Any]) -> dict[str, Any]:
        intent = self.find(account, "payment_intent", ref)
        if intent["status"] == "canceled":
            reason = "charge_expired_for_capture" if intent["cancellation_reason"] == "automatic" else None
            raise bad_request("This PaymentIntent was canceled.", reason or "payment_intent_unexpected_state")
        if intent["status"] != "requires_capture":
            raise unexpected_state(f"This PaymentIntent could not be captured: it is {intent['status']}.")
        amount = given.get("amount_to_capture", intent["amount_capturable"])
        if not 0 < amount <= intent["amount_capturable"]:
            raise bad_request("The amount to capture is greater than the amount that can be captured.")
        check_digits(amount, intent["currency"])
        self._capture(account, intent, amount)
        return intent

    def _capture(self, account: Account, intent: dict[str, Any], amount: int) -> None:
        charge = self.objects[intent["latest_charge"]]
        charge["captured"], charge["amount_captured"] = True, amount
        intent["status"], intent["amount_received"], intent["amount_capturable"] = "succeeded", amount, 0
        fee = amount * 15 // 1000 + 25
        charge["balance_transaction"] = self._book(account, "charge", charge, amount, fee)
        self._happened("charge.captured", charge)
        self._happened("payment_intent.succeeded", intent)

    def cancel(self, account: Account, ref: str, given: dict[str, Any]) -> dict[str, Any]:
        intent = self.find(account, "payment_intent", ref)
        if intent["status"] in ("succeeded", "canceled"):
            raise unexpected_state(f"You cannot cancel this PaymentIntent because it is {intent['status']}.")
        if any(
            each["payment_intent"] == ref and each["status"] == "open" for each in self.all(account, "checkout.session")
        ):
            raise unexpected_state("A Checkout session that is open works on this PaymentIntent: expire that instead.")
        self._cancel(intent, given.get("cancellation_reason"))
        return intent

    def _cancel(self, intent: dict[str, Any], reason: str | None) -> None:
        intent["status"], intent["amount_capturable"] = "canceled", 0
        intent["canceled_at"], intent["cancellation_reason"] = self.now(), reason
        self._happened("payment_intent.canceled", intent)

    # --- Refunds --------------------------------------------------------------------------------------------

    def refund(self, account: Account, given: dict[str, Any]) -> dict[str, Any]:
        intent = self.find(account, "payment_intent", given.get("payment_intent", ""))
        if intent["status"] != "succeeded":
            raise bad_request("This PaymentIntent does not have a successful charge to refund.")
        charge = self.objects[intent["latest_charge"]]
        if charge.get("dispute"):
            raise bad_request("Charge has been charged back.", "charge_disputed")
        left = charge["amount_captured"] - charge["amount_refunded"]
        if left == 0:
            raise bad_request("Charge has already been refunded.", "charge_already_refunded")
        amount = given.get("amount", left)
        if not 0 < amount <= left:
            raise bad_request(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).")
        check_digits(amount, intent["currency"])
        charge["amount_refunded"] += amount
        does = CARDS[self.objects[charge["payment_method"]]["_number"]][1]
        made = self._put(
            account,
            "refund",
            "re",
            amount=amount,
            currency=intent["currency"],
            payment_intent=intent["id"],
            charge=charge["id"],
            status="pending" if does == "refund_pends" else "succeeded",
            pending_reason="processing" if does == "refund_pends" else None,
            failure_reason=None,
            metadata=given.get("metadata") or {},
            _does=does,
        )
        self._book(account, "refund", made, -amount, 0)
        self._happened("refund.created", made)
        return made

    def _refund_later(self, refund: dict[str, Any]) -> None:
        if refund["_does"] == "refund_pends" and refund["status"] == "pending":
            refund["status"], refund["pending_reason"] = "succeeded", None
            self._happened("refund.updated", refund)
        elif refund["_does"] == "refund_fails" and refund["status"] == "succeeded":
            self.fail_refund(refund["id"], "expired_or_canceled_card")

    def fail_refund(self, ref: str, reason: str) -> None:
        """The bank sends the money back, weeks later perhaps."""
        refund = self.objects[ref]
        refund["status"], refund["failure_reason"] = "failed", reason
        self.objects[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self._book(self._account_of(ref), "refund_failure", refund, refund["amount"], 0)
        self._happened("refund.failed", refund)

    # --- Disputes, cards, books -----------------------------------------------------------------------------

    def dispute(self, intent_ref: str, reason: str = "fraudulent") -> dict[str, Any]:
        """The driver's bank takes the money back."""
        intent, account = self.objects[intent_ref], self._account_of(intent_ref)
        made = self._put(
            account,
            "dispute",
            "du",
            amount=intent["amount_received"],
            currency=intent["currency"],
            charge=intent["latest_charge"],
            payment_intent=intent_ref,
            reason=reason,
            status="needs_response",
            evidence_details={"due_by": self.now() + 9 * DAY},
            balance_transactions=[],
            metadata={},
        )
        self.objects[intent["latest_charge"]]["dispute"] = made["id"]
        self._happened("charge.dispute.created", made)
        self._move_dispute(made, -made["amount"], 1500)
        self._happened("charge.dispute.funds_withdrawn", made)
        return made

    def close_dispute(self, ref: str, *, is_won: bool) -> None:
        dispute = self.objects[ref]
        dispute["status"] = "won" if is_won else "lost"
        if is_won:
            self._move_dispute(dispute, dispute["amount"], 0)
            self._happened("charge.dispute.funds_reinstated", dispute)
        self._happened("charge.dispute.closed", dispute)

    def _move_dispute(self, dispute: dict[str, Any], amount: int, fee: int) -> None:
        line = self._book(self._account_of(dispute["id"]), "adjustment", dispute, amount, fee)
        dispute["balance_transactions"].append(self.objects[line])

    def create_customer(self, account: Account, given: dict[str, Any]) -> dict[str, Any]:
        return self._put(account, "customer", "cus", email=given.get("email"), metadata=given.get("metadata") or {})

    def create_card(self, account: Account, number: str) -> dict[str, Any]:
        """A card as the hosted page makes it; the number stays here."""
        digits = "".join(number.split())
        if digits not in CARDS:
            raise declined("incorrect_number", "incorrect_number")
        card = {"brand": CARDS[digits][0], "last4": digits[-4:], "exp_month": 4, "exp_year": 2031, "wallet": None}
        return self._put(account, "payment_method", "pm", type="card", card=card, customer=None, _number=digits)

    def detach(self, account: Account, ref: str) -> dict[str, Any]:
        found = self.find(account, "payment_method", ref)
        if found["customer"] is None:
            raise bad_request("The payment method you provided is not attached to a customer.")
        found["customer"] = None
        return found

    def _book(self, account: Account, kind: str, source: dict[str, Any], amount: int, fee: int) -> str:
        made = self._put(
            account,
            "balance_transaction",
            "txn",
            type=kind,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=source["currency"],
            source=source["id"],
        )
        return str(made["id"])

    def _account_of(self, ref: str) -> Account:
        return Account(self.owner[ref], "", livemode=self.objects[ref]["livemode"])


def check_digits(amount: int, currency: str) -> None:
    try:
        check_amount(amount, currency)
    except Refusal as refusal:
        if refusal.code is None:  # a partial capture may be small
            raise
