"""What people looked at and found right while setting a station up."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, words


class CheckedStep(StrEnum):
    """What only a person can say of a station."""

    LOCATION = "location"
    HOURS = "hours"


class StationCheck(Base):
    """Somebody said that it is right. It counts as long as what was looked at stays the same."""

    __tablename__ = "station_check"
    __table_args__ = (
        UniqueConstraint("station_id", "step"),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    station_id: Mapped[int]
    step: Mapped[CheckedStep] = mapped_column(words(CheckedStep))
    seen: Mapped[str]  # what was looked at, such as "60.16750, 24.96310"
    checked_at: Mapped[datetime]
    checked_by: Mapped[str]
