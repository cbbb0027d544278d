"""Orders: the bill of one charging session, listed under "Billings"."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.charging import ChargingSession
from domain.models.payments import CollectionMode, Payment


class OrderStatus(StrEnum):
    """open (capture under way) -> paid | unpaid; paid -> refunding -> refunded | refund_failed."""

    OPEN = "open"
    PAID = "paid"
    UNPAID = "unpaid"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class Order(Base):
    """The bill: figures are the sums of its rounded lines and never change after it is made."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        CheckConstraint("net_minor + vat_minor = gross_minor", name="gross_is_net_plus_vat"),
        CheckConstraint("net_minor >= 0 AND vat_minor >= 0", name="not_negative"),
        Index(None, "operator_id", "created_at", "id"),
        Index(None, "operator_id", "status", "created_at", "id"),
        Index(None, "station_id", "created_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    station_id: Mapped[int]
    charging_session_id: Mapped[int] = mapped_column(ForeignKey("charging_session.id"), unique=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)
    number: Mapped[str] = mapped_column(unique=True)  # VD-2026-004821
    token: Mapped[str] = mapped_column(unique=True)  # secret of the driver's receipt
    status: Mapped[OrderStatus] = mapped_column(words(OrderStatus))
    collection_mode: Mapped[CollectionMode | None] = mapped_column(words(CollectionMode))  # none: nobody collects
    is_test: Mapped[bool] = mapped_column(default=False)
    currency: Mapped[str]
    net_minor: Mapped[int]
    vat_minor: Mapped[int]
    gross_minor: Mapped[int]
    shortfall_minor: Mapped[int] = mapped_column(default=0)  # what the hold did not cover
    contract_id: Mapped[int | None] = mapped_column(
        ForeignKey("contract.id")
    )  # none: no fee, the operator owes the VAT
    flags: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]

    charging: Mapped[ChargingSession] = relationship()
    payment: Mapped[Payment | None] = relationship()
    lines: Mapped[list["OrderLine"]] = relationship(order_by="OrderLine.position")


class OrderLine(Base):
    """One price component used, as computed at the order's close."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("net_minor + vat_minor = gross_minor", name="gross_is_net_plus_vat"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    kind: Mapped[str]  # ENERGY, TIME, PARKING_TIME, FLAT, ADJUSTMENT (minimum or maximum price)
    label: Mapped[str]  # "Peak", from the tariff element
    quantity: Mapped[str]  # decimal text, in unit
    unit: Mapped[str]  # kWh, h, session
    unit_price: Mapped[str]  # decimal text, per unit
    vat_rate: Mapped[str | None]  # decimal text, percent
    net_exact: Mapped[str]  # decimal text, before rounding
    net_minor: Mapped[int]
    vat_minor: Mapped[int]
    gross_minor: Mapped[int]


class NumberSeries(Base):
    """The last number given in a series without gaps; the row is locked by whoever takes the next."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(primary_key=True)  # "order:2026"
    last: Mapped[int]
