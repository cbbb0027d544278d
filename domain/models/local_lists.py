"""Chargers' local lists: the cards that they let charge without asking us."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class LocalList(Base):
    """The list of one charger: what it should hold, what it said, and what is under way."""

    __tablename__ = "local_list"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "charger_id"),
        {"sqlite_strict": True},
    )

    charger_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    operator_id: Mapped[int]
    version_here: Mapped[int] = mapped_column(default=0)  # of the last update that it accepted
    version_there: Mapped[int | None]  # as it said; -1: it keeps no list
    version_at: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]  # when it last had every card
    keeps_in_step: Mapped[bool] = mapped_column(default=False)  # changes of cards are sent by themselves
    seen_digest: Mapped[str | None]  # of the cards that were last sent in whole, for the sweep
    next_try_at: Mapped[datetime | None]
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)  # the update under way
    is_full: Mapped[bool] = mapped_column(default=False)  # the sync under way began with an empty list
    trouble: Mapped[str | None]  # a sentence: why the last sync did not end well


class LocalListEntry(Base):
    """One card that a charger has accepted into its list."""

    __tablename__ = "local_list_entry"
    __table_args__ = (
        UniqueConstraint("charger_id", "id_tag"),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "charger_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    charger_id: Mapped[int]
    id_tag: Mapped[str]
    info: Mapped[dict[str, Any]]  # IdTagInfo as it was sent
