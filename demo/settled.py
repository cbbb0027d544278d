"""What the demo's operator has applied for: one settlement that is done, one in review."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain import settlement_lines, settlements
from domain.models.settlements import Settlement

OWNER, FINANCE, ADMIN = "owner@harbour.example", "finance@harbour.example", "admin@voltdesk.example"
IBAN = "FI21 1234 5600 0007 85"


def settle(db: Session, operator_id: int, currency: str, secret_key: str, now: datetime, days: int) -> None:
    """The first half of the month is settled, the third quarter applied for; the rest is ready."""
    began = now - timedelta(days=days)
    done = _apply(db, operator_id, currency, began, began + timedelta(days=days / 2), FINANCE)
    if done is not None:
        _finish(db, done, secret_key)
    _apply(db, operator_id, currency, began, began + timedelta(days=days * 3 / 4), OWNER)


def _apply(
    db: Session, operator_id: int, currency: str, since: datetime, until: datetime, by: str
) -> Settlement | None:
    ready = settlement_lines.ready(
        db, operator_id, currency, is_test=True, since=since, until=until, limit=settlements.MOST_ORDERS
    )
    if not ready:
        return None
    return settlements.apply(
        db,
        operator_id,
        currency,
        is_test=True,
        order_ids=[line.order_id for line in ready],
        nonce=f"demo {until:%Y-%m-%d}",
        by=by,
        now=until,
    )


def _finish(db: Session, settlement: Settlement, secret_key: str) -> None:
    at = settlement.applied_at
    settlements.approve(db, settlement.id, by=ADMIN, now=at + timedelta(days=1))
    settlements.confirm(
        db,
        settlement.operator_id,
        settlement.id,
        holder="Harbour Energy Oy",
        account=IBAN,
        secret_key=secret_key,
        by=FINANCE,
        now=at + timedelta(days=1, hours=3),
    )
    sent = at + timedelta(days=2)
    settlements.transfer(db, settlement.id, reference="RF18 5390 0754 7034", on=sent.date(), by=ADMIN, now=sent)
    settlements.settle(db, settlement.id, by=ADMIN, now=sent + timedelta(days=1))
