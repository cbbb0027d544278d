"""Where tags were last shown: of tokens, and of cards that nobody knows yet, so that one can be given to a person.

Written while chargers talk, so it is throttled: a tag counts once a minute, a charger may bring a few new ones a
minute, and an operator keeps the latest few hundred of those that nobody knows.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain import paging
from domain.models.chargers import Charger
from domain.models.stations import Station
from domain.models.tokens import Sighting, Token
from domain.tokens import MAX_UID, Authorisation, Verdict

AGAIN_AFTER = timedelta(minutes=1)
MOST_NEW_A_MINUTE = 10  # of one charger
MOST_UNKNOWN = 300  # of one operator
_OF_A_PAYMENT = re.compile(r"VD[0-9A-Z]{16}")  # shown to a charger that it was not made for


def note(db: Session, charger: Charger, id_tag: str, found: Authorisation, at: datetime, now: datetime) -> None:
    """The tag was shown there at that moment, of which we hear now.

    What can be no card, or pays for one session, is not noted.
    """
    if found.payment is not None:
        return
    key = found.token.uid_key if found.token is not None else id_tag.strip().upper()
    if found.token is None and (found.verdict is not Verdict.INVALID or not _could_be_a_card(key)):
        return
    mine = (Sighting.operator_id == charger.operator_id, Sighting.uid_key == key)
    known = db.scalar(select(Sighting).where(*mine))
    if known is not None:
        _see_again(known, charger, min(at, now))
    elif found.token is not None or _has_room(db, charger, now):
        into = (sqlite if db.get_bind().dialect.name == "sqlite" else postgresql).insert(Sighting)
        row = {"operator_id": charger.operator_id, "uid_key": key, "uid": id_tag.strip(), "charger_id": charger.id}
        db.execute(into.values(**row, noted_at=now, seen_at=min(at, now)).on_conflict_do_nothing())
    db.flush()


def _could_be_a_card(key: str) -> bool:
    return 0 < len(key) <= MAX_UID and key.isprintable() and not _OF_A_PAYMENT.fullmatch(key)


def _see_again(known: Sighting, charger: Charger, at: datetime) -> None:
    elsewhere = known.charger_id != charger.id and at > known.seen_at
    if elsewhere or at - known.seen_at >= AGAIN_AFTER:
        known.charger_id, known.seen_at, known.times = charger.id, at, known.times + 1


def _has_room(db: Session, charger: Charger, now: datetime) -> bool:
    """Whether one more tag may be noted; the oldest of too many unknown ones is forgotten."""
    lately = select(func.count()).where(
        Sighting.charger_id == charger.id, Sighting.noted_at > now - timedelta(minutes=1)
    )
    if (db.scalar(lately) or 0) >= MOST_NEW_A_MINUTE:
        return False
    nobodys = _nobodys(charger.operator_id).with_only_columns(Sighting.id).order_by(Sighting.seen_at.desc())
    old = list(db.scalars(nobodys.offset(MOST_UNKNOWN - 1)))
    if old:
        db.execute(delete(Sighting).where(Sighting.id.in_(old)))
    return True


@dataclass(frozen=True)
class UnknownTag:
    """A tag that no token has, and where it was last shown."""

    sighting: Sighting
    charger: Charger
    station: Station


def unknown(db: Session, operator_id: int | None, text: str, cursor: str | None, limit: int) -> paging.Page[UnknownTag]:
    """One page of the tags that nobody knows, the latest first."""
    found = _nobodys(operator_id).join(Charger, Charger.id == Sighting.charger_id)
    found = found.join(Station, Station.id == Charger.station_id).add_columns(Charger, Station)
    if text:
        found = found.where(Sighting.uid.icontains(text, autoescape=True))
    keys: list[Any] = [Sighting.seen_at, Sighting.id]
    page = paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)
    return paging.Page([UnknownTag(*row) for row in page.rows], page.previous, page.next)


def count_unknown(db: Session, operator_id: int | None) -> int:
    """How many tags nobody knows."""
    return db.scalar(_nobodys(operator_id).with_only_columns(func.count())) or 0


def find_unknown(db: Session, operator_id: int | None, uid: str) -> Sighting | None:
    """The sighting of that tag, if no token has it."""
    found: Sighting | None = db.scalar(_nobodys(operator_id).where(Sighting.uid_key == uid.strip().upper()))
    return found


def forget(db: Session, sighting: Sighting) -> None:
    """The tag was never seen, until it is shown again."""
    db.delete(sighting)
    db.flush()


def _nobodys(operator_id: int | None) -> Select[Any]:
    same = and_(Token.operator_id == Sighting.operator_id, Token.uid_key == Sighting.uid_key)
    without = select(Sighting).outerjoin(Token, same).where(Token.id.is_(None))
    return without.where(Sighting.operator_id == operator_id)
