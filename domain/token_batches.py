"""RFID cards from a spreadsheet: what a row means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from domain import batches, tokens
from domain.batches import Heading, Judged, Kind
from domain.errors import Conflict
from domain.models.batches import Batch, BatchRow, Verdict
from domain.models.stations import Station
from domain.models.tokens import Token, TokenStation, TokenStatus

HEADINGS = (
    Heading("card number", ("uid", "idtag", "rfid", "token")),
    Heading("holder", ("name", "person", "holder name")),
    Heading("status"),
    Heading("group", ("parent", "parent uid", "parentidtag")),
    Heading("expires", ("expiry", "valid until", "expires on")),
    Heading("charging stations", ("stations", "where")),
)
HELP = (
    ("How to fill it in", ""),
    ("card number", "The number that the reader tells, 1 to 36 characters. Capitals and small letters are the same."),
    ("holder", "Whose card it is, up to 120 characters. May be left empty, as all that follow."),
    ("status", "Accepted or Blocked. Empty means Accepted."),
    ("group", "The id of a group of cards that may stop each other's sessions."),
    ("expires", "The last day, as 2027-12-31. Empty means never."),
    ("charging stations", "Names of your charging stations, with ; between them. Empty means all of them."),
    ("", " "),
    ("Examples", ""),
    ("04A1B2C3D4E580", "holder Sanna Virta, everything else empty"),
    ("04B7E2119C0001", "holder City parcel van, group CITY, expires 2027-12-31, charging stations Harbour Garage"),
)  # fmt: skip
LONGEST_NAME = 120
_AT_ONCE = 5000
_STATUSES = {status.value.lower(): status for status in (TokenStatus.ACCEPTED, TokenStatus.BLOCKED)}


class _Malformed(Exception):
    """The row cannot be meant like that; the message says why."""


@dataclass(frozen=True)
class _Card:
    """What a row says."""

    status: TokenStatus
    name: str | None
    group: str | None
    expires_at: datetime | None
    station_ids: tuple[int, ...] | None


def judge(db: Session, operator_id: int, rows: Sequence[Judged]) -> list[Judged]:
    """Each row with its verdict."""
    taken = _taken(db, operator_id, [row.key for row in rows])
    stations = _stations(db, operator_id)
    seen: dict[str, int] = {}
    judged = []
    for row in rows:
        verdict, reason = (row.verdict, row.reason) if row.reason else _judged(row, taken, seen, stations)
        judged.append(replace(row, verdict=verdict, reason=reason))
        if verdict is Verdict.OK:
            seen[row.key.upper()] = row.number
    return judged


def _judged(
    row: Judged, taken: set[str], seen: dict[str, int], stations: Mapping[str, int]
) -> tuple[Verdict, str | None]:
    key = row.key.upper()
    if not key:
        return Verdict.MALFORMED, "The card number is missing."
    try:
        _card(row.cells, stations)
    except _Malformed as trouble:
        return Verdict.MALFORMED, str(trouble)
    if key in seen:
        return Verdict.DUPLICATE, f"Row {seen[key]} has this card number already."
    return (Verdict.EXISTS, "You have this card already.") if key in taken else (Verdict.OK, None)


def _card(cells: Sequence[str], stations: Mapping[str, int]) -> _Card:
    uid, name, status, group, expires, places = cells
    for text, what in ((uid, "card number"), (group, "group")):
        if len(text) > tokens.MAX_IDTAG_16 or not (text.isascii() and text.isprintable()):
            raise _Malformed(f"A {what} has 1 to {tokens.MAX_IDTAG_16} letters, digits and signs, without accents.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise _Malformed(f"A holder's name has up to {LONGEST_NAME} characters on one line.")
    if group and group.upper() == uid.upper():
        raise _Malformed("A card cannot be its own group.")
    if status and status.lower() not in _STATUSES:
        raise _Malformed("The status is Accepted or Blocked.")
    known = _STATUSES[(status or "accepted").lower()]
    return _Card(known, name or None, group or None, _expiry(expires), _places(places, stations))


def _expiry(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return end_of(date.fromisoformat(text[:10] if text[10:11] in (" ", "T") else text))
    except (ValueError, OverflowError):
        raise _Malformed("Write the last day as 2027-12-31.") from None


def end_of(day: date) -> datetime:
    """The first moment after that day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def _places(text: str, stations: Mapping[str, int]) -> tuple[int, ...] | None:
    names = [name.strip() for name in text.split(";") if name.strip()]
    if not names or [name.lower() for name in names] == ["all"]:
        return None
    for name in names:
        if name.lower() not in stations:
            raise _Malformed(f'There is no charging station "{name[:60]}".')
    return tuple(sorted({stations[name.lower()] for name in names}))


