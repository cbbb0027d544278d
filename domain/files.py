"""Files in INSTANCE_DIR/files: kept under random names, handed out by the pages of their kind.

The file is on the disk before its row is committed; a file without a row is swept away a day later.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.db import read_only
from domain.errors import Refused
from domain.models.files import FileKind, StoredFile

CHUNK_BYTES = 256 * 1024
LONGEST_NAME = 120
_ORPHAN_AFTER = timedelta(days=1)
_NOT_IN_NAMES = re.compile(r"[^\w .()+,@=-]+")


class TooLarge(Refused):
    """The file has more bytes than it may."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"This file is larger than {_spoken(most_bytes)}.", [("file", "Too large.")])


@dataclass(frozen=True)
class Written:
    """A file on the disk that no row knows yet."""

    place: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class FileStore:
    """The folder that holds them."""

    folder: Path

    def write(self, source: BinaryIO, most_bytes: int) -> Written:
        """What can be read from the source is on the disk, to be kept or dropped.

        It needs no database: a transaction would hold SQLite's write lock until the last byte is safe.

        Raises:
            TooLarge: it has more than `most_bytes`; nothing is left of it.
            Refused: it is empty; likewise.
        """
        place = secrets.token_hex(16)
        path = self._path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            size, digest = _write(path, source, most_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Written(place, size, digest)

    def drop(self, written: Written) -> None:
        """It is gone from the disk."""
        self._path(written.place).unlink(missing_ok=True)

    def keep(
        self,
        db: Session,
        written: Written,
        *,
        kind: FileKind,
        name: str,
        content_type: str,
        operator_id: int | None,
        by: str,
        now: datetime,
        lasts: timedelta | None = None,
    ) -> StoredFile:
        """What was written is a stored file."""
        stored = StoredFile(
            operator_id=operator_id,
            kind=kind,
            name=safe_name(name),
            content_type=content_type,
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            place=written.place,
            created_at=now,
            created_by=by,
            expires_at=now + lasts if lasts else None,
        )
        db.add(stored)
        db.flush()
        return stored

    def path(self, stored: StoredFile) -> Path:
        """Where its bytes are."""
        return self._path(stored.place)

    def read(self, stored: StoredFile) -> bytes:
        """All its bytes; for the small kinds only."""
        return self.path(stored).read_bytes()

    def sweep(self, open_db: Callable[[], Session], now: datetime) -> None:
        """Files that have expired, and files that no row knows, are gone from the disk."""
        with open_db() as db:
            for stored in db.scalars(select(StoredFile).where(StoredFile.expires_at <= now).limit(500)):
                # The row stays: a job or a command still tells what it was.
                self.path(stored).unlink(missing_ok=True)
                stored.expires_at = None
            db.commit()
        oldest = (now - _ORPHAN_AFTER).timestamp()
        found = [path for path in self.folder.glob("??/*") if path.stat().st_mtime < oldest]
        with read_only(), open_db() as db:
            for path in found:
                if db.scalar(select(StoredFile.id).where(StoredFile.place == path.name)) is None:
                    path.unlink(missing_ok=True)

    def _path(self, place: str) -> Path:
        return self.folder / place[:2] / place


def is_there(store: FileStore, stored: StoredFile, now: datetime) -> bool:
    """Whether its bytes can still be had."""
    return (stored.expires_at is None or stored.expires_at > now) and store.path(stored).exists()


def safe_name(name: str) -> str:
    """A file name that no system stumbles over.

    >>> safe_name("../../etc/pass\\0wd"), safe_name("")
    ('etc_pass_wd', 'file')
    """
    cleaned = _NOT_IN_NAMES.sub("_", name).strip("._ ")
    return cleaned[-LONGEST_NAME:] or "file"


def _write(path: Path, source: BinaryIO, most_bytes: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with path.open("xb") as file:
        while chunk := source.read(CHUNK_BYTES):
            size += len(chunk)
            if size > most_bytes:
                raise TooLarge(most_bytes)
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if size == 0:
        raise Refused("This file is empty.", [("file", "Empty.")])
    return size, digest.hexdigest()


def _spoken(size: int) -> str:
    return f"{size // 1024**2} MiB" if size >= 1024**2 else f"{size // 1024} KiB"
