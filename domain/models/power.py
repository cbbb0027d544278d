"""Maximum power: what people wish, what the station's plan gives, and what chargers have agreed to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.stations import Station


class LimitUnit(StrEnum):
    """What a limit is given in: amperes per phase, or kilowatts in all."""

    A = "A"
    KW = "kW"


class ProfileUse(StrEnum):
    """What a charging profile of ours is for; each connector has at most one of each."""

    CHARGER = "charger"  # a person's limit of the whole charger: ChargePointMaxProfile, connector 0
    CONNECTOR = "connector"  # a person's limit of one connector: TxDefaultProfile
    START = "start"  # what a session may draw before it is in the station's plan: TxDefaultProfile
    SHARE = "share"  # a running session's share of the station's limit: TxProfile


class ProfileState(StrEnum):
    """waiting -> sent -> agreed | accepted | differs | refused | unsupported."""

    WAITING = "waiting"  # for the charger, or for its turn
    SENT = "sent"
    AGREED = "agreed"  # the composite schedule says the same
    ACCEPTED = "accepted"  # the charger said yes, and does not tell its composite schedule
    DIFFERS = "differs"  # the charger said yes, and its composite schedule says something else
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"


class ShareMethod(StrEnum):
    """How the sessions of a charger are told their share; what it refuses is not tried again until it boots."""

    TX_PROFILE = "tx_profile"
    TX_DEFAULT = "tx_default"
    NONE = "none"  # not controllable: its rated power is reserved


class Newcomers(StrEnum):
    """What a session may draw before the plan knows it."""

    FLOOR = "floor"  # 6 A, reserved at every free connector
    WAIT = "wait"  # nothing, for the second or two until it has a share


class PowerAbility(Base):
    """What a charger told about smart charging, and what it was found to do."""

    __tablename__ = "power_ability"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(
            "ix_power_ability_asking",
            "command_id",
            sqlite_where=text("command_id IS NOT NULL"),
            postgresql_where=text("command_id IS NOT NULL"),
        ),
        {"sqlite_strict": True},
    )

    charger_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    operator_id: Mapped[int]
    units: Mapped[str | None]  # "A", "W", "A,W"; none: not told
    max_stack_level: Mapped[int | None]
    max_periods: Mapped[int | None]
    max_profiles: Mapped[int | None]
    asked_at: Mapped[datetime | None]
    learned_at: Mapped[datetime | None]  # answered, or found to give no answer
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))  # the question under way
    share_method: Mapped[ShareMethod] = mapped_column(words(ShareMethod), default=ShareMethod.TX_PROFILE)
    method_at: Mapped[datetime | None]  # since when it is another one than the first
    has_taken_share: Mapped[bool] = mapped_column(default=False)  # a TxProfile was accepted once


class PowerProfile(Base):
    """One charging profile that a charger shall have, or shall have no more (`wish` none), and what became of it."""

    __tablename__ = "power_profile"
    __table_args__ = (
        UniqueConstraint("charger_id", "connector_number", "use"),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        CheckConstraint("(use = 'charger') = (connector_number = 0)", name="charger_is_connector_0"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        Index(
            "ix_power_profile_under_way",
            "charger_id",
            sqlite_where=text("state IN ('waiting', 'sent')"),
            postgresql_where=text("state IN ('waiting', 'sent')"),
        ),
        Index(None, "charging_session_id"),
        # What the worker looks for every second.
        Index(
            "ix_power_profile_retry",
            "retry_at",
            sqlite_where=text("retry_at IS NOT NULL"),
            postgresql_where=text("retry_at IS NOT NULL"),
        ),
        Index(
            "ix_power_profile_set",
            "set_command_id",
            sqlite_where=text("set_command_id IS NOT NULL"),
            postgresql_where=text("set_command_id IS NOT NULL"),
        ),
        Index(
            "ix_power_profile_check",
            "check_command_id",
            sqlite_where=text("check_command_id IS NOT NULL"),
            postgresql_where=text("check_command_id IS NOT NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int]
    charger_id: Mapped[int]
    connector_number: Mapped[int]
    use: Mapped[ProfileUse] = mapped_column(words(ProfileUse))

    # The wish. People's: power_schedule.Wish as JSON. The plan's: `amount` in the unit of the station's limit.
    wish: Mapped[dict[str, Any] | None]
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    amount: Mapped[int | None]  # tenths of an ampere per phase, or watts
    bound: Mapped[int | None]  # the most that the charger may believe in now; none: the connector's rating
    charging_session_id: Mapped[int | None] = mapped_column(ForeignKey("charging_session.id"))
    target: Mapped[int | None]  # what the plan gives, also while others have to go down first
    why: Mapped[str | None]  # power_plan.Why
    turn_at: Mapped[datetime | None]  # since when the session charges, or waits for its turn

    # What became of it.
    state: Mapped[ProfileState] = mapped_column(words(ProfileState), default=ProfileState.WAITING)
    state_at: Mapped[datetime]
    told: Mapped[str | None]  # a sentence about the state
    variant: Mapped[int] = mapped_column(default=0)  # which of the ways to say it is tried
    tries: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    sent_key: Mapped[str | None]  # what was sent last, as power_messages.key
    sent_amount: Mapped[int | None]
    sent_unit: Mapped[str | None]  # "A" or "W"
    held_key: Mapped[str | None]  # what the charger has accepted
    refused_key: Mapped[str | None]
    epoch: Mapped[int | None]  # of the socket on which it was sent
    set_command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))
    check_command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))
    reported: Mapped[dict[str, Any] | None]  # the composite schedule, as the charger told it

    charger: Mapped[Charger] = relationship(
        viewonly=True, primaryjoin="PowerProfile.charger_id == Charger.id", foreign_keys="PowerProfile.charger_id"
    )
    charging: Mapped[ChargingSession | None] = relationship(viewonly=True)

    @property
    def is_under_way(self) -> bool:
        return self.set_command_id is not None or self.check_command_id is not None


class StationLimit(Base):
    """What all sessions of a station may draw together. `amount`: tenths of an ampere per phase, or watts."""

    __tablename__ = "station_limit"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        {"sqlite_strict": True},
    )

    station_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    is_on: Mapped[bool]
    unit: Mapped[LimitUnit] = mapped_column(words(LimitUnit))
    amount: Mapped[int]
    newcomers: Mapped[Newcomers] = mapped_column(words(Newcomers))
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    station: Mapped[Station] = relationship(
        viewonly=True, primaryjoin="StationLimit.station_id == Station.id", foreign_keys="StationLimit.station_id"
    )
