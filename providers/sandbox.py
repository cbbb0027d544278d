"""A provider of test money: the same calls as a real one, no network, its own books, fixed test cards.

Its books are rows of `sandbox_object`, read and written in database sessions of its own, as a remote service would:
whoever calls it inside an open write transaction waits for himself. It is strict where real providers are.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain.catalogues import spoken
from domain.clock import utcnow
from domain.db import writing
from domain.models.payments import PaymentStatus, RefundStatus, SandboxObject
from domain.payment_provider import (
    DisputeFacts,
    EventRefused,
    HoldRequest,
    Opened,
    Operation,
    PaymentFacts,
    Probe,
    ProviderDeclined,
    ProviderEvent,
    ProviderMisuse,
    ProviderUnknown,
    RefundFacts,
    SettlementLine,
)

HOLD_LASTS = timedelta(days=7)
SLOW_AFTER = timedelta(seconds=8)
REFUND_FAILS_AFTER = timedelta(seconds=3)


@dataclass(frozen=True)
class TestCard:
    """A card of the checkout page and what it does."""

    __test__ = False  # no test of pytest's

    id: str
    brand: str
    last4: str
    does: str


CARDS = {
    card.id: card
    for card in (
        TestCard("success", "Visa", "4242", spoken("Pays.")),
        TestCard("decline", "Visa", "0002", spoken("Is declined.")),
        TestCard("challenge", "Visa", "3220", spoken("Asks for a confirmation first.")),
        TestCard("slow", "Mastercard", "5556", spoken("Pays after 8 seconds.")),
        TestCard("refund_fails", "Mastercard", "5126", spoken("Pays; a refund fails.")),
        TestCard("timeout", "Visa", "0341", spoken("Pays; the answer to each later step is lost once.")),
    )
}
DECLINED = spoken("The bank declined the card.")
NOT_CONFIRMED = spoken("The payment was not confirmed.")
REFUND_REFUSED = spoken("The card is closed; the bank sent the money back.")


@dataclass(frozen=True)
class Checkout:
    """What the provider's own page shows."""

    ref: str
    amount_minor: int
    currency: str
    description: str
    is_open: bool
    needs_confirmation: bool
    back_to: str
    locale: str | None


