"""Payments and refunds as rows with explicit states (money.md §2)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words


class CollectionMode(StrEnum):
    """Whose payment account collects; frozen on every order."""

    PLATFORM = "platform"
    OPERATOR = "operator"


class PaymentStatus(StrEnum):
    """One machine for all providers; the allowed steps are in domain/payments.py."""

    CREATED = "created"
    ACTION_REQUIRED = "action_required"
    AUTH_PENDING = "auth_pending"
    AUTHORISED = "authorised"
    CAPTURE_PENDING = "capture_pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    ABANDONED = "abandoned"
    RELEASE_PENDING = "release_pending"
    RELEASED = "released"
    EXPIRED = "expired"
    CAPTURE_FAILED = "capture_failed"
    AUTH_UNKNOWN = "auth_unknown"
    CAPTURE_UNKNOWN = "capture_unknown"
    RELEASE_UNKNOWN = "release_unknown"


class RefundStatus(StrEnum):
    """requested -> pending -> succeeded | failed | unknown."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PaymentAccount(Base):
    """A merchant's account at a provider ("Merchant")."""

    __tablename__ = "payment_account"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),
        # An operator takes each of the platform's accounts once.
        UniqueConstraint("operator_id", "platform_account_id"),
        CheckConstraint("operator_id IS NOT NULL OR collection_mode = 'platform'", name="platform_collects"),
        CheckConstraint(
            "platform_account_id IS NULL OR (operator_id IS NOT NULL AND collection_mode = 'platform'"
            " AND sealed_credentials IS NULL)",
            name="offered_has_no_credentials",
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"), index=True)  # none: the platform's own
    provider: Mapped[str]  # "sandbox", "stripe", "paypal"
    name: Mapped[str]
    collection_mode: Mapped[CollectionMode] = mapped_column(words(CollectionMode))
    is_test: Mapped[bool]
    created_at: Mapped[datetime]
    # An operator's row about an account of the platform: the credentials are over there.
    platform_account_id: Mapped[int | None] = mapped_column(ForeignKey("payment_account.id"))
    provider_account: Mapped[str | None]  # the provider's own name of the account, "acct_1A2b"
    sealed_credentials: Mapped[str | None]  # JSON, sealed with a key outside the database
    credential_endings: Mapped[dict[str, Any] | None]  # the last 4 characters of each, to tell them apart
    is_active: Mapped[bool] = mapped_column(default=True)
    checked_at: Mapped[datetime | None]  # when the provider last took the credentials
    trouble: Mapped[str | None]  # why it does not take them any more, for people
    trouble_at: Mapped[datetime | None]

    @property
    def can_take_payments(self) -> bool:
        """Whether a driver may be sent there; of the row that holds the credentials."""
        return self.is_active and self.trouble is None


class StationMerchant(Base):
    """A payment account that a station offers besides its preferred one (`station.payment_account_id`)."""

    __tablename__ = "station_merchant"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        ForeignKeyConstraint(
            ["operator_id", "payment_account_id"], ["payment_account.operator_id", "payment_account.id"]
        ),
        {"sqlite_strict": True},
    )

    station_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payment_account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    operator_id: Mapped[int]
    added_at: Mapped[datetime]


