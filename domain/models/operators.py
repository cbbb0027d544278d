"""Operators, the people who work for them, and how they prove who they are."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words


class Role(StrEnum):
    """What a person is to Voltdesk; rights are in domain/rights.py."""

    PLATFORM_ADMIN = "platform_admin"
    PLATFORM_SUPPORT = "platform_support"
    OWNER = "owner"
    FINANCE = "finance"
    TECHNICIAN = "technician"
    OPERATOR_SUPPORT = "operator_support"

    @property
    def is_platform(self) -> bool:
        return self in (Role.PLATFORM_ADMIN, Role.PLATFORM_SUPPORT)


class Operator(Base):
    """A company that owns stations: the tenant."""

    __tablename__ = "operator"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(default="EUR")  # ISO 4217, of new stations
    country: Mapped[str | None]  # ISO 3166-1 alpha-2
    created_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]


class UserAccount(Base):
    """A person's login. Platform staff belong to no operator, everybody else to exactly one."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"), index=True)
    email: Mapped[str] = mapped_column(unique=True)  # lower case
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(words(Role))
    password_hash: Mapped[str]  # Argon2id
    must_change_password: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    invited_at: Mapped[datetime | None]  # while the invitation is not accepted; such an account is not active
    created_at: Mapped[datetime]

    operator: Mapped[Operator | None] = relationship()


class LoginSession(Base):
    """One browser that signed in; ending the row ends the login within one request."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)  # SHA-256 of the cookie's secret
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    remote_address: Mapped[str | None]
    user_agent: Mapped[str | None]

    user: Mapped[UserAccount] = relationship()


class LoginAttempt(Base):
    """A failed try at a password; counted per account and address to slow guessing."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index(None, "email", "remote_address", "at"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    remote_address: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


class ApiKey(Base):
    """A key to `/api/v1`: belongs to an operator, holds scopes, may expire. Only its hash is kept."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    name: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)  # SHA-256; the key has 256 random bits
    scopes: Mapped[list[str]]  # read, write, commands, refunds
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    operator: Mapped[Operator] = relationship()


class IdempotentAnswer(Base):
    """The stored answer to a POST that named an Idempotency-Key; a repetition gets it again."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("api_key_id", "key"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id"))
    key: Mapped[str]
    request_hash: Mapped[str]  # SHA-256 of method, path and body
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)


class AuditEvent(Base):
    """Who did what to which object; rows are only ever added."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "operator_id", "id"),
        Index(None, "object_type", "object_id", "id"),
        Index("uq_audit_event_chain_number", "chain_number", unique=True),
        # What waits for its place in the chain.
        Index(
            "ix_audit_event_unsealed",
            "id",
            sqlite_where=text("chain_number IS NULL"),
            postgresql_where=text("chain_number IS NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"))
    actor: Mapped[str]  # an e-mail, "api key NAME", "worker" or "driver"
    verb: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    chain_number: Mapped[int | None]  # its place, from 1, once it is sealed
    chain_hash: Mapped[str | None]  # of the hash before and of this row: domain/audit_chain.py


class AuditHead(Base):
    """One row: where the chain of the audit log ends, and the lock of whoever makes it longer."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[str]
