"""Money needing attention: items open when something is found, close when it is no longer so, or by a person's word."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit
from domain.errors import Conflict, NotFound, Refused
from domain.models.money_items import MoneyItem, MoneyItemKind
from domain.models.payments import PaymentAccount
from domain.payment_provider import DisputeFacts

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about money that wants a person. The key is the same each time it is found."""

    kind: MoneyItemKind
    key: str
    text: str
    operator_id: int | None = None
    order_id: int | None = None
    payment_id: int | None = None
    payment_account_id: int | None = None
    charging_session_id: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def sync(db: Session, kinds: Iterable[MoneyItemKind], findings: Iterable[Finding], now: datetime) -> int:
    """The open items of those kinds are the findings: new ones open, others close; returns how many are new.

    What a person has closed stays closed.
    """
    found = {finding.key: finding for finding in findings}
    is_open = (MoneyItem.resolved_at.is_(None), MoneyItem.kind.in_(list(kinds)))
    standing = {item.key: item for item in db.scalars(select(MoneyItem).where(*is_open))}
    for key in standing.keys() - found.keys():
        standing[key].resolved_at = now
    return add(db, (finding for key, finding in found.items() if key not in standing), now)


def add(db: Session, findings: Iterable[Finding], now: datetime) -> int:
    """Those of the findings are open that nobody has closed and that were not open before; returns how many."""
    new = 0
    for finding in findings:
        of_key = select(MoneyItem).where(MoneyItem.key == finding.key).order_by(MoneyItem.id.desc()).limit(1)
        last = db.scalar(of_key)
        if last is not None and (last.resolved_at is None or last.resolved_by is not None):
            continue
        db.add(
            MoneyItem(
                key=finding.key,
                kind=finding.kind,
                operator_id=finding.operator_id,
                order_id=finding.order_id,
                payment_id=finding.payment_id,
                payment_account_id=finding.payment_account_id,
                charging_session_id=finding.charging_session_id,
                text=finding.text,
                amount_minor=finding.amount_minor,
                currency=finding.currency,
                detail=finding.detail,
                opened_at=now,
            )
        )
        db.flush()
        new += 1
    return new


def resolve(db: Session, operator_id: int | None, item_id: int, *, note: str, by: str, now: datetime) -> MoneyItem:
    """A person closed the item and said why; it does not come back.

    Raises:
        NotFound: another operator's, or none.
        Refused: no reason given.
        Conflict: somebody closed it before.
    """
    item = of_operator(db, operator_id, item_id, for_update=True)
    if item.resolved_at is not None:
        raise Conflict("This is closed already.")
    if not note.strip() or len(note) > LONGEST_NOTE:
        message = f"Say what was done about it, in up to {LONGEST_NOTE} characters."
        raise Refused(message, [("note", message)])
    item.resolved_at, item.resolved_by, item.note = now, by, note.strip()
    db.flush()
    audit.record(
        db,
        "closed",
        "money_item",
        item.id,
        operator_id=operator_id,
        by=by,
        now=now,
        kind=item.kind.value,
        note=item.note,
    )
    return item


def of_operator(db: Session, operator_id: int | None, item_id: int, *, for_update: bool = False) -> MoneyItem:
    """
    Raises: NotFound.
    """
    found = select(MoneyItem).where(MoneyItem.id == item_id, _mine(operator_id))
    if for_update:
        found = found.with_for_update().execution_options(populate_existing=True)
    item = db.scalar(found)
    if item is None:
        raise NotFound("There is no such item.")
    return item


def add_unknown_dispute(db: Session, account: PaymentAccount, facts: DisputeFacts, now: datetime) -> None:
    """A dispute about a payment that we do not have wants a person."""
    finding = Finding(
        MoneyItemKind.MISSING_HERE,
        f"dispute:{account.id}:{facts.ref}",
        f"The provider tells of a dispute about a payment that is not known here ({facts.reason}).",
        operator_id=account.operator_id,
        payment_account_id=account.id,
        amount_minor=facts.amount_minor,
        currency=facts.currency,
        detail={"provider": facts.ref},
    )
    add(db, [finding], now)


def _mine(operator_id: int | None) -> Any:
    return MoneyItem.operator_id.is_(None) if operator_id is None else MoneyItem.operator_id == operator_id
