"""Station applications: what somebody who bought chargers tells us, and how staff decided."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words


class ApplicationStatus(StrEnum):
    """new -> asked -> answered -> asked ...;  new, asked, answered -> approved | rejected."""

    NEW = "new"
    ASKED = "asked"
    ANSWERED = "answered"
    APPROVED = "approved"
    REJECTED = "rejected"


class StationApplication(Base):
    """One station that shall be opened, with its chargers ("Station data transmission")."""

    __tablename__ = "station_application"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        CheckConstraint("(status = 'approved') = (station_id IS NOT NULL)", name="approved_has_station"),
        CheckConstraint("(status = 'approved') = (operator_id IS NOT NULL)", name="approved_has_operator"),
        CheckConstraint("(status = 'rejected') = (reason IS NOT NULL)", name="rejected_has_reason"),
        CheckConstraint("(status IN ('approved', 'rejected')) = (decided_at IS NOT NULL)", name="decided_has_moment"),
        Index(None, "status", "id"),
        Index(None, "email", "created_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[ApplicationStatus] = mapped_column(words(ApplicationStatus), default=ApplicationStatus.NEW)
    order_number: Mapped[str]  # of the purchase of the chargers
    company: Mapped[str]
    email: Mapped[str]  # for login; lower case
    station_name: Mapped[str]
    country: Mapped[str]  # ISO 3166-1 alpha-2
    region: Mapped[str]
    address: Mapped[str]
    remote_address: Mapped[str | None]  # where it was sent from
    created_at: Mapped[datetime]
    status_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]  # its page was first opened by the link in the mail

    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # of a rejection, as the applicant reads it
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"), index=True)  # what approval made
    station_id: Mapped[int | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    devices: Mapped[list["ApplicationDevice"]] = relationship(
        order_by="ApplicationDevice.position", cascade="all, delete-orphan"
    )
    letters: Mapped[list["ApplicationLetter"]] = relationship(order_by="ApplicationLetter.id", viewonly=True)

    @property
    def is_open(self) -> bool:
        return self.status not in (ApplicationStatus.APPROVED, ApplicationStatus.REJECTED)


class ApplicationDevice(Base):
    """One charger of an application."""

    __tablename__ = "application_device"
    __table_args__ = (
        UniqueConstraint("application_id", "position"),
        UniqueConstraint("application_id", "device_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("station_application.id", ondelete="CASCADE"))
    position: Mapped[int]
    device_id: Mapped[str] = mapped_column(index=True)
    device_account: Mapped[str]


class ApplicationLetter(Base):
    """A question of the staff, or an answer of the applicant."""

    __tablename__ = "application_letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("station_application.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    by_staff: Mapped[str | None]  # e-mail of who asked; none: the applicant wrote
    text: Mapped[str]
