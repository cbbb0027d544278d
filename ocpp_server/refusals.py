"""Refused handshakes on record: the first one at once, its repetitions within a minute only counted."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain import connections
from domain.connections import Attempt
from domain.models.chargers import HandshakeOutcome
from ocpp_server.writer import Writer

SAME_WITHIN = timedelta(minutes=1)
# A flood with ever new names must not fill the table: beyond this many a minute they share a row for each outcome.
MOST_A_MINUTE = 300

Key = tuple[HandshakeOutcome, str | None, str | None, bool]


class _Seen:
    """A refusal on record, and how often it came again since that was last written."""

    __slots__ = ("again", "at", "row_id")

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.again = 0
        self.row_id: int | None = None


class Refusals:
    """What was refused within the last minute."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._seen: dict[Key, _Seen] = {}

    def add(self, attempt: Attempt, outcome: HandshakeOutcome) -> bool:
        """That refusal is on record, or counted. Returns whether it is a new one."""
        key: Key = (outcome, attempt.device_id, attempt.remote_address, attempt.is_tls)
        self._forget_old(attempt.at)
        if key not in self._seen and len(self._seen) >= MOST_A_MINUTE:
            key = (outcome, None, None, attempt.is_tls)
        seen = self._seen.get(key)
        if seen is not None:
            seen.again += 1
            return False
        seen = self._seen[key] = _Seen(attempt.at)
        recording = self._writer.do(lambda db: connections.record(db, attempt, outcome))
        recording.add_done_callback(lambda done: _note_row(seen, done))
        return True

    def flush(self) -> None:
        """Repetitions are counted in the rows on record."""
        counts = {seen.row_id: seen.again for seen in self._seen.values() if seen.again and seen.row_id is not None}
        if not counts:
            return
        for seen in self._seen.values():
            if seen.row_id in counts:
                seen.again = 0
        self._writer.do(lambda db: _count(db, counts))

    def _forget_old(self, now: datetime) -> None:
        oldest = next(iter(self._seen.values()), None)
        if oldest is None or now - oldest.at < SAME_WITHIN:
            return
        self.flush()
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen.at < SAME_WITHIN}


def _count(db: Session, counts: dict[int | None, int]) -> None:
    for row_id, times in counts.items():
        if row_id is not None:
            connections.repeat(db, row_id, times)


def _note_row(seen: _Seen, done: object) -> None:
    seen.row_id = done.result()  # type: ignore[attr-defined]
