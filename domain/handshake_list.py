"""What chargers' attempts to connect came to, the latest first: what the connection doctor shows."""

import zlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, joinedload

from domain import paging
from domain.models.chargers import Charger, Handshake, HandshakeOutcome

Row = tuple[Handshake, Charger | None]


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    is_refused: bool = False
    outcome: HandshakeOutcome | None = None
    text: str = ""  # in the device id

    @property
    def is_narrow(self) -> bool:
        return bool(self.is_refused or self.outcome or self.text)


def page(db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int) -> paging.Page[Row]:
    """One page of attempts, each with the charger whose device id it named.

    Args:
        operator_id: whose chargers' attempts; None: all, those of unknown chargers among them.
    """
    # By the device id: an attempt that proved nothing is not recorded as the charger's.
    found: Any = select(Handshake, Charger).options(joinedload(Charger.station))
    is_named = Charger.device_id == Handshake.device_id
    if operator_id is None:
        found = found.outerjoin(Charger, is_named)
    else:
        found = found.join(Charger, and_(is_named, Charger.operator_id == operator_id))
    if wanted.is_refused:
        found = found.where(Handshake.outcome != HandshakeOutcome.ACCEPTED)
    if wanted.outcome is not None:
        found = found.where(Handshake.outcome == wanted.outcome)
    if wanted.text:
        found = found.where(Handshake.device_id.icontains(wanted.text, autoescape=True))
    keys: list[Any] = [Handshake.id]
    return paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)


def version(rows: list[Row]) -> str:
    """A mark that changes when these rows do."""
    return f"{zlib.crc32(repr([(handshake.id, handshake.repeats) for handshake, _ in rows]).encode()):08x}"
