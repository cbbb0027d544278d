"""Settlements: what the platform collected for an operator goes to the operator's bank (money.md §5)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.operators import Operator


class SettlementStatus(StrEnum):
    """applied -> approved -> confirmed -> transferring -> settled.

    applied -> rejected; transferring -> transfer_failed -> confirmed.
    """

    APPLIED = "applied"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    TRANSFERRING = "transferring"
    SETTLED = "settled"
    REJECTED = "rejected"
    TRANSFER_FAILED = "transfer_failed"


class LineKind(StrEnum):
    """An order, or what changed about one after it was in an earlier settlement."""

    ORDER = "order"
    CARRIED = "carried"


class Settlement(Base):
    """One application of an operator, its statement frozen when it was made."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("operator_id", "nonce"),
        CheckConstraint("payable_minor > 0", name="pays_something"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> applied_by", name="nobody_reviews_their_own"),
        Index(None, "operator_id", "id"),
        Index(None, "status", "id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # S-2026-0025
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    nonce: Mapped[str]  # of the form: a second click is the same application
    status: Mapped[SettlementStatus] = mapped_column(words(SettlementStatus), default=SettlementStatus.APPLIED)
    currency: Mapped[str]
    is_test: Mapped[bool]
    orders: Mapped[int]
    gross_minor: Mapped[int]
    captured_minor: Mapped[int]
    fee_minor: Mapped[int]
    tax_minor: Mapped[int]  # VAT that the platform pays
    carried_minor: Mapped[int]  # given back by hand, and changes of orders settled before; signed
    payable_minor: Mapped[int]
    first_at: Mapped[datetime]  # of its orders
    last_at: Mapped[datetime]
    message: Mapped[str | None]  # of the applicant
    applied_by: Mapped[str]
    applied_at: Mapped[datetime]
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[datetime | None]
    reject_reason: Mapped[str | None]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    account_holder: Mapped[str | None]
    sealed_account: Mapped[str | None]
    account_ending: Mapped[str | None]  # "FI•• •785"
    transferred_by: Mapped[str | None]
    transferred_at: Mapped[datetime | None]
    transferred_on: Mapped[str | None]  # a day, 2026-11-27
    transfer_reference: Mapped[str | None]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    failure: Mapped[str | None]  # why the transfer failed

    operator: Mapped[Operator] = relationship(viewonly=True)
    lines: Mapped[list["SettlementLine"]] = relationship(order_by="SettlementLine.position", viewonly=True)


class SettlementLine(Base):
    """One line of a statement, as it was when the operator applied."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        UniqueConstraint("settlement_id", "position"),
        # An order is in at most one settlement that was not rejected.
        Index(
            "uq_settlement_line_order",
            "order_id",
            unique=True,
            sqlite_where=text("kind = 'order' AND is_live"),
            postgresql_where=text("kind = 'order' AND is_live"),
        ),
        Index(None, "order_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    position: Mapped[int]
    kind: Mapped[LineKind] = mapped_column(words(LineKind))
    is_live: Mapped[bool] = mapped_column(default=True)  # until the settlement is rejected
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order_number: Mapped[str]
    station: Mapped[str]
    charger: Mapped[str]
    time_zone: Mapped[str]
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    energy_wh: Mapped[int]
    net_minor: Mapped[int]
    vat_rates: Mapped[str]  # "25.5", several with commas
    vat_minor: Mapped[int]
    gross_minor: Mapped[int]
    captured_minor: Mapped[int]
    fee_minor: Mapped[int]
    tax_minor: Mapped[int]
    carried_minor: Mapped[int]
    payable_minor: Mapped[int]
    paid_with: Mapped[str]
    provider_ref: Mapped[str | None]
