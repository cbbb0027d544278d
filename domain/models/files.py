"""Files that people and chargers hand in, and files made for them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, words


class FileKind(StrEnum):
    """What a file is for; each kind has its own page that hands it out."""

    PHOTO = "photo"
    FIRMWARE = "firmware"
    DIAGNOSTICS = "diagnostics"
    IMPORT = "import"
    RESULT = "result"  # of a job


class StoredFile(Base):
    """One file of INSTANCE_DIR/files. Its place there is random; nothing of its name reaches the disk."""

    __tablename__ = "stored_file"
    __table_args__ = (CheckConstraint("size_bytes >= 0", name="size_not_negative"), {"sqlite_strict": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operator.id"), index=True)  # none: the platform's
    kind: Mapped[FileKind] = mapped_column(words(FileKind))
    name: Mapped[str]  # as it is offered for download
    content_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]  # hex
    place: Mapped[str] = mapped_column(unique=True)  # 32 hex digits
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)  # gone after that
