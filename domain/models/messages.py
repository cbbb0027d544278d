"""The raw log: every frame as it went over the wire, both ways."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, words


class Direction(StrEnum):
    """Who spoke."""

    CP_TO_CSMS = "cp_to_csms"
    CSMS_TO_CP = "csms_to_cp"


class Message(Base):
    """One WebSocket message. `text` holds it exactly; what is not storable text is kept in `raw`."""

    __tablename__ = "message"
    __table_args__ = (Index(None, "charger_id", "id"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    charger_id: Mapped[int] = mapped_column(ForeignKey("charger.id"))
    at: Mapped[datetime]
    direction: Mapped[Direction] = mapped_column(words(Direction))
    action: Mapped[str | None]  # of the CALL, or of the CALL that this answers
    text: Mapped[str | None]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_binary: Mapped[bool] = mapped_column(default=False)  # arrived as a binary message
    notes: Mapped[str | None]  # quirk ids that were repaired, space separated
