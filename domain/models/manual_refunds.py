"""Parts of an order that were given back by hand, through a bank."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.orders import Order


class ManualRefundStatus(StrEnum):
    """proposed -> confirmed | withdrawn."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class ManualRefund(Base):
    """A bank transfer to a driver, recorded by one person and confirmed by another; the order stays paid."""

    __tablename__ = "manual_refund"
    __table_args__ = (
        UniqueConstraint("order_id", "nonce"),
        CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        CheckConstraint("status <> 'confirmed' OR decided_by <> asked_by", name="two_people"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    nonce: Mapped[str]  # of the form it was typed into: a second click is the same refund
    status: Mapped[ManualRefundStatus] = mapped_column(words(ManualRefundStatus), default=ManualRefundStatus.PROPOSED)
    amount_minor: Mapped[int]
    currency: Mapped[str]
    bank_reference: Mapped[str]
    reason: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]

    order: Mapped[Order] = relationship(viewonly=True)
