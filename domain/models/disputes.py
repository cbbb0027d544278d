"""Disputes: a driver's bank takes a payment back, until somebody decides."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.payments import Payment


class DisputeStatus(StrEnum):
    """open -> won | lost."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Dispute(Base):
    """One dispute as its provider tells it: open -> won | lost."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("provider", "provider_ref"),
        CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        Index(
            "ix_dispute_due",
            "next_look_at",
            sqlite_where=text("next_look_at IS NOT NULL"),
            postgresql_where=text("next_look_at IS NOT NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    provider: Mapped[str]
    provider_ref: Mapped[str]
    status: Mapped[DisputeStatus] = mapped_column(words(DisputeStatus), default=DisputeStatus.OPEN)
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str]  # the provider's word
    is_withdrawn: Mapped[bool]  # the provider has taken the money from the balance
    opened_at: Mapped[datetime]
    answer_before: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]

    payment: Mapped[Payment] = relationship(viewonly=True)
