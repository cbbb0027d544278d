"""What proves a person besides the password: an authenticator app, and codes for the day it is lost."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class SecondFactor(Base):
    """A person's authenticator app. Until a code of it was typed once it protects nothing."""

    __tablename__ = "second_factor"
    __table_args__ = (CheckConstraint("last_step >= 0", name="last_step_not_negative"), {"sqlite_strict": True})

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True, autoincrement=False)
    sealed_secret: Mapped[str]  # domain/sealing.py; the key is not in the database
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)  # 30 s steps since 1970; codes up to this one are spent


class RecoveryCode(Base):
    """Opens the account once without the app."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    code_hash: Mapped[str]  # SHA-256; the code has 79 random bits
    used_at: Mapped[datetime | None]
