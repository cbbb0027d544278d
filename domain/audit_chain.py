"""The audit log's chain: each row carries a hash of itself and of the row before, so that no change goes unseen.

Rows are sealed shortly after they were written, one after the other, by a sweep: writers never wait for each other, and
a transaction that commits late takes the next place in the chain, whatever its id. What the chain's end is stands in a
row of its own, so that a log whose last rows were taken away is seen as well (docs/adr/018).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain.models.operators import AuditEvent, AuditHead

MOST_AT_ONCE = 1000
SEALED_WITHIN = timedelta(minutes=5)
BEGINNING = "0" * 64
_ONLY = 1


def unsealed(db: Session) -> list[int]:
    """Ids of rows that wait for their place in the chain, the oldest first."""
    waiting = select(AuditEvent.id).where(AuditEvent.chain_number.is_(None)).order_by(AuditEvent.id)
    return list(db.scalars(waiting.limit(MOST_AT_ONCE)))


def seal(db: Session) -> int:
    """Rows that waited are in the chain; returns how many. Of two at the same moment the second goes on behind."""
    head = _locked_head(db)
    waiting = select(AuditEvent).where(AuditEvent.chain_number.is_(None)).order_by(AuditEvent.id).limit(MOST_AT_ONCE)
    found = list(db.scalars(waiting.execution_options(populate_existing=True)))
    for event in found:
        head.number += 1
        head.hash = event.chain_hash = hash_of(event, head.number, head.hash)
        event.chain_number = head.number
    db.flush()
    return len(found)


def hash_of(event: AuditEvent, number: int, before: str) -> str:
    """SHA-256, as hexadecimal digits, of that place in the chain, the hash before it, and all that the row tells."""
    told = [
        number,
        before,
        event.id,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.operator_id,
        event.actor,
        event.verb,
        event.object_type,
        event.object_id,
        event.detail,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """What looking through the whole chain came to."""

    number: int  # of its last row
    hash: str
    trouble: str | None  # a sentence: where it is broken first


def verify(db: Session, now: datetime, *, expected: tuple[int, str] | None = None) -> Verdict:
    """The chain was followed from its first row to its last.

    Args:
        expected: (number, hash) that was told earlier and kept elsewhere: the row of that number must still have it.
    """
    number, before = 0, BEGINNING
    for event in _in_order(db):
        if event.chain_number != number + 1:
            return Verdict(number, before, f"Row {number + 1} of the chain is missing.")
        if event.chain_hash != hash_of(event, number + 1, before):
            return Verdict(number, before, f"Row {number + 1} of the chain (audit_event {event.id}) was changed.")
        number, before = number + 1, event.chain_hash
        if expected is not None and expected[0] == number and expected[1] != before:
            return Verdict(number, before, f"Row {number} of the chain is another one than was told before.")
    return Verdict(number, before, _trouble_at_the_end(db, number, before, now, expected))


def _in_order(db: Session) -> Iterator[AuditEvent]:
    number = 0
    while True:
        after = select(AuditEvent).where(AuditEvent.chain_number > number).order_by(AuditEvent.chain_number)
        found = db.scalars(after.limit(MOST_AT_ONCE).execution_options(populate_existing=True)).all()
        if not found:
            return
        for event in found:
            number = event.chain_number or number
            yield event
            db.expunge(event)  # a log of years need not fit into memory


def _trouble_at_the_end(
    db: Session, number: int, last_hash: str, now: datetime, expected: tuple[int, str] | None
) -> str | None:
    head = db.get(AuditHead, _ONLY, populate_existing=True)
    known = (head.number, head.hash) if head is not None else (0, BEGINNING)
    if known != (number, last_hash) or (expected is not None and expected[0] > number):
        return f"The chain ends at row {number}, but {max(known[0], expected[0] if expected else 0)} rows were sealed."
    late = select(func.count()).where(AuditEvent.chain_number.is_(None), AuditEvent.at < now - SEALED_WITHIN)
    waiting = db.scalar(late) or 0
    return f"{waiting} rows are older than five minutes and not sealed: does the worker run?" if waiting else None


def _locked_head(db: Session) -> AuditHead:
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(AuditHead).values(id=_ONLY, number=0, hash=BEGINNING).on_conflict_do_nothing())
    return db.get_one(AuditHead, _ONLY, with_for_update=True, populate_existing=True)
