"""Chargers, their connectors, their QR codes, and what happened to them."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.stations import Station


class Charger(Base):
    """One device. `device_id` is its OCPP identity and never shown to the public."""

    __tablename__ = "charger"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),
        ForeignKeyConstraint(["operator_id", "station_id"], ["station.operator_id", "station.id"]),
        CheckConstraint("security_profile BETWEEN 0 AND 3", name="security_profile_known"),
        # Not on SQLite: it sorts ten thousand rows soon enough, and Alembic cannot copy such an index with its table.
        Index("ix_charger_by_label", "operator_id", text("lower(label)"), "id").ddl_if(dialect="postgresql"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    station_id: Mapped[int] = mapped_column(index=True)
    device_id: Mapped[str] = mapped_column(unique=True)
    device_account: Mapped[str | None]
    uuid: Mapped[str] = mapped_column(unique=True, default=lambda: str(uuid.uuid4()))
    label: Mapped[str]  # what people read on the device
    created_at: Mapped[datetime]
    created_by: Mapped[str | None]  # an e-mail, "api key NAME" or "command line"
    retired_at: Mapped[datetime | None]  # out of use: it cannot connect and only Devices shows it; its history stays

    # How it may connect.
    security_profile: Mapped[int] = mapped_column(default=1)
    password_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    password_hash: Mapped[bytes | None] = mapped_column(LargeBinary)  # salted SHA-256 of a generated key
    accepts_no_subprotocol: Mapped[bool] = mapped_column(default=False)  # quirk A1
    answers_pings: Mapped[bool] = mapped_column(default=True)  # quirk A14
    clock_zone: Mapped[str | None]  # IANA name for time stamps without a zone (quirk E1)

    # What it said at its last boot.
    ocpp_version: Mapped[str | None]  # "1.6", "2.0.1", "2.1": of the present or last connection
    vendor: Mapped[str | None]
    model: Mapped[str | None]
    serial_number: Mapped[str | None]
    firmware_version: Mapped[str | None]
    boot_info: Mapped[dict[str, Any] | None]
    booted_at: Mapped[datetime | None]
    firmware_status: Mapped[str | None]
    diagnostics_status: Mapped[str | None]

    # Which socket holds it. A row without node is offline.
    node: Mapped[str | None] = mapped_column(index=True)
    epoch: Mapped[int] = mapped_column(default=0)  # grows with each accepted socket
    connected_at: Mapped[datetime | None] = mapped_column(index=True)
    disconnected_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]

    station: Mapped[Station] = relationship(
        viewonly=True, primaryjoin="Charger.station_id == Station.id", foreign_keys="Charger.station_id"
    )
    connectors: Mapped[list["Connector"]] = relationship(order_by="Connector.number", viewonly=True)

    @property
    def is_connected(self) -> bool:
        return self.node is not None

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None


class KeyOffer(Base):
    """A new password that a charger was told through its socket: opens one too, until it is known whether it took it.

    Its hash is forgotten with its end; the row stays and tells what came of it.
    """

    __tablename__ = "key_offer"
    __table_args__ = (
        # What is open, of one charger.
        Index(
            "ix_key_offer_open",
            "charger_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("(ended_at IS NULL) = (key_hash IS NOT NULL)", name="hash_while_open"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    command_id: Mapped[int] = mapped_column(ForeignKey("command.id"), unique=True)
    key_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    offered_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]  # accepted, used, not taken, replaced, expired


class Connector(Base):
    """One plug of a charger, made when first heard of. Number 0 is the charger itself."""

    __tablename__ = "connector"
    __table_args__ = (UniqueConstraint("charger_id", "number"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(default="Unknown")  # OCPP 1.6 ChargePointStatus, or Unknown
    error_code: Mapped[str | None]
    info: Mapped[str | None]
    vendor_error_code: Mapped[str | None]
    status_at: Mapped[datetime | None]  # charger's sane time of the shown status: since when
    reported_at: Mapped[datetime | None]  # charger's sane time of the newest report, repeated ones too (quirk E8)
    last_fault: Mapped[str | None]  # the last real error code (quirk G4)
    kind: Mapped[str | None]  # "CCS", "Type 2", "CHAdeMO", "Schuko"
    max_power_w: Mapped[int | None]


class ChargerEvent(Base):
    """One line of a charger's timeline: boots, status changes, firmware, security events, takeovers."""

    __tablename__ = "charger_event"
    __table_args__ = (Index(None, "charger_id", "at"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    connector_number: Mapped[int | None]
    at: Mapped[datetime]  # the charger's time where it is sane
    received_at: Mapped[datetime]
    kind: Mapped[
        str
    ]  # boot, status, connected, disconnected, takeover, firmware, diagnostics, security, data_transfer, flag
    summary: Mapped[str]
    detail: Mapped[dict[str, Any] | None]


class SidecarNode(Base):
    """One running sidecar. What it holds is lost when it stops renewing its lease."""

    __tablename__ = "sidecar_node"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class WriterMark(Base):
    """The last batch that a sidecar's writer committed: by it a commit is known whose answer was lost."""

    __tablename__ = "writer_mark"

    name: Mapped[str] = mapped_column(primary_key=True)  # "ocpp-1/0"
    batch: Mapped[str]  # random


class HandshakeOutcome(StrEnum):
    """How a handshake ended."""

    ACCEPTED = "accepted"
    UNKNOWN_CHARGER = "unknown_charger"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a word, not a password
    NO_PASSWORD = "no_password"  # noqa: S105
    WRONG_USER = "wrong_user"
    BAD_IDENTITY = "bad_identity"
    NO_SUBPROTOCOL = "no_subprotocol"
    WRONG_PROFILE = "wrong_profile"
    RATE_LIMITED = "rate_limited"
    UNKNOWN_VERSION = "unknown_version"  # offers only versions that are not spoken here


class Handshake(Base):
    """One attempt to open a socket, refused ones too: what the connection doctor reads."""

    __tablename__ = "handshake"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    path: Mapped[str]
    device_id: Mapped[str | None] = mapped_column(index=True)
    charger_id: Mapped[int | None] = mapped_column(ForeignKey("charger.id"), index=True)
    remote_address: Mapped[str | None]
    subprotocols: Mapped[list[str]]
    user_agent: Mapped[str | None]
    is_tls: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[HandshakeOutcome] = mapped_column(words(HandshakeOutcome))
    repeats: Mapped[int] = mapped_column(default=1)  # the same refusal again within a minute only counts


class QrCode(Base):
    """A public address `/c/<code>` for a charger. Tells nothing about the device's identity."""

    __tablename__ = "qr_code"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "created_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)  # no 0/O, no 1/I
    charger_id: Mapped[int | None] = mapped_column(index=True)
    connector_number: Mapped[int | None]  # set: preselects that plug
    created_at: Mapped[datetime]  # codes made together share it
    bound_at: Mapped[datetime | None]

    charger: Mapped[Charger | None] = relationship(
        viewonly=True, primaryjoin="QrCode.charger_id == Charger.id", foreign_keys="QrCode.charger_id"
    )


class QrBinding(Base):
    """A stretch of time in which a code led to a charger; the open one says what `QrCode.charger_id` says."""

    __tablename__ = "qr_binding"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(
            "uq_qr_binding_open",
            "qr_code_id",
            unique=True,
            sqlite_where=text("unbound_at IS NULL"),
            postgresql_where=text("unbound_at IS NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    qr_code_id: Mapped[int] = mapped_column(ForeignKey("qr_code.id"), index=True)
    charger_id: Mapped[int] = mapped_column(index=True)
    connector_number: Mapped[int | None]
    bound_at: Mapped[datetime]
    bound_by: Mapped[str]
    unbound_at: Mapped[datetime | None]
    unbound_by: Mapped[str | None]

    charger: Mapped[Charger] = relationship(
        viewonly=True, primaryjoin="QrBinding.charger_id == Charger.id", foreign_keys="QrBinding.charger_id"
    )
