"""Our payments against the provider's own list of what moved on an account, both ways."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import ledger, payment_accounts, postings, provider_events
from domain.ledger import Entry
from domain.models.money_items import MoneyItemKind
from domain.models.payments import Payment, PaymentAccount, PaymentStatus, Refund, RefundStatus
from domain.money_items import Finding
from domain.payment_provider import SettlementLine

K = MoneyItemKind
KINDS = (K.MISSING_HERE, K.MISSING_THERE, K.AMOUNT, K.CURRENCY, K.DUPLICATE, K.FEE)

# A provider lists what moved a little later than it says so: what is younger is left for the next proof.
SLACK = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Movement:
    """A capture or refund of ours that the provider's list must have."""

    payment: Payment
    kind: str  # charge or refund
    row_id: int
    amount_minor: int  # signed, as on the provider's balance
    at: datetime


def compare(
    db: Session, account: PaymentAccount, lines: Sequence[SettlementLine], since: datetime, until: datetime
) -> list[Finding]:
    """Where the provider's list and our payments through that account differ. Reads only.

    Args:
        db: the database.
        account: the row that holds the credentials.
        lines: all that moved on the account from `since` to before `until`.
        since: nothing of ours from before is missed on the list.
        until: what is younger than six hours before is not missed either.
    """
    ours = _movements(db, account, since, until - SLACK)
    told = [(line, _row_of(db, account, line)) for line in lines if line.kind in ("charge", "capture", "refund")]
    by_row = {(_kind(line), row): line for line, row in told if row is not None}
    return [
        *_unknown_here(account, told),
        *_twice(account, told),
        *_unlike(db, account, by_row),
        *(_missing(account, movement) for movement in ours if (movement.kind, movement.row_id) not in by_row),
    ]


def entries(account: PaymentAccount, lines: Iterable[SettlementLine]) -> Iterator[Entry]:
    """What the provider kept as fees and paid out, for the ledger; each line once, by its own id."""
    for line in lines:
        fee_minor = -line.amount_minor if line.kind == "fee" else line.fee_minor
        if line.kind == "payout":
            paid_minor = -line.amount_minor
            yield postings.provider_payout(
                account.id, line.ref, paid_minor, line.currency, is_test=account.is_test, at=line.at
            )
        if fee_minor:
            yield postings.provider_fee(
                account.id, line.ref, fee_minor, line.currency, is_test=account.is_test, at=line.at
            )


def book(db: Session, account: PaymentAccount, lines: Iterable[SettlementLine], now: datetime) -> None:
    """Fees and payouts of the list are in the ledger."""
    ledger.record(db, list(entries(account, lines)), now)


def _kind(line: SettlementLine) -> str:
    return "refund" if line.kind == "refund" else "charge"


def _row_of(db: Session, account: PaymentAccount, line: SettlementLine) -> int | None:
    """Our payment's id for a charge, our refund's for a refund."""
    refs = [line.source] if line.source else []
    rows = payment_accounts.sharing(account)
    payment_id = provider_events.payment_of(db, account.provider, rows, refs, line.reference)
    if _kind(line) == "charge":
        return payment_id
    by_ref = select(Refund.id).join(Payment, Payment.id == Refund.payment_id)
    mine = by_ref.where(
        Refund.provider == account.provider, Payment.payment_account_id.in_(payment_accounts.sharing(account))
    )
    found = db.scalar(mine.where(Refund.provider_ref.in_([line.ref, *refs])))
    if found is None and payment_id is not None:
        done = mine.where(Refund.payment_id == payment_id, Refund.status != RefundStatus.FAILED)
        found = db.scalar(done.order_by(Refund.id.desc()).limit(1))
    return found


def _movements(db: Session, account: PaymentAccount, since: datetime, until: datetime) -> list[Movement]:
    mine = Payment.payment_account_id.in_(payment_accounts.sharing(account))
    captured = select(Payment).where(
        mine, Payment.status == PaymentStatus.CAPTURED, Payment.captured_at >= since, Payment.captured_at < until
    )
    refunded = (
        select(Refund, Payment)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(mine, Refund.status == RefundStatus.SUCCEEDED, Refund.ended_at >= since, Refund.ended_at < until)
    )
    found = [
        Movement(payment, "charge", payment.id, payment.captured_minor, payment.captured_at or payment.status_at)
        for payment in db.scalars(captured)
    ]
    return found + [
        Movement(payment, "refund", refund.id, -refund.amount_minor, refund.ended_at or refund.requested_at)
        for refund, payment in db.execute(refunded)
    ]


def _unknown_here(account: PaymentAccount, told: Iterable[tuple[SettlementLine, int | None]]) -> Iterator[Finding]:
    for line, row in told:
        if row is None:
            word = "sent money back for" if _kind(line) == "refund" else "took money for"
            yield _of_line(K.MISSING_HERE, account, line, f"The provider {word} something that is not known here.")


def _twice(account: PaymentAccount, told: Iterable[tuple[SettlementLine, int | None]]) -> Iterator[Finding]:
    of_row = {}
    times: Counter[tuple[str, int]] = Counter()
    for line, row in told:
        if row is not None:
            of_row[_kind(line), row] = line
            times[_kind(line), row] += 1
    for key, line in of_row.items():
        if times[key] > 1:
            yield _of_line(K.DUPLICATE, account, line, "The provider moved the money of one payment more than once.")


def _unlike(
    db: Session, account: PaymentAccount, by_row: Mapping[tuple[str, int], SettlementLine]
) -> Iterator[Finding]:
    for (kind, row_id), line in by_row.items():
        ours = _amount_of(db, kind, row_id)
        if ours is None:
            continue
        payment, amount_minor = ours
        if line.currency != payment.currency:
            text = f"The provider counts this payment in {line.currency}, we in {payment.currency}."
            yield _of_line(K.CURRENCY, account, line, text, payment)
        elif line.amount_minor != amount_minor:
            yield _of_line(K.AMOUNT, account, line, "The provider moved another amount than we have.", payment)


def _amount_of(db: Session, kind: str, row_id: int) -> tuple[Payment, int] | None:
    if kind == "charge":
        payment = db.get_one(Payment, row_id)
        return (payment, payment.captured_minor) if payment.status is PaymentStatus.CAPTURED else None
    refund = db.get_one(Refund, row_id)
    return (refund.payment, -refund.amount_minor) if refund.status is RefundStatus.SUCCEEDED else None


def _missing(account: PaymentAccount, movement: Movement) -> Finding:
    what = "took" if movement.kind == "charge" else "sent back"
    return Finding(
        K.MISSING_THERE,
        f"missing_there:{movement.kind}:{movement.row_id}",
        f"We say the provider {what} this money, but it is not on the provider's list.",
        operator_id=movement.payment.operator_id,
        payment_id=movement.payment.id,
        payment_account_id=account.id,
        amount_minor=movement.amount_minor,
        currency=movement.payment.currency,
    )


def _of_line(
    kind: MoneyItemKind, account: PaymentAccount, line: SettlementLine, text: str, payment: Payment | None = None
) -> Finding:
    return Finding(
        kind,
        f"{kind.value}:{account.id}:{line.ref}",
        text,
        operator_id=payment.operator_id if payment else account.operator_id,
        payment_id=payment.id if payment else None,
        payment_account_id=account.id,
        amount_minor=line.amount_minor,
        currency=line.currency,
        detail={"provider": line.ref, "at": line.at.isoformat()},
    )
