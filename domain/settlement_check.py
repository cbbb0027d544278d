"""The reviewer's look: each line of a statement against what order, payment and ledger say now."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain.models.ledger import AccountKind, Journal, LedgerAccount, Posting
from domain.models.orders import Order
from domain.models.payments import Payment
from domain.models.settlements import LineKind, Settlement, SettlementLine


def differences(db: Session, settlement: Settlement) -> dict[int, str]:
    """What does not fit any more, by the line's position; nothing for a statement that does."""
    lines = (
        select(SettlementLine, Order)
        .join(Order, Order.id == SettlementLine.order_id)
        .where(SettlementLine.settlement_id == settlement.id)
        .options(joinedload(Order.payment))
    )
    owed = _owed(db, settlement)
    found = {}
    for line, order in db.execute(lines):
        sentence = _difference(line, order, order.payment, owed.get(order.id, 0))
        if sentence:
            found[line.position] = sentence
    return found


def _difference(line: SettlementLine, order: Order, payment: Payment | None, owed: int) -> str | None:
    if line.kind is not LineKind.ORDER:
        return None
    if payment is None or payment.captured_minor != line.captured_minor:
        return "Another amount was captured."
    if (order.net_minor, order.vat_minor, order.gross_minor) != (line.net_minor, line.vat_minor, line.gross_minor):
        return "The order has other figures."
    if owed != line.payable_minor:
        return "Changed since the application; carried into the next settlement."
    return None


def _owed(db: Session, settlement: Settlement) -> dict[int, int]:
    ids = select(SettlementLine.order_id).where(SettlementLine.settlement_id == settlement.id)
    moved = (
        select(Journal.order_id, func.sum(Posting.amount_minor))
        .join(Posting, Posting.journal_id == Journal.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Journal.order_id.in_(ids), LedgerAccount.kind == AccountKind.OPERATOR_PAYABLE)
        .group_by(Journal.order_id)
    )
    return {order_id: -int(total) for order_id, total in db.execute(moved) if order_id is not None}
