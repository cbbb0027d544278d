"""Prices that are being thought about: drafts, and what they would have made of sessions that are over."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.jobs import Job


class TariffDraft(Base):
    """The next prices of a station, as far as they are. Nobody pays by them before they are published."""

    __tablename__ = "tariff_draft"
    __table_args__ = (
        UniqueConstraint("station_id"),  # two drafts of one station would have to be merged by hand
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        ForeignKeyConstraint(["operator_id", "base_tariff_id"], ["tariff.operator_id", "tariff.id"]),
        CheckConstraint("revision > 0", name="revision_is_positive"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    station_id: Mapped[int]
    base_tariff_id: Mapped[int | None]  # the version that it changes; none for a station's first prices
    name: Mapped[str]
    currency: Mapped[str]
    terms: Mapped[dict[str, Any]]  # as in Tariff
    valid_from: Mapped[datetime | None]  # none: from the moment of publishing
    valid_until: Mapped[datetime | None]
    revision: Mapped[int]  # counts the changes, so that a form made from an older one is noticed
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class Rehearsal(Base):
    """Prices run over the sessions of a station in a span of time. The sums grow while its job works."""

    __tablename__ = "rehearsal"
    __table_args__ = (
        UniqueConstraint("job_id"),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        Index(None, "station_id", "id"),
        CheckConstraint("until > since", name="until_after_since"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    station_id: Mapped[int]
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    name: Mapped[str]
    currency: Mapped[str]
    terms: Mapped[dict[str, Any]]  # as the draft was then
    draft_id: Mapped[int | None]  # the draft itself may be gone
    draft_revision: Mapped[int | None]
    since: Mapped[datetime]
    until: Mapped[datetime]  # excluded
    created_at: Mapped[datetime]
    created_by: Mapped[str]

    before_minor: Mapped[int] = mapped_column(default=0)
    after_minor: Mapped[int] = mapped_column(default=0)
    dearer: Mapped[int] = mapped_column(default=0)  # sessions
    cheaper: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    flagged: Mapped[int] = mapped_column(default=0)  # those that a person has to look at before money is taken
    flagged_before_minor: Mapped[int] = mapped_column(default=0)
    flagged_after_minor: Mapped[int] = mapped_column(default=0)
    not_billed: Mapped[int] = mapped_column(default=0)  # left out: their bill does not exist yet
    other_currency: Mapped[int] = mapped_column(default=0)  # left out: billed in another currency

    job: Mapped[Job] = relationship()

    @property
    def compared(self) -> int:
        return self.dearer + self.cheaper + self.same


class RehearsalLine(Base):
    """One session: what it was billed, and what it would have been."""

    __tablename__ = "rehearsal_line"
    __table_args__ = (
        Index(None, "rehearsal_id", "size_minor", "charging_session_id"),
        CheckConstraint("size_minor >= 0", name="size_not_negative"),
        {"sqlite_strict": True},
    )

    rehearsal_id: Mapped[int] = mapped_column(ForeignKey("rehearsal.id", ondelete="CASCADE"), primary_key=True)
    charging_session_id: Mapped[int] = mapped_column(ForeignKey("charging_session.id"), primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    before_minor: Mapped[int]
    after_minor: Mapped[int]
    change_minor: Mapped[int]
    size_minor: Mapped[int]  # the change without its sign
    is_flagged: Mapped[bool]

    charging: Mapped[ChargingSession] = relationship(viewonly=True)
    charger: Mapped[Charger] = relationship(viewonly=True)
