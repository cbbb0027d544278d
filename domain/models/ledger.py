"""The ledger: double entry, rows that are only ever added (money.md §6).

A journal is written after its postings, and the database looks then: postings that do not sum to zero in each currency
are refused, and nothing can be added to a journal that stands. `domain/models/ledger_guards.py` has these guards.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words


class AccountKind(StrEnum):
    """What an account of the ledger is about. Debit is positive, credit negative."""

    PROVIDER_CLEARING = "provider_clearing"  # money at a provider, by payment account
    BANK = "bank"  # the platform's bank account
    PROVIDER_FEE = "provider_fee"
    PLATFORM_FEE = "platform_fee"
    TAX_PAYABLE = "tax_payable"
    OPERATOR_PAYABLE = "operator_payable"  # what the platform owes an operator
    OPERATOR_DIRECT = "operator_direct"  # memo: what an operator collected without us
    FEE_RECEIVABLE = "fee_receivable"
    SHORTFALL_RECEIVABLE = "shortfall_receivable"
    REFUNDS_PENDING = "refunds_pending"
    SETTLEMENT_PENDING = "settlement_pending"
    DISPUTE_HELD = "dispute_held"
    DRIVER_BALANCE = "driver_balance"  # what the platform owes a driver
    BALANCE_RESERVED = "balance_reserved"  # of that, what is on its way to a bank


class JournalKind(StrEnum):
    """What happened. One function in domain/postings.py for each."""

    CAPTURE = "capture"
    SHORTFALL = "shortfall"
    SHORTFALL_WRITTEN_OFF = "shortfall_written_off"
    REFUND_REQUESTED = "refund_requested"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    MANUAL_REFUND = "manual_refund"
    DISPUTE = "dispute"
    DISPUTE_REINSTATED = "dispute_reinstated"
    DISPUTE_LOST = "dispute_lost"
    PROVIDER_FEE = "provider_fee"
    PROVIDER_PAYOUT = "provider_payout"
    TOP_UP = "top_up"
    WITHDRAWAL_APPLIED = "withdrawal_applied"
    WITHDRAWAL_RETURNED = "withdrawal_returned"
    WITHDRAWAL_PAID = "withdrawal_paid"
    SETTLEMENT_APPLIED = "settlement_applied"
    SETTLEMENT_REJECTED = "settlement_rejected"
    SETTLEMENT_PAID = "settlement_paid"


class LedgerAccount(Base):
    """One account of the books. Test money has accounts of its own."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("id", "is_test"),
        CheckConstraint(
            "operator_id IS NOT NULL"
            " OR kind NOT IN ('operator_payable', 'operator_direct', 'fee_receivable', 'settlement_pending')",
            name="has_its_operator",
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)  # "operator_payable:3", "test:provider_clearing:7"
    kind: Mapped[AccountKind] = mapped_column(words(AccountKind))
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"), index=True)
    payment_account_id: Mapped[int | None] = mapped_column(ForeignKey("payment_account.id"))
    is_test: Mapped[bool]


class Journal(Base):
    """Something that moved money, once: the key names the event, so that it is never booked twice."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("id", "is_test"),
        Index(None, "operator_id", "occurred_at"),
        Index(None, "order_id"),
        Index(None, "payment_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[JournalKind] = mapped_column(words(JournalKind))
    idempotency_key: Mapped[str] = mapped_column(unique=True)  # "capture:17"
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"), unique=True)
    is_test: Mapped[bool]

    postings: Mapped[list["Posting"]] = relationship(order_by="Posting.id", viewonly=True)


class Posting(Base):
    """One movement on one account; those of a journal sum to zero in each currency."""

    __tablename__ = "posting"
    __table_args__ = (
        # Checked at the end of the transaction: the journal is written after its postings.
        ForeignKeyConstraint(
            ["journal_id", "is_test"], ["journal.id", "journal.is_test"], deferrable=True, initially="DEFERRED"
        ),
        ForeignKeyConstraint(["account_id", "is_test"], ["ledger_account.id", "ledger_account.is_test"]),
        CheckConstraint("amount_minor <> 0", name="moves_something"),
        Index(None, "journal_id"),
        Index(None, "account_id", "currency"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    journal_id: Mapped[int]
    account_id: Mapped[int]
    amount_minor: Mapped[int]  # debit positive, credit negative
    currency: Mapped[str]
    is_test: Mapped[bool]

    account: Mapped[LedgerAccount] = relationship(
        viewonly=True,
        primaryjoin="Posting.account_id == LedgerAccount.id",
        foreign_keys="Posting.account_id",
    )
