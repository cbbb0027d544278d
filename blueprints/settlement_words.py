"""A settlement's states in words, and its steps."""

from datetime import datetime
from typing import NamedTuple

from domain.models.settlements import Settlement, SettlementStatus

S = SettlementStatus


class Word(NamedTuple):
    """A state as people read it: word, tone, icon."""

    name: str
    tone: str
    icon: str


class Step(NamedTuple):
    """A step of a settlement, taken when and by whom, or still to come."""

    name: str
    at: datetime | None
    by: str | None


STATUS_WORDS = {
    S.APPLIED: Word("Applied", "warn", "clock"),
    S.APPROVED: Word("Approved", "info", "shield-check"),
    S.CONFIRMED: Word("Confirmed", "info", "check"),
    S.TRANSFERRING: Word("Transferring", "info", "building-bank"),
    S.SETTLED: Word("Settled", "ok", "circle-check"),
    S.REJECTED: Word("Rejected", "bad", "circle-x"),
    S.TRANSFER_FAILED: Word("Transfer failed", "bad", "alert-triangle"),
}


def steps(settlement: Settlement) -> list[Step]:
    """The steps in their order."""
    if settlement.status is S.REJECTED:
        return [
            Step("Applied", settlement.applied_at, settlement.applied_by),
            Step("Rejected", settlement.reviewed_at, settlement.reviewed_by),
        ]
    is_back = settlement.status is S.TRANSFER_FAILED
    return [
        Step("Applied", settlement.applied_at, settlement.applied_by),
        Step("Approved", settlement.reviewed_at, settlement.reviewed_by),
        Step("Confirmed", None if is_back else settlement.confirmed_at, settlement.confirmed_by),
        Step("Transferred", None if is_back else settlement.transferred_at, settlement.transferred_by),
        Step("Settled", settlement.settled_at, settlement.settled_by),
    ]
