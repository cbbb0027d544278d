"""Rounds: one wish for many chargers, each of which has its own fate."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base
from domain.models.chargers import Charger
from domain.models.commands import Command
from domain.models.jobs import Job


class Round(Base):
    """The same calls for every charger of a selection, at a chosen pace. Its job does the asking."""

    __tablename__ = "command_round"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),
        CheckConstraint("pace IS NULL OR pace > 0", name="pace_positive"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    title: Mapped[str]  # as people read it: "Reboot"
    calls: Mapped[list[Any]]  # [{"action": …, "payload": …}]: what each charger is asked, one after the other
    pace: Mapped[int | None]  # how many chargers at a time; none: all at once
    wait_s: Mapped[int | None]  # how long offline chargers are waited for; none: they are left out
    again_of_id: Mapped[int | None] = mapped_column(ForeignKey("command_round.id"))
    asked_by: Mapped[str]
    created_at: Mapped[datetime]

    job: Mapped[Job | None] = relationship()


class RoundItem(Base):
    """One call of a round for one charger: its command once it was asked, or why it could not be."""

    __tablename__ = "command_round_item"
    __table_args__ = (
        UniqueConstraint("round_id", "charger_id", "number"),
        ForeignKeyConstraint(["operator_id", "round_id"], ["command_round.operator_id", "command_round.id"]),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "charger_id"),
        Index(
            "ix_command_round_item_waiting",
            "round_id",
            "id",
            sqlite_where=text("command_id IS NULL AND refusal IS NULL"),
            postgresql_where=text("command_id IS NULL AND refusal IS NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    round_id: Mapped[int] = mapped_column(index=True)
    charger_id: Mapped[int]
    number: Mapped[int]  # which of the round's calls
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)
    refusal: Mapped[str | None]  # a sentence: why it was not asked

    charger: Mapped[Charger] = relationship(
        viewonly=True, primaryjoin="RoundItem.charger_id == Charger.id", foreign_keys="RoundItem.charger_id"
    )
    command: Mapped[Command | None] = relationship()
