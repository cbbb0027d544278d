"""Tokens: what authorises charging."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, words


class TokenStatus(StrEnum):
    """OCPP 1.6 AuthorizationStatus, without ConcurrentTx (which is a moment's answer, not a state)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"


class Token(Base):
    """An RFID card or another idTag of an operator. idTags ignore case: `uid_key` is what is matched."""

    __tablename__ = "token"
    __table_args__ = (
        UniqueConstraint("operator_id", "uid_key"),
        Index(None, "operator_id", "id", unique=True),  # what composite foreign keys lean on
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    uid: Mapped[str]  # as typed
    uid_key: Mapped[str]  # upper case
    name: Mapped[str | None]
    status: Mapped[TokenStatus] = mapped_column(words(TokenStatus))
    expires_at: Mapped[datetime | None]
    parent_uid: Mapped[str | None]
    is_group: Mapped[bool] = mapped_column(default=False, server_default=false())  # a parent, no card of its own
    is_limited: Mapped[bool] = mapped_column(default=False, server_default=false())  # to its TokenStations
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]


class TokenStation(Base):
    """A station where a limited token may charge."""

    __tablename__ = "token_station"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "token_id"], ["token.operator_id", "token.id"]),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        {"sqlite_strict": True},
    )

    token_id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(primary_key=True, index=True)
    operator_id: Mapped[int]


class Sighting(Base):
    """Where and when a tag was last shown to a charger of the operator: of tokens, and of tags that nobody knows."""

    __tablename__ = "sighting"
    __table_args__ = (
        UniqueConstraint("operator_id", "uid_key"),
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "seen_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    uid_key: Mapped[str]  # upper case; of a token, the token's
    uid: Mapped[str]  # as the charger told it
    charger_id: Mapped[int] = mapped_column(index=True)
    noted_at: Mapped[datetime]  # when we heard of it first
    seen_at: Mapped[datetime]  # when it was shown last
    times: Mapped[int] = mapped_column(default=1)  # at most one a minute counts
