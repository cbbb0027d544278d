"""Diagnostics and logs that chargers were asked to upload."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base
from domain.models.commands import Command
from domain.models.files import StoredFile


class DiagnosticsUpload(Base):
    """One upload: asked for, on its way, there or not."""

    __tablename__ = "diagnostics_upload"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        Index(None, "operator_id", "charger_id"),
        Index(None, "charger_id", "id"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)  # also the requestId of GetLog
    operator_id: Mapped[int]
    charger_id: Mapped[int]
    kind: Mapped[str]  # "Diagnostics", "DiagnosticsLog" or "SecurityLog"
    is_ours: Mapped[bool]  # the address is one of ours; else somebody else's server gets it
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)
    file_name: Mapped[str | None]  # as the charger announced it
    stored_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), index=True)
    status: Mapped[str | None]  # the last word of the charger about it: Uploading, Uploaded, UploadFailed, …
    status_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    received_at: Mapped[datetime | None]

    command: Mapped[Command | None] = relationship()
    stored_file: Mapped[StoredFile | None] = relationship()
