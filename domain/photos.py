"""Photos of stations: taken with phones, kept small, without what the camera wrote about its owner."""

import io
import warnings
from collections.abc import Sequence
from datetime import datetime

from PIL import Image, ImageOps
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain import audit
from domain.errors import Refused
from domain.files import FileStore
from domain.models.files import FileKind
from domain.models.stations import Station, StationPhoto

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 60_000_000
MOST = 8  # of one station
LONGEST_CAPTION = 120
SIDE_PIXELS = 1600


def of_station(db: Session, station: Station) -> Sequence[StationPhoto]:
    """The station's photos in the order in which they came."""
    found = select(StationPhoto).where(StationPhoto.station_id == station.id).options(joinedload(StationPhoto.file))
    return db.scalars(found.order_by(StationPhoto.id)).all()


def add(
    db: Session, station: Station, store: FileStore, picture: bytes, caption: str, *, by: str, now: datetime
) -> StationPhoto:
    """The station has one photo more.

    Args:
        picture: as `small` made it.

    Raises:
        Refused: it is without words, or one too many.
    """
    words = caption.strip()
    if not words or len(words) > LONGEST_CAPTION or not words.isprintable():
        sentence = f"Say in up to {LONGEST_CAPTION} characters what it shows, for those who cannot see it."
        raise Refused(sentence, [("caption", sentence)])
    count = db.scalar(select(func.count()).where(StationPhoto.station_id == station.id)) or 0
    if count >= MOST:
        raise _wrong(f"A station has up to {MOST} photos. Remove one first.")
    stored = store.keep(
        db,
        store.write(io.BytesIO(picture), MOST_BYTES),
        kind=FileKind.PHOTO,
        name=f"{station.name}.jpg",
        content_type="image/jpeg",
        operator_id=station.operator_id,
        by=by,
        now=now,
    )
    photo = StationPhoto(
        operator_id=station.operator_id, station_id=station.id, file_id=stored.id, caption=words, created_at=now
    )
    db.add(photo)
    db.flush()
    _record(db, "photo added", photo, by, now)
    return photo


def remove(db: Session, photo: StationPhoto, *, by: str, now: datetime) -> None:
    """The photo is gone; its file follows with the next sweep."""
    photo.file.expires_at = now
    _record(db, "photo removed", photo, by, now)
    db.delete(photo)
    db.flush()


def small(data: bytes) -> bytes:
    """A JPEG of at most 1600 pixels a side, upright, without metadata. Takes long: not in a transaction.

    Raises:
        Refused: it is none that can be read.
    """
    if not data:
        raise _wrong("Choose a photo.")
    if len(data) > MOST_BYTES:
        raise _wrong(f"This photo is larger than {MOST_BYTES // 1024**2} MiB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
            if image.width * image.height > MOST_PIXELS:
                raise _wrong("This photo has too many pixels. Take it with the usual setting of the camera.")
            image.draft("RGB", (SIDE_PIXELS, SIDE_PIXELS))
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((SIDE_PIXELS, SIDE_PIXELS))
            file = io.BytesIO()
            upright.save(file, "JPEG", quality=80, optimize=True)
    except Image.DecompressionBombError as error:
        raise _wrong("This photo has too many pixels. Take it with the usual setting of the camera.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _wrong("This file is no photo. Use JPEG, PNG or WebP.") from error
    return file.getvalue()


def _record(db: Session, verb: str, photo: StationPhoto, by: str, now: datetime) -> None:
    operator_id, station_id = photo.operator_id, photo.station_id
    audit.record(db, verb, "station", station_id, operator_id=operator_id, by=by, now=now, caption=photo.caption)


def _wrong(sentence: str) -> Refused:
    return Refused(sentence, [("photo", sentence)])
