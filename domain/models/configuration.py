"""What chargers are set to, as they said it, and what they should be set to."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class ConfigurationReading(Base):
    """How far the reading of one charger's configuration is."""

    __tablename__ = "configuration_reading"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "charger_id"),
        {"sqlite_strict": True},
    )

    charger_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    operator_id: Mapped[int]
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)  # the question under way
    left: Mapped[list[str]]  # keys still to ask for by name
    asked_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # when the last whole reading ended
    trouble: Mapped[str | None]  # a sentence: why it did not end well


class ConfigurationValue(Base):
    """One key of one charger. A secret key's value is never kept."""

    __tablename__ = "configuration_value"
    __table_args__ = (
        UniqueConstraint("charger_id", "name"),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "charger_id"),
        # What waits for a boot.
        Index(
            "ix_configuration_value_reboot",
            "charger_id",
            sqlite_where=text("reboot_wanted_at IS NOT NULL"),
            postgresql_where=text("reboot_wanted_at IS NOT NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    charger_id: Mapped[int]
    name: Mapped[str]
    value: Mapped[str | None]  # as the charger said; none: it did not say one
    is_readonly: Mapped[bool] = mapped_column(default=False)
    is_unknown: Mapped[bool] = mapped_column(default=False)  # the charger says that it has no such key
    read_at: Mapped[datetime | None]
    wished: Mapped[str | None]  # what it should be, until it is; of a secret key "" only
    wished_at: Mapped[datetime | None]
    wished_by: Mapped[str | None]
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)  # the last change asked for
    outcome: Mapped[str | None]  # what came of it: Accepted, RebootRequired, Rejected, NotSupported, Unanswered
    reboot_wanted_at: Mapped[datetime | None]  # in force only after a boot later than that
