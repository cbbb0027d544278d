"""What people read about a settlement that moved on."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import mails
from domain.models.operators import Role, UserAccount
from domain.models.settlements import Settlement, SettlementStatus

S = SettlementStatus

_SAID = {
    S.APPROVED: "was approved. Please confirm the figures and the bank account.",
    S.REJECTED: "was rejected. Its orders are free again.",
    S.TRANSFERRING: "is on its way to your bank.",
    S.SETTLED: "is settled.",
    S.TRANSFER_FAILED: "came back from the bank. Please confirm the bank account again.",
}


def tell(db: Session, settlement: Settlement, link: str, now: datetime) -> None:
    """Whoever is next, or waits, has a mail about it: staff after the application, else who applied."""
    if settlement.status in (S.APPLIED, S.CONFIRMED):
        word = "waits for a review" if settlement.status is S.APPLIED else "waits for its bank transfer"
        for address in _staff(db):
            mails.queue(db, address, f"{settlement.number} {word}", f"{settlement.number} {word}:\n{link}\n", now=now)
        return
    words = settlement.reject_reason or settlement.failure
    reason = f"\n\n{words}" if words and settlement.status in (S.REJECTED, S.TRANSFER_FAILED) else ""
    body = f"Hello,\n\nyour settlement {settlement.number} {_SAID[settlement.status]}{reason}\n\n{link}\n"
    mails.queue(db, settlement.applied_by, f"Settlement {settlement.number}", body, now=now)


def _staff(db: Session) -> list[str]:
    admins = select(UserAccount.email).where(UserAccount.role == Role.PLATFORM_ADMIN, UserAccount.is_active)
    return list(db.scalars(admins))