def _stations(db: Session, operator_id: int) -> dict[str, int]:
    found = select(Station.name, Station.id).where(Station.operator_id == operator_id).order_by(Station.id.desc())
    return {name.lower(): station_id for name, station_id in db.execute(found)}


def _taken(db: Session, operator_id: int, uids: Sequence[str]) -> set[str]:
    keys = sorted({uid.upper() for uid in uids})
    found: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        some = Token.uid_key.in_(keys[start : start + _AT_ONCE])
        found.update(db.scalars(select(Token.uid_key).where(Token.operator_id == operator_id, some)))
    return found


def add(db: Session, batch: Batch, rows: Sequence[BatchRow], by: str, now: datetime) -> None:
    """Cards that nobody has added meanwhile are there, the others' rows say so."""
    taken, stations = _taken(db, batch.operator_id, [row.key for row in rows]), _stations(db, batch.operator_id)
    marks: list[dict[str, Any]] = []
    limits: list[dict[str, int]] = []
    for row in rows:
        try:
            card = _card(row.cells, stations)
        except _Malformed as trouble:  # a station got another name meanwhile
            marks.append({"id": row.id, "verdict": Verdict.MALFORMED, "reason": str(trouble), "token_id": None})
            continue
        if row.key.upper() in taken:
            marks.append(
                {
                    "id": row.id,
                    "verdict": Verdict.EXISTS,
                    "reason": "You have this card already.",
                    "token_id": None,
                }
            )
            continue
        token = _token(batch.operator_id, row.key, card, now)
        db.add(token)
        db.flush()
        tokens.record_import(db, token, batch.id, by, now)
        limits += [
            {"operator_id": batch.operator_id, "token_id": token.id, "station_id": each}
            for each in card.station_ids or ()
        ]
        marks.append({"id": row.id, "verdict": Verdict.ADDED, "reason": None, "token_id": token.id})
    if limits:
        db.execute(insert(TokenStation), limits)
    batches.mark(db, marks)


def _token(operator_id: int, uid: str, card: _Card, now: datetime) -> Token:
    return Token(
        operator_id=operator_id,
        uid=uid,
        uid_key=uid.upper(),
        name=card.name,
        status=card.status,
        parent_uid=card.group,
        expires_at=card.expires_at,
        is_limited=card.station_ids is not None,
        created_at=now,
    )


def remove(db: Session, _batch: Batch, rows: Sequence[BatchRow], by: str, now: datetime) -> None:
    """Cards that nobody has charged with are gone; the other rows say why they stay."""
    marks = []
    for row in rows:
        token = db.get(Token, row.token_id) if row.token_id is not None else None
        left: dict[str, Any] = {"id": row.id, "verdict": Verdict.REMOVED, "reason": None, "token_id": None}
        try:
            if token is not None and token.last_seen_at is not None:
                raise Conflict("It has been shown to a charger.")
            if token is not None:
                tokens.delete(db, token, by=by, now=now)
        except Conflict as stays:
            left = {"id": row.id, "verdict": Verdict.ADDED, "reason": str(stays), "token_id": row.token_id}
        marks.append(left)
    batches.mark(db, marks)


KIND = Kind("card", HEADINGS, judge, add, remove)