class ProviderEvent(Base):
    """A message of a provider that its signature proved: a hint what to ask it about, never a fact."""

    __tablename__ = "provider_event"
    __table_args__ = (
        UniqueConstraint("provider", "payment_account_id", "event_id"),
        Index(
            "ix_provider_event_waiting",
            "about",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
        Index(None, "received_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    payment_account_id: Mapped[int] = mapped_column(ForeignKey("payment_account.id"))  # whose webhook it was
    event_id: Mapped[str]
    kind: Mapped[str]  # the provider's word, "charge.dispute.created"
    about: Mapped[str]  # payment, refund, dispute or other
    ref: Mapped[str | None]  # the provider's id of what it is about
    reference: Mapped[str | None]  # ours, "vd:…:open:17", where the provider carries it
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    said_at: Mapped[datetime | None]  # the provider's clock
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]  # what it is about was made due, or it is about nothing of ours


class Payment(Base):
    """What one driver is asked to pay for one charging session: hold first, capture after."""

    __tablename__ = "payment"
    __table_args__ = (
        ForeignKeyConstraint(
            ["operator_id", "payment_account_id"], ["payment_account.operator_id", "payment_account.id"]
        ),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        UniqueConstraint("provider", "provider_ref"),
        CheckConstraint("hold_minor > 0", name="hold_is_positive"),
        CheckConstraint("captured_minor >= 0 AND captured_minor <= hold_minor", name="captured_within_hold"),
        Index(None, "operator_id", "last4"),
        Index(None, "operator_id", "driver_email"),
        Index(None, "status", "status_at"),
        # What a provider has to be asked about, and holds that stand, whatever the size of the history.
        Index(
            "ix_payment_due",
            "next_try_at",
            sqlite_where=text("next_try_at IS NOT NULL"),
            postgresql_where=text("next_try_at IS NOT NULL"),
        ),
        Index(
            "ix_payment_held",
            "charger_id",
            "connector_number",
            sqlite_where=text("status = 'authorised'"),
            postgresql_where=text("status = 'authorised'"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    payment_account_id: Mapped[int]
    charger_id: Mapped[int]
    connector_number: Mapped[int]
    token: Mapped[str] = mapped_column(unique=True)  # secret of the driver's page /s/<token>
    id_tag: Mapped[str] = mapped_column(unique=True)  # one-time virtual idTag, at most 18 characters
    provider: Mapped[str]
    provider_ref: Mapped[str | None]  # the provider's id of this payment
    checkout_url: Mapped[str | None]  # the provider's page where the driver pays
    collection_mode: Mapped[CollectionMode] = mapped_column(words(CollectionMode))
    is_test: Mapped[bool]
    status: Mapped[PaymentStatus] = mapped_column(words(PaymentStatus), default=PaymentStatus.CREATED)
    currency: Mapped[str]
    hold_minor: Mapped[int]
    captured_minor: Mapped[int] = mapped_column(default=0)
    to_capture_minor: Mapped[int | None]  # decided before the provider is called
    attempt: Mapped[int] = mapped_column(default=1)  # part of the idempotency key
    instrument: Mapped[str | None]  # "Visa"
    last4: Mapped[str | None]
    driver_email: Mapped[str | None]
    locale: Mapped[str | None]
    tariff_id: Mapped[int | None] = mapped_column(ForeignKey("tariff.id"))  # the price that was shown
    failure: Mapped[str | None]  # the provider's reason, for people
    release_reason: Mapped[str | None]  # not_started, cancelled, nothing_used, waived, hold_expires
    created_at: Mapped[datetime]
    status_at: Mapped[datetime]  # when the status last changed
    capture_before: Mapped[datetime | None]  # until when the provider keeps the hold
    authorised_at: Mapped[datetime | None]
    captured_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    start_requested_at: Mapped[datetime | None]  # when the driver pressed Start charging
    stop_requested_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]  # when a sweep may try the provider again
    alarm: Mapped[str | None]  # a bug of ours stopped it; a person has to look before it goes on

    account: Mapped[PaymentAccount] = relationship(
        viewonly=True,
        primaryjoin="Payment.payment_account_id == PaymentAccount.id",
        foreign_keys="Payment.payment_account_id",
    )
    refunds: Mapped[list["Refund"]] = relationship(order_by="Refund.id", viewonly=True)


class Refund(Base):
    """Money going back to a driver: always the full captured amount of one payment."""

    __tablename__ = "refund"
    __table_args__ = (
        # Two people press Refund: one row lives.
        Index(
            "uq_refund_live",
            "payment_id",
            unique=True,
            sqlite_where=text("status <> 'failed'"),
            postgresql_where=text("status <> 'failed'"),
        ),
        Index(
            "ix_refund_due",
            "next_try_at",
            sqlite_where=text("next_try_at IS NOT NULL"),
            postgresql_where=text("next_try_at IS NOT NULL"),
        ),
        UniqueConstraint("provider", "provider_ref"),
        CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    provider: Mapped[str]
    provider_ref: Mapped[str | None]
    status: Mapped[RefundStatus] = mapped_column(words(RefundStatus), default=RefundStatus.REQUESTED)
    currency: Mapped[str]
    amount_minor: Mapped[int]
    attempt: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str]
    note: Mapped[str | None]
    failure: Mapped[str | None]  # the provider's reason
    asked_by: Mapped[str]
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    alarm: Mapped[str | None]

    payment: Mapped[Payment] = relationship()


class SandboxObject(Base):
    """The sandbox provider's own books: what a real provider would keep on its side. Test money only."""

    __tablename__ = "sandbox_object"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # "payment" or "refund"
    state: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
