"""Operators who registered and have not confirmed their e-mail yet."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class SignUp(Base):
    """A company with a login that exists once its owner confirms the e-mail and types the same password again."""

    __tablename__ = "sign_up"
    __table_args__ = (Index(None, "email", "created_at"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    company: Mapped[str]
    email: Mapped[str]  # lower case; several rows may have the same, as nobody has proved it yet
    country: Mapped[str | None]  # ISO 3166-1 alpha-2
    password_hash: Mapped[str]  # Argon2id
    created_at: Mapped[datetime] = mapped_column(index=True)
