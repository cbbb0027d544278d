"""Reservations: a plug kept free for one card until a moment."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.chargers import Charger


class ReservationStatus(StrEnum):
    """asked -> active | refused;  active -> used | cancelled | expired."""

    ASKED = "asked"
    ACTIVE = "active"
    REFUSED = "refused"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Reservation(Base):
    """One ReserveNow; its id is the reservationId."""

    __tablename__ = "reservation"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        CheckConstraint("connector_number >= 0", name="connector_not_negative"),
        Index(None, "operator_id", "id"),
        # Of one plug one reservation at most is open.
        Index(
            "uq_reservation_open",
            "charger_id",
            "connector_number",
            unique=True,
            sqlite_where=text("status IN ('asked', 'active')"),
            postgresql_where=text("status IN ('asked', 'active')"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    charger_id: Mapped[int] = mapped_column(index=True)
    connector_number: Mapped[int]  # 0: any plug of the charger
    id_tag: Mapped[str]
    expires_at: Mapped[datetime]
    status: Mapped[ReservationStatus] = mapped_column(words(ReservationStatus), default=ReservationStatus.ASKED)
    trouble: Mapped[str | None]  # a sentence, when it was refused or could not be cancelled
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)
    cancel_command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)
    charging_session_id: Mapped[int | None] = mapped_column(ForeignKey("charging_session.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    ended_at: Mapped[datetime | None]

    charger: Mapped[Charger] = relationship(
        viewonly=True, primaryjoin="Reservation.charger_id == Charger.id", foreign_keys="Reservation.charger_id"
    )