class Sandbox:
    """Test money. Implements domain.payment_provider.PaymentProvider."""

    name = "sandbox"
    cards = CARDS

    def __init__(self, open_db: Callable[[], Session], clock: Callable[[], datetime] = utcnow) -> None:
        self._open_db = open_db
        self._clock = clock

    # --- What Voltdesk asks ---------------------------------------------------------------------------------

    def open_payment(self, request: HoldRequest) -> Opened:
        asked = {
            "amount": request.amount_minor,
            "currency": request.currency,
            "description": request.description,
            "locale": request.locale,
            "back_to": "/" + urlsplit(request.return_url).path.lstrip("/"),  # always this site
        }
        with self._books() as db:
            known = db.scalar(select(SandboxObject).where(SandboxObject.idempotency_key == request.operation.key))
            if known is None:
                ref = f"sbx_pay_{secrets.token_hex(12)}"
                state = {"asked": asked, "status": PaymentStatus.ACTION_REQUIRED.value, "captured": 0, "calls": {}}
                known = _put(db, ref, request.operation.key, "payment", state, self._clock())
            if known.state["asked"] != asked:
                raise ProviderMisuse(f"{request.operation.key} was used for another payment")
            return Opened(known.ref, f"/sandbox/checkout/{known.ref}")

    def fetch(self, ref: str) -> PaymentFacts:
        with self._books() as db:
            return self._facts(self._payment(db, ref))

    def capture(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> PaymentFacts:
        def capture(state: dict[str, Any]) -> None:
            if state["status"] != PaymentStatus.AUTHORISED:
                raise ProviderDeclined(f"A payment that is {state['status']} cannot be captured.")
            if not 0 < amount_minor <= state["asked"]["amount"] or currency != state["asked"]["currency"]:
                raise ProviderMisuse(f"{ref}: cannot capture {amount_minor} {currency}")
            state["status"], state["captured"] = PaymentStatus.CAPTURED.value, amount_minor
            state["captured_at"] = self._clock().isoformat()

        return self._once(ref, operation, ["capture", amount_minor, currency], capture)

    def release(self, ref: str, operation: Operation) -> PaymentFacts:
        def release(state: dict[str, Any]) -> None:
            if state["status"] == PaymentStatus.CAPTURED:
                raise ProviderDeclined("A captured payment cannot be released.")
            state["status"] = PaymentStatus.RELEASED.value

        return self._once(ref, operation, ["release"], release)

    def refund(self, ref: str, amount_minor: int, currency: str, operation: Operation) -> RefundFacts:
        asked = {"amount": amount_minor, "currency": currency, "payment": ref, "reference": operation.reference}
        with self._books() as db:
            payment = self._payment(db, ref)
            refund = db.scalar(select(SandboxObject).where(SandboxObject.idempotency_key == operation.key))
            is_lost = refund is None and payment.state.get("card") == "timeout"
            if refund is None:
                self._check_refund(db, payment, amount_minor, currency)
                refund_ref = f"sbx_ref_{secrets.token_hex(12)}"
                refund = _put(db, refund_ref, operation.key, "refund", {"asked": asked}, self._clock())
                self._change(payment, refunds=[*payment.state.get("refunds", []), refund_ref])
            elif refund.state["asked"] != asked:
                raise ProviderMisuse(f"{operation.key} was used for another refund")
            facts = self._refund_facts(refund, payment)
        if is_lost:
            raise ProviderUnknown("the answer to the refund was lost")
        return facts

    def find_refund(self, ref: str, reference: str) -> RefundFacts | None:
        with self._books() as db:
            payment = self._payment(db, ref)
            found = [each for each in self._refunds(db, payment) if each.state["asked"]["reference"] == reference]
            return self._refund_facts(found[0], payment) if found else None

    def probe_credentials(self) -> Probe:
        return Probe(account="sandbox", is_test=True)

    def parse_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:  # noqa: ARG002
        raise EventRefused("The sandbox sends no events.")

    def list_settlement_lines(self, since: datetime, until: datetime) -> list[SettlementLine]:
        with self._books() as db:
            lately = select(SandboxObject).where(SandboxObject.created_at >= since - HOLD_LASTS)
            rows = db.scalars(lately.order_by(SandboxObject.id)).all()
            payments = {row.ref: row for row in rows if row.kind == "payment"}
            lines = [_charge_line(row) for row in payments.values() if "captured_at" in row.state]
            for row in rows:
                payment = payments.get(row.state["asked"].get("payment", ""))
                if payment is not None and self._refund_facts(row, payment).status is RefundStatus.SUCCEEDED:
                    lines.append(_refund_line(row))
        return [line for line in lines if since <= line.at < until]

    def fetch_dispute(self, ref: str) -> DisputeFacts:
        raise ProviderMisuse(f"there is no dispute {ref}")

    # --- What its page does ---------------------------------------------------------------------------------

    def checkout(self, ref: str) -> Checkout | None:
        """What the page shows; None for an address that was never given out."""
        with self._books() as db:
            payment = db.scalar(select(SandboxObject).where(SandboxObject.ref == ref, SandboxObject.kind == "payment"))
            if payment is None:
                return None
            asked = payment.state["asked"]
            is_open = payment.state["status"] == PaymentStatus.ACTION_REQUIRED
            needs_confirmation = is_open and payment.state.get("card") == "challenge"
            return Checkout(
                ref,
                asked["amount"],
                asked["currency"],
                asked["description"],
                is_open,
                needs_confirmation,
                asked["back_to"],
                asked.get("locale"),
            )

    def pay(self, ref: str, card_id: str) -> None:
        """The driver paid with that test card; nothing happens unless the checkout is open."""
        card = CARDS[card_id]
        with self._books() as db:
            payment = self._payment(db, ref)
            if payment.state["status"] != PaymentStatus.ACTION_REQUIRED:
                return
            status = {
                "decline": PaymentStatus.DECLINED,
                "challenge": PaymentStatus.ACTION_REQUIRED,
                "slow": PaymentStatus.AUTH_PENDING,
            }.get(card_id, PaymentStatus.AUTHORISED)
            self._change(payment, status=status.value, card=card.id, paid_at=self._clock().isoformat())

    def confirm(self, ref: str, is_confirmed: bool) -> None:
        """The driver answered the bank's question."""
        with self._books() as db:
            payment = self._payment(db, ref)
            if payment.state["status"] == PaymentStatus.ACTION_REQUIRED and payment.state.get("card") == "challenge":
                status = PaymentStatus.AUTHORISED if is_confirmed else PaymentStatus.DECLINED
                self._change(payment, status=status.value, failure=NOT_CONFIRMED)

    def give_up(self, ref: str) -> None:
        """The driver pressed Cancel."""
        with self._books() as db:
            payment = self._payment(db, ref)
            if payment.state["status"] == PaymentStatus.ACTION_REQUIRED:
                self._change(payment, status=PaymentStatus.RELEASED.value)

    # --- Its books ------------------------------------------------------------------------------------------

    @contextmanager
    def _books(self) -> Iterator[Session]:
        with writing(), self._open_db() as db:
            yield db
            db.commit()

    def _payment(self, db: Session, ref: str) -> SandboxObject:
        statement = select(SandboxObject).where(SandboxObject.ref == ref, SandboxObject.kind == "payment")
        payment = db.scalar(statement.with_for_update())
        if payment is None:
            raise ProviderMisuse(f"there is no payment {ref}")
        since = payment.state.get("paid_at")
        is_slow = payment.state["status"] == PaymentStatus.AUTH_PENDING
        if is_slow and since and self._clock() - datetime.fromisoformat(since) >= SLOW_AFTER:
            self._change(payment, status=PaymentStatus.AUTHORISED.value)
        return payment

    def _once(
        self, ref: str, operation: Operation, asked: list[Any], do: Callable[[dict[str, Any]], None]
    ) -> PaymentFacts:
        """The same key does nothing again."""
        with self._books() as db:
            payment = self._payment(db, ref)
            calls = payment.state["calls"]
            known = calls.get(operation.key)
            if known is not None and known != asked:
                raise ProviderMisuse(f"{operation.key} was used for something else")
            is_lost = known is None and payment.state.get("card") == "timeout"
            if known is None:
                state = {**payment.state, "calls": {**calls, operation.key: asked}}
                do(state)
                payment.state = state
            facts = self._facts(payment)
        if is_lost:
            raise ProviderUnknown(f"the answer to {asked[0]} was lost")
        return facts

    def _check_refund(self, db: Session, payment: SandboxObject, amount_minor: int, currency: str) -> None:
        if payment.state["status"] != PaymentStatus.CAPTURED:
            raise ProviderDeclined("Only a captured payment can be refunded.")
        gone = sum(
            each.state["asked"]["amount"]
            for each in self._refunds(db, payment)
            if self._refund_facts(each, payment).status is not RefundStatus.FAILED
        )
        if currency != payment.state["asked"]["currency"] or amount_minor + gone > payment.state["captured"]:
            raise ProviderDeclined("The refund is more than what was captured.")

    def _refunds(self, db: Session, payment: SandboxObject) -> list[SandboxObject]:
        refs = payment.state.get("refunds", [])
        return list(db.scalars(select(SandboxObject).where(SandboxObject.ref.in_(refs)).order_by(SandboxObject.id)))

    def _change(self, payment: SandboxObject, **values: Any) -> None:
        payment.state = {**payment.state, **values}

    def _facts(self, payment: SandboxObject) -> PaymentFacts:
        state, status = payment.state, PaymentStatus(payment.state["status"])
        card = CARDS.get(state.get("card", ""))
        holds = status in (PaymentStatus.AUTHORISED, PaymentStatus.CAPTURED)
        return PaymentFacts(
            ref=payment.ref,
            status=status,
            currency=state["asked"]["currency"],
            authorised_minor=state["asked"]["amount"] if holds else 0,
            captured_minor=state["captured"],
            instrument=card.brand if card else None,
            last4=card.last4 if card else None,
            capture_before=payment.created_at + HOLD_LASTS if holds else None,
            failure=state.get("failure", DECLINED) if status is PaymentStatus.DECLINED else None,
        )

    def _refund_facts(self, refund: SandboxObject, payment: SandboxObject) -> RefundFacts:
        asked = refund.state["asked"]
        fails = payment.state.get("card") == "refund_fails"
        is_late = self._clock() - refund.created_at >= REFUND_FAILS_AFTER
        status = RefundStatus.SUCCEEDED
        if fails:
            status = RefundStatus.FAILED if is_late else RefundStatus.PENDING
        return RefundFacts(
            ref=refund.ref,
            status=status,
            currency=asked["currency"],
            amount_minor=asked["amount"],
            failure=REFUND_REFUSED if status is RefundStatus.FAILED else None,
        )


def _charge_line(payment: SandboxObject) -> SettlementLine:
    captured, currency = payment.state["captured"], payment.state["asked"]["currency"]
    at = datetime.fromisoformat(payment.state["captured_at"])
    return SettlementLine(f"{payment.ref}_c", "charge", captured, 0, captured, currency, at, source=payment.ref)


def _refund_line(refund: SandboxObject) -> SettlementLine:
    asked = refund.state["asked"]
    amount = -asked["amount"]
    return SettlementLine(
        refund.ref, "refund", amount, 0, amount, asked["currency"], refund.created_at, reference=asked["reference"]
    )


def _put(db: Session, ref: str, key: str, kind: str, state: dict[str, Any], now: datetime) -> SandboxObject:
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"ref": ref, "idempotency_key": key, "kind": kind, "state": state, "created_at": now}
    # Two calls with one key may arrive in the same instant; both get the row of the first.
    db.execute(insert(SandboxObject).values(values).on_conflict_do_nothing(index_elements=["idempotency_key"]))
    return db.scalars(select(SandboxObject).where(SandboxObject.idempotency_key == key)).one()
