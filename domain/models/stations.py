"""Stations: sites with an address, a clock and a price."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base
from domain.models.files import StoredFile
from domain.models.operators import Operator
from domain.models.tariffs import Tariff


class Station(Base):
    """A site where chargers stand ("charging station" in the interface)."""

    __tablename__ = "station"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),  # target of composite foreign keys
        CheckConstraint("hold_minor > 0", name="hold_is_positive"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude_on_earth"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude_on_earth"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    name: Mapped[str]
    address: Mapped[str | None]
    city: Mapped[str | None]
    country: Mapped[str | None]  # ISO 3166-1 alpha-2
    time_zone: Mapped[str]  # IANA name; prices and hours are read on its clock
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    public_note: Mapped[str | None]
    currency: Mapped[str]
    hold_minor: Mapped[int]  # what a driver's card is held for by default
    payment_account_id: Mapped[int | None] = mapped_column(ForeignKey("payment_account.id"))
    created_at: Mapped[datetime]
    hours: Mapped[dict[str, Any] | None]  # domain.hours.to_json; none: open around the clock
    refuses_outside_hours: Mapped[bool] = mapped_column(default=True, server_default=true())  # else only warns
    hours_set_at: Mapped[datetime | None]  # none: nobody has looked at them yet

    operator: Mapped[Operator] = relationship()


class StationTariff(Base):
    """From that moment on, that station charges by that tariff, until a later row says otherwise."""

    __tablename__ = "station_tariff"
    __table_args__ = (
        Index(None, "station_id", "from_at"),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        ForeignKeyConstraint(["operator_id", "tariff_id"], ["tariff.operator_id", "tariff.id"]),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    station_id: Mapped[int]
    tariff_id: Mapped[int]
    from_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str]

    tariff: Mapped[Tariff] = relationship(
        viewonly=True, primaryjoin="StationTariff.tariff_id == Tariff.id", foreign_keys="StationTariff.tariff_id"
    )


class StationPhoto(Base):
    """A picture that helps drivers to find the chargers, made small and rid of what the camera wrote into it."""

    __tablename__ = "station_photo"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    station_id: Mapped[int] = mapped_column(index=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    caption: Mapped[str]  # read out to who cannot see it
    created_at: Mapped[datetime]

    file: Mapped[StoredFile] = relationship()
