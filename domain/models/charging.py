"""Charging sessions and their meter values."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.chargers import Charger
from domain.models.payments import Payment
from domain.models.stations import Station
from domain.models.tariffs import Tariff


class SessionStatus(StrEnum):
    """active -> completed; refused from the start when its token was (the charger may deliver nothing)."""

    ACTIVE = "active"
    COMPLETED = "completed"
    REFUSED = "refused"


class ChargingSession(Base):
    """One transaction on one connector. Both clocks are kept; the sane one is billed."""

    __tablename__ = "charging_session"
    __table_args__ = (
        UniqueConstraint("charger_id", "start_key"),  # a repeated start is the same session
        UniqueConstraint("charger_id", "transaction_id"),
        Index(
            "uq_charging_session_transaction_id_16",
            "transaction_id",
            unique=True,
            sqlite_where=text("ocpp_version = '1.6'"),
            postgresql_where=text("ocpp_version = '1.6'"),
        ),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        Index(None, "operator_id", "id"),
        Index(None, "charger_id", "started_at"),
        Index(None, "station_id", "started_at"),
        Index(
            "ix_charging_session_active",
            "charger_id",
            "connector_number",
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
        Index(
            "ix_charging_session_to_bill",
            "id",
            sqlite_where=text("status = 'completed' AND billed_at IS NULL"),
            postgresql_where=text("status = 'completed' AND billed_at IS NULL"),
        ),
        CheckConstraint("energy_wh >= 0", name="energy_not_negative"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    station_id: Mapped[int]
    charger_id: Mapped[int]
    connector_number: Mapped[int]
    ocpp_version: Mapped[str] = mapped_column(default="1.6")
    transaction_id: Mapped[str | None]  # ours in 1.6 (random, positive, 31 bits); none for a stop without a start
    reported_transaction_id: Mapped[str | None]  # what the charger used instead of ours
    start_key: Mapped[str]  # connector, idTag, time stamp, meter of the start, as sent
    status: Mapped[SessionStatus] = mapped_column(words(SessionStatus))
    id_tag: Mapped[str | None]  # as the charger sent it
    token_id: Mapped[int | None] = mapped_column(ForeignKey("token.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)

    started_at: Mapped[datetime]  # the sane time: the charger's, or that of receipt
    stopped_at: Mapped[datetime | None]
    started_at_charger: Mapped[str | None]  # time stamps as sent
    stopped_at_charger: Mapped[str | None]
    start_received_at: Mapped[datetime]
    stop_received_at: Mapped[datetime | None]
    meter_start_wh: Mapped[int | None]
    meter_stop_wh: Mapped[int | None]
    energy_wh: Mapped[int] = mapped_column(default=0)  # so far, or in the end
    last_meter_wh: Mapped[int | None]
    last_meter_at: Mapped[datetime | None]
    power_w: Mapped[int | None]  # last reported
    soc_percent: Mapped[int | None]  # last reported
    stop_reason: Mapped[str | None]  # as the charger says
    stop_cause: Mapped[str | None]  # as we know: remote_stop, hold_limit, next_start, available, closed_by_hand, ...
    flags: Mapped[list[str]] = mapped_column(default=list)

    tariff_id: Mapped[int | None] = mapped_column(ForeignKey("tariff.id"), index=True)  # frozen at the start
    billed_at: Mapped[datetime | None]  # when the billing sweep was done with it, order or not

    charger: Mapped[Charger] = relationship(
        viewonly=True, primaryjoin="ChargingSession.charger_id == Charger.id", foreign_keys="ChargingSession.charger_id"
    )
    station: Mapped[Station] = relationship(
        viewonly=True, primaryjoin="ChargingSession.station_id == Station.id", foreign_keys="ChargingSession.station_id"
    )
    payment: Mapped[Payment | None] = relationship()
    tariff: Mapped[Tariff | None] = relationship()


class MeterValue(Base):
    """One MeterValue of a charger: a moment with its samples, energy and power drawn out."""

    __tablename__ = "meter_value"
    __table_args__ = (
        Index(None, "charging_session_id", "at"),
        Index(None, "charger_id", "at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    connector_number: Mapped[int]
    charging_session_id: Mapped[int | None] = mapped_column(ForeignKey("charging_session.id"))
    at: Mapped[datetime]  # sane time
    received_at: Mapped[datetime]
    at_charger: Mapped[str | None]  # as sent
    energy_wh: Mapped[int | None]  # register, Wh
    power_w: Mapped[int | None]
    soc_percent: Mapped[int | None]
    samples: Mapped[list[Any]]  # sampledValue as sent: [{"value", "measurand", "unit", "context", "phase", "location"}]
