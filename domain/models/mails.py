"""Mails on their way out."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base


class Mail(Base):
    """One mail, written in the transaction of what it tells about and sent after it."""

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        Index(
            "ix_mail_due",
            "next_try_at",
            sqlite_where=text("next_try_at IS NOT NULL"),
            postgresql_where=text("next_try_at IS NOT NULL"),
        ),
        Index(None, "to_address", "queued_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(unique=True)  # the same at every try, so that a mail sent twice shows once
    to_address: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str | None]  # plain text; emptied once sent, as it may hold a link that opens something
    queued_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]  # none: sent, or given up
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]  # of the last try
