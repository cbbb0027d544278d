"""Settlements: an operator applies, another person reviews, the operator confirms, the transfer is recorded.

What an order brings is what the ledger says the platform owes for it. What changes about it after it was in a
settlement (a refund, a dispute) is carried into the next one, so that all lines together are what was ever owed.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from domain import audit, bank_accounts, ledger, numbers, postings
from domain.currencies import exponent
from domain.errors import Conflict, NotFound, Refused
from domain.ledger import Entry
from domain.models.ledger import JournalKind
from domain.models.operators import Operator
from domain.models.settlements import LineKind, Settlement, SettlementLine, SettlementStatus
from domain.settlement_lines import Line, carried, ready

S = SettlementStatus

WITHIN = timedelta(days=7)  # what operators are promised
MOST_ORDERS = 10_000
LONGEST_WORDS = 500
# In whole units of the currency: above it, who approves does not record the transfer.
SECOND_PERSON_ABOVE = 10_000


def apply(
    db: Session,
    operator_id: int,
    currency: str,
    *,
    is_test: bool,
    order_ids: Sequence[int] | None,
    nonce: str,
    message: str = "",
    by: str,
    now: datetime,
) -> Settlement:
    """The operator's application is made of those orders (None: of all that are ready); the same form gives the same.

    Raises:
        Refused: no order, one that is not ready (any more), or nothing to pay in all.
    """
    _lock(db, operator_id)
    known = db.scalar(select(Settlement).where(Settlement.operator_id == operator_id, Settlement.nonce == nonce))
    if known is not None:
        return known
    if len(message) > LONGEST_WORDS:
        raise Refused("The message is too long.", [("message", f"Up to {LONGEST_WORDS} characters.")])
    chosen = _chosen(db, operator_id, currency, is_test, order_ids)
    changes = carried(db, operator_id, currency, is_test=is_test)
    payable = sum(line.payable_minor for line in (*chosen, *changes))
    if payable <= 0:
        raise Refused("Nothing would be paid: what was given back since the last settlement is more than these orders.")
    settlement = _made(db, operator_id, currency, is_test, [*chosen, *changes], nonce, message, by, now)
    ledger.record(db, [_applied(settlement)], now)
    _audit(db, "applied", settlement, by, now)
    return settlement


def approve(db: Session, settlement_id: int, *, by: str, now: datetime) -> Settlement:
    """Somebody else found the statement right.

    Raises:
        Refused: who applied cannot approve.
        Conflict: it was decided before.
    """
    settlement = _at(db, settlement_id, S.APPROVED, S.APPLIED)
    if settlement.status is S.APPROVED:
        return settlement
    _check_not_own(settlement, by)
    settlement.status, settlement.reviewed_by, settlement.reviewed_at = S.APPROVED, by, now
    _audit(db, "approved", settlement, by, now)
    return settlement


def reject(db: Session, settlement_id: int, *, reason: str, by: str, now: datetime) -> Settlement:
    """The application is over, its orders are free again.

    Raises:
        Refused: no reason, or who applied rejects.
        Conflict: it was decided before.
    """
    settlement = _at(db, settlement_id, S.REJECTED, S.APPLIED)
    if settlement.status is S.REJECTED:
        return settlement
    _check_not_own(settlement, by)
    if not reason.strip() or len(reason) > LONGEST_WORDS:
        raise Refused("Say why.", [("reason", "Say why. The operator reads it.")])
    settlement.status, settlement.reviewed_by, settlement.reviewed_at = S.REJECTED, by, now
    settlement.reject_reason = reason.strip()
    free = update(SettlementLine).where(SettlementLine.settlement_id == settlement.id).values(is_live=False)
    db.execute(free.execution_options(synchronize_session=False))
    back = ledger.reversal(
        JournalKind.SETTLEMENT_REJECTED, f"settlement_rejected:{settlement.id}", _applied(settlement), now
    )
    ledger.record(db, [back], now)
    _audit(db, "rejected", settlement, by, now)
    return settlement


def confirm(
    db: Session,
    operator_id: int,
    settlement_id: int,
    *,
    holder: str,
    account: str,
    secret_key: str,
    by: str,
    now: datetime,
) -> Settlement:
    """The operator found the figures right and says where the money goes.

    Raises:
        Refused: no bank account.
        Conflict: not approved, or confirmed before.
        NotFound: another operator's.
    """
    settlement = of_operator(db, operator_id, settlement_id, for_update=True)
    if settlement.status not in (S.APPROVED, S.TRANSFER_FAILED):
        raise Conflict("This settlement does not wait for your confirmation.")
    name, number = bank_accounts.checked(holder, account)
    settlement.status, settlement.confirmed_by, settlement.confirmed_at = S.CONFIRMED, by, now
    settlement.account_holder, settlement.account_ending = name, bank_accounts.masked(number)
    settlement.sealed_account = bank_accounts.seal(secret_key, number)
    settlement.failure = None
    _audit(db, "confirmed", settlement, by, now)
    return settlement


def transfer(db: Session, settlement_id: int, *, reference: str, on: date, by: str, now: datetime) -> Settlement:
    """The bank transfer is on record.

    Raises:
        Refused: no reference, a day to come, or who approved it and the amount asks for a second person.
        Conflict: not confirmed, or recorded before.
    """
    settlement = _at(db, settlement_id, S.TRANSFERRING, S.CONFIRMED)
    if settlement.status is S.TRANSFERRING:
        return settlement
    _check_not_own(settlement, by)
    errors = []
    if not reference.strip() or len(reference) > 140:
        errors.append(("reference", "Enter the reference that the bank shows, up to 140 characters."))
    if on > (now + timedelta(days=1)).date() or on < settlement.applied_at.date():
        errors.append(("on", "Enter the day of the transfer, not before the application and not to come."))
    if errors:
        raise Refused(errors[0][1], errors)
    if needs_second_person(settlement) and settlement.reviewed_by == by:
        raise Refused("You approved this amount. Another person has to record its transfer.")
    settlement.status, settlement.transferred_by, settlement.transferred_at = S.TRANSFERRING, by, now
    settlement.transfer_reference, settlement.transferred_on = reference.strip(), on.isoformat()
    _audit(db, "transfer recorded", settlement, by, now)
    return settlement


def settle(db: Session, settlement_id: int, *, by: str, now: datetime) -> Settlement:
    """The money has arrived: the settlement is settled, in the ledger too.

    Raises: Conflict when no transfer is under way.
    """
    settlement = _at(db, settlement_id, S.SETTLED, S.TRANSFERRING)
    if settlement.status is S.SETTLED:
        return settlement
    _check_not_own(settlement, by)
    settlement.status, settlement.settled_by, settlement.settled_at = S.SETTLED, by, now
    paid = postings.settlement_paid(
        settlement.id,
        settlement.operator_id,
        settlement.payable_minor,
        settlement.currency,
        is_test=settlement.is_test,
        at=now,
    )
    ledger.record(db, [paid], now)
    _audit(db, "settled", settlement, by, now)
    return settlement


def transfer_failed(db: Session, settlement_id: int, *, reason: str, by: str, now: datetime) -> Settlement:
    """The bank sent the money back; the operator confirms the account again.

    Raises:
        Refused: no reason.
        Conflict: no transfer is under way.
    """
    settlement = _at(db, settlement_id, S.TRANSFER_FAILED, S.TRANSFERRING)
    if settlement.status is S.TRANSFER_FAILED:
        return settlement
    if not reason.strip() or len(reason) > LONGEST_WORDS:
        raise Refused("Say why.", [("reason", "Say why. The operator reads it.")])
    settlement.status, settlement.failure = S.TRANSFER_FAILED, reason.strip()
    _audit(db, "transfer failed", settlement, by, now)
    return settlement


def needs_second_person(settlement: Settlement) -> bool:
    """Whether who approved it must not record its transfer."""
    limit: int = SECOND_PERSON_ABOVE * 10 ** exponent(settlement.currency)
    return settlement.payable_minor > limit


def due_at(settlement: Settlement) -> datetime:
    """Until when the money is promised."""
    return settlement.applied_at + WITHIN


def of_operator(db: Session, operator_id: int | None, settlement_id: int, *, for_update: bool = False) -> Settlement:
    """
    Args:
        operator_id: whose; None: of whomever, for the platform.

    Raises: NotFound.
    """
    found = select(Settlement).where(Settlement.id == settlement_id)
    if operator_id is not None:
        found = found.where(Settlement.operator_id == operator_id)
    if for_update:
        found = found.with_for_update().execution_options(populate_existing=True)
    settlement = db.scalar(found)
    if settlement is None:
        raise NotFound("There is no such settlement.")
    return settlement


def _lock(db: Session, operator_id: int) -> None:
    # Two people of one operator who apply for the same orders: one after the other.
    db.execute(select(Operator.id).where(Operator.id == operator_id).with_for_update())


def _at(db: Session, settlement_id: int, wanted: SettlementStatus, before: SettlementStatus) -> Settlement:
    settlement = of_operator(db, None, settlement_id, for_update=True)
    if settlement.status not in (wanted, before):
        raise Conflict(f"This settlement is {settlement.status.value.replace('_', ' ')} by now.")
    return settlement


def _check_not_own(settlement: Settlement, by: str) -> None:
    if by == settlement.applied_by:
        raise Refused("You applied for this settlement yourself. Another person has to decide about it.")


def _chosen(
    db: Session, operator_id: int, currency: str, is_test: bool, order_ids: Sequence[int] | None
) -> Sequence[Line]:
    found = ready(db, operator_id, currency, is_test=is_test, order_ids=order_ids, limit=MOST_ORDERS + 1)
    if order_ids is not None and len(found) < len(set(order_ids)):
        raise Refused("Some of these orders are not ready to settle any more. Look at the list again.")
    if not found:
        raise Refused("Choose at least one order.")
    if len(found) > MOST_ORDERS:
        raise Refused(f"A settlement takes up to {MOST_ORDERS:,} orders. Choose a shorter time.")
    return found


def _made(
    db: Session,
    operator_id: int,
    currency: str,
    is_test: bool,
    lines: Sequence[Line],
    nonce: str,
    message: str,
    by: str,
    now: datetime,
) -> Settlement:
    settlement = Settlement(
        number=f"S-{now.year}-{numbers.next_in_series(db, f'settlement:{now.year}'):04d}",
        operator_id=operator_id,
        nonce=nonce,
        currency=currency,
        is_test=is_test,
        status=S.APPLIED,
        orders=sum(line.kind is LineKind.ORDER for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
        captured_minor=sum(line.captured_minor for line in lines),
        fee_minor=sum(line.fee_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        carried_minor=sum(line.carried_minor for line in lines),
        payable_minor=sum(line.payable_minor for line in lines),
        first_at=min(line.started_at for line in lines),
        last_at=max(line.stopped_at or line.started_at for line in lines),
        message=message.strip() or None,
        applied_by=by,
        applied_at=now,
    )
    db.add(settlement)
    db.flush()
    db.execute(
        insert(SettlementLine),
        [
            {"settlement_id": settlement.id, "position": position, "is_live": True, **line._asdict()}
            for position, line in enumerate(lines, 1)
        ],
    )
    return settlement


def _applied(settlement: Settlement) -> Entry:
    return postings.settlement_applied(
        settlement.id,
        settlement.operator_id,
        settlement.payable_minor,
        settlement.currency,
        is_test=settlement.is_test,
        at=settlement.applied_at,
    )


def _audit(db: Session, verb: str, settlement: Settlement, by: str, now: datetime) -> None:
    db.flush()
    audit.record(
        db,
        verb,
        "settlement",
        settlement.id,
        operator_id=settlement.operator_id,
        by=by,
        now=now,
        number=settlement.number,
        payable_minor=settlement.payable_minor,
        currency=settlement.currency,
    )
