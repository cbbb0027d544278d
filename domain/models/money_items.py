"""Money needing attention: what wants a person, and the nightly proof that finds most of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.orders import Order


class MoneyItemKind(StrEnum):
    """Why money wants a person."""

    CAPTURE_FAILED = "capture_failed"
    HOLD_EXPIRED = "hold_expired"
    HOLD_EXPIRING = "hold_expiring"
    HOLD_STANDS = "hold_stands"  # it outlives its order
    UNKNOWN = "unknown"  # the provider has not said what became of it for an hour
    REFUND_FAILED = "refund_failed"
    ALARM = "alarm"  # a bug of ours
    DISPUTE = "dispute"
    ACCOUNT_TROUBLE = "account_trouble"
    NOT_BILLED = "not_billed"
    REVIEW = "review"
    MISSING_HERE = "missing_here"  # the provider has it, we do not
    MISSING_THERE = "missing_there"  # we have it, the provider does not
    AMOUNT = "amount"
    FEE = "fee"
    CURRENCY = "currency"
    DUPLICATE = "duplicate"
    BOOKS = "books"  # order, payment and ledger differ


class MoneyItem(Base):
    """One thing about money that wants a person. It closes by itself once what it tells is no longer so."""

    __tablename__ = "money_item"
    __table_args__ = (
        Index(
            "uq_money_item_open",
            "key",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index(None, "operator_id", "resolved_at", "id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]  # "capture_failed:17"; at most one open item has it
    kind: Mapped[MoneyItemKind] = mapped_column(words(MoneyItemKind))
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"))  # none: the platform's
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    payment_account_id: Mapped[int | None] = mapped_column(ForeignKey("payment_account.id"))
    charging_session_id: Mapped[int | None] = mapped_column(ForeignKey("charging_session.id"))
    text: Mapped[str]  # a sentence for people
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]  # none: it closed by itself
    note: Mapped[str | None]

    order: Mapped[Order | None] = relationship(viewonly=True)


class ProofRun(Base):
    """One nightly proof that session, order, provider and ledger agree."""

    __tablename__ = "proof_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    since: Mapped[datetime]  # what happened from then on was compared with the providers
    until: Mapped[datetime]
    counts: Mapped[dict[str, Any]]  # "orders", "payments", "journals", "lines", "differences", "unreachable"
