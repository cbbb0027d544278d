"""Commands: CALLs of ours to chargers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.chargers import Charger


class CommandStatus(StrEnum):
    """queued -> sent -> accepted | rejected | failed | timeout;  queued -> expired."""

    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    TIMEOUT = "timeout"
    EXPIRED = "expired"


class Command(Base):
    """One CALL to one charger: queue entry and audit record in one."""

    __tablename__ = "command"
    __table_args__ = (
        Index(None, "charger_id", "id"),
        # What is waiting to be sent, whatever the size of the history.
        Index(
            "ix_command_waiting",
            "charger_id",
            "id",
            sqlite_where=text("status IN ('queued', 'sent')"),
            postgresql_where=text("status IN ('queued', 'sent')"),
        ),
        Index(
            "ix_command_awaiting",
            "charger_id",
            "id",
            sqlite_where=text("awaits IS NOT NULL"),
            postgresql_where=text("awaits IS NOT NULL"),
        ),
        # Whose answers are still to be taken in.
        Index(
            "ix_command_unread",
            "id",
            sqlite_where=text("is_unread IS NOT NULL"),
            postgresql_where=text("is_unread IS NOT NULL"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    action: Mapped[str]  # OCPP action name
    payload: Mapped[str]  # compact JSON, exactly what goes on the wire
    status: Mapped[CommandStatus] = mapped_column(words(CommandStatus), default=CommandStatus.QUEUED)
    message_id: Mapped[str | None]  # of the CALL, once sent
    response: Mapped[dict[str, Any] | None]  # payload of the CALLRESULT
    error: Mapped[str | None]  # a sentence: CALLERROR code and text, lost socket, ...
    timeout_s: Mapped[int] = mapped_column(default=30)
    queued_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # never sent after that
    for_epoch: Mapped[int | None]  # the socket it was meant for; none: it may wait for a later one
    sent_at: Mapped[datetime | None]
    sent_node: Mapped[str | None]
    sent_epoch: Mapped[int | None]
    settled_at: Mapped[datetime | None]
    awaits: Mapped[str | None]  # the message that will show the effect, as long as it may still come
    effect_at: Mapped[datetime | None]  # when the charger was seen doing it
    effect: Mapped[str | None]  # what was seen, a few words
    is_unread: Mapped[bool | None]  # true: what comes of it is still to be taken in (domain/answers.py)
    asked_by: Mapped[str]  # an e-mail, "api key NAME", "driver", "system"
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)

    charger: Mapped[Charger] = relationship()

    @property
    def is_settled(self) -> bool:
        return self.status not in (CommandStatus.QUEUED, CommandStatus.SENT)
