"""Links that are a key of their own: in mails, and in what chargers are told to fetch or fill."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, words


class Purpose(StrEnum):
    """What a link is for; `subject_id` is the id of the row that it opens."""

    CONFIRM_EMAIL = "confirm_email"  # sign_up
    SET_PASSWORD = "set_password"  # noqa: S105 - user_account
    INVITATION = "invitation"  # user_account
    APPLICATION = "application"  # station_application: its state, for the applicant
    DIAGNOSTICS = "diagnostics"  # diagnostics_upload: where its charger may upload
    FIRMWARE = "firmware"  # firmware_upgrade: its file, for its charger


class SecretLink(Base):
    """One link: only the hash of its secret is kept."""

    __tablename__ = "secret_link"
    __table_args__ = (
        CheckConstraint("uses_left >= 0", name="uses_not_negative"),
        Index(None, "purpose", "subject_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(words(Purpose))
    subject_id: Mapped[int]
    secret_hash: Mapped[str] = mapped_column(unique=True)  # SHA-256; the secret has 256 random bits
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]  # last
