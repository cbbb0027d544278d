"""Sums of past months for Reports: made anew from the rows they sum up, never counted on."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class ReportUnit(Base):
    """What is summed up in one go: a month of an operator's stations that share a clock."""

    __tablename__ = "report_unit"
    __table_args__ = (
        UniqueConstraint("operator_id", "time_zone", "month"),
        Index(None, "computed_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    time_zone: Mapped[str]
    month: Mapped[str]  # "2026-11"
    computed_at: Mapped[datetime]
    provider_fees: Mapped[list[Any]]  # {"currency", "is_test", "minor"}: of the operator's own accounts, in this month
    differences: Mapped[list[Any]]  # {"station_id", "currency", "is_test", "what", "bills", "ledger"}


class ReportUse(Base):
    """How much a station was used in a month, and how well it worked."""

    __tablename__ = "report_use"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        Index(None, "operator_id", "month"),
        {"sqlite_strict": True},
    )

    station_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    sessions: Mapped[int]  # that began in the month
    energy_wh: Mapped[int]  # of those
    charging_s: Mapped[int]  # of all sessions, only what lies in the month
    plug_s: Mapped[int]  # what the plugs could have charged
    known_s: Mapped[int]  # of that, where it is known whether they could
    up_s: Mapped[int]  # of that, connected and not faulted
    known_from: Mapped[datetime | None]  # the first of these moments


class ReportMoney(Base):
    """What a station's orders moved in a month, in one currency; all but the first five are sums of the ledger."""

    __tablename__ = "report_money"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        Index(None, "operator_id", "month"),
        {"sqlite_strict": True},
    )

    station_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    is_test: Mapped[bool] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    # By the month in which the order was made.
    orders: Mapped[int]
    net_minor: Mapped[int]
    vat_minor: Mapped[int]
    gross_minor: Mapped[int]
    uncollected_minor: Mapped[int]  # of gross: what no capture in the ledger covers
    # By the month in which the money moved.
    captured_minor: Mapped[int]
    refunded_minor: Mapped[int]  # in full, by the provider
    by_hand_minor: Mapped[int]  # in part, by bank transfer
    disputed_minor: Mapped[int]  # taken back by drivers' banks
    fee_minor: Mapped[int]  # the platform's
    tax_minor: Mapped[int]  # VAT that the platform owes
    owed_minor: Mapped[int]  # to the operator
