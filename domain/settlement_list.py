"""Settlements as lists and sums."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain import paging
from domain.models.settlements import Settlement, SettlementLine, SettlementStatus
from domain.settlement_lines import Money

S = SettlementStatus
OPEN = (S.APPLIED, S.APPROVED, S.CONFIRMED, S.TRANSFERRING, S.TRANSFER_FAILED)


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    statuses: tuple[SettlementStatus, ...] = ()
    text: str = ""  # in the number


def page(
    db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int
) -> paging.Page[Settlement]:
    """One page, the newest first; operator None: of all operators."""
    found = select(Settlement).options(joinedload(Settlement.operator))
    if operator_id is not None:
        found = found.where(Settlement.operator_id == operator_id)
    if wanted.statuses:
        found = found.where(Settlement.status.in_(wanted.statuses))
    if wanted.text:
        found = found.where(Settlement.number.icontains(wanted.text, autoescape=True))
    keys: list[Any] = [Settlement.id]
    return paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)


def lines(db: Session, settlement: Settlement, cursor: str | None, limit: int) -> paging.Page[SettlementLine]:
    """One page of a statement's lines, in their order."""
    found = select(SettlementLine).where(SettlementLine.settlement_id == settlement.id)
    keys: list[Any] = [SettlementLine.position]
    return paging.fetch_page(db, found, keys, cursor=cursor, limit=limit)


def sums(db: Session, operator_id: int, money: Money, since: datetime) -> dict[SettlementStatus, tuple[int, int]]:
    """How many settlements are in each state, and their money; settled ones only from that moment on."""
    found = (
        select(Settlement.status, func.count(), func.sum(Settlement.payable_minor))
        .where(
            Settlement.operator_id == operator_id,
            Settlement.currency == money.currency,
            Settlement.is_test == money.is_test,
            (Settlement.status != S.SETTLED) | (Settlement.settled_at >= since),
        )
        .group_by(Settlement.status)
    )
    return {status: (int(count), int(total)) for status, count, total in db.execute(found)}


def waiting_count(db: Session, statuses: tuple[SettlementStatus, ...], operator_id: int | None = None) -> int:
    """How many settlements wait in those states."""
    found = select(func.count()).select_from(Settlement).where(Settlement.status.in_(statuses))
    if operator_id is not None:
        found = found.where(Settlement.operator_id == operator_id)
    return int(db.scalar(found) or 0)
