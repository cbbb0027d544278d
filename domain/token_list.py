"""An operator's cards and groups as their pages list them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Text, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from domain import paging
from domain.models.chargers import Charger
from domain.models.stations import Station
from domain.models.tokens import Sighting, Token, TokenStation, TokenStatus

_Group = aliased(Token)


class View(StrEnum):
    """The saved views of cards."""

    ALL = "all"
    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to; `group` is a group's uid."""

    view: View = View.ALL
    text: str = ""
    group: str = ""

    @property
    def is_narrow(self) -> bool:
        return bool(self.view != View.ALL or self.text or self.group)


@dataclass
class CardRow:
    """A card as the list shows it."""

    token: Token
    word: str
    group: Token | None  # when the group's own row exists
    seen_at: datetime | None
    seen_by: Charger | None
    stations: list[Station] = field(default_factory=list)  # of a limited one


@dataclass(frozen=True)
class GroupRow:
    """A group of cards; `token` is its own row, if anybody made one."""

    uid: str
    token: Token | None
    cards: int

    @property
    def word(self) -> str:
        return self.token.status.value if self.token is not None else TokenStatus.ACCEPTED.value


def page(
    db: Session, operator_id: int | None, wanted: Filter, cursor: str | None, limit: int, now: datetime
) -> paging.Page[CardRow]:
    """One page of cards, by holder and number."""
    found = _cards(operator_id, now).where(*_conditions(wanted, now))
    keys: list[Any] = [func.lower(func.coalesce(Token.name, "\uffff"), type_=Text()), Token.uid_key]
    page = paging.fetch_page(db, found, keys, cursor=cursor, limit=limit)
    rows = [CardRow(*row) for row in page.rows]
    _fill(db, rows)
    return paging.Page(rows, page.previous, page.next)


def each(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> Iterator[CardRow]:
    """Every row of the list, page by page."""
    cursor = None
    while True:
        found = page(db, operator_id, wanted, cursor, 500, now)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


def one(db: Session, token: Token, now: datetime) -> CardRow:
    """That card as the list shows it."""
    row = CardRow(*db.execute(_cards(token.operator_id, now).where(Token.id == token.id)).one())
    _fill(db, [row])
    return row


def counts(db: Session, operator_id: int | None, wanted: Filter, now: datetime) -> dict[View, int]:
    """How many cards each view holds under the other filters."""
    under = _conditions(Filter(View.ALL, wanted.text, wanted.group), now)
    found = select(_word(now).label("word")).where(Token.operator_id == operator_id, ~Token.is_group, *under).subquery()
    by_word: dict[str, int] = dict(db.execute(select(found.c.word, func.count()).group_by(found.c.word)).all())
    named = {view: by_word.get(view.value.capitalize(), 0) for view in View if view is not View.ALL}
    return {View.ALL: sum(by_word.values())} | named


def groups(db: Session, operator_id: int | None) -> list[GroupRow]:
    """Every group of the operator: made as one, or named by a card."""
    counted = select(func.upper(Token.parent_uid), func.min(Token.parent_uid), func.count()).where(
        Token.operator_id == operator_id, Token.parent_uid.is_not(None)
    )
    named = {key: (uid, cards) for key, uid, cards in db.execute(counted.group_by(func.upper(Token.parent_uid)))}
    is_one = or_(Token.is_group, Token.uid_key.in_(named))
    own = {token.uid_key: token for token in db.scalars(select(Token).where(Token.operator_id == operator_id, is_one))}
    rows = [
        GroupRow(own[key].uid if key in own else named[key][0], own.get(key), named[key][1] if key in named else 0)
        for key in named.keys() | own.keys()
    ]
    return sorted(rows, key=lambda row: ((row.token.name if row.token else None) or row.uid).lower())


def _cards(operator_id: int | None, now: datetime) -> Select[Any]:
    seen = and_(Sighting.operator_id == Token.operator_id, Sighting.uid_key == Token.uid_key)
    parent = and_(_Group.operator_id == Token.operator_id, _Group.uid_key == func.upper(Token.parent_uid))
    found = (
        select(Token, _word(now), _Group, func.coalesce(Sighting.seen_at, Token.last_seen_at), Charger)
        .outerjoin(_Group, parent)
        .outerjoin(Sighting, seen)
        .outerjoin(Charger, Charger.id == Sighting.charger_id)
        .where(Token.operator_id == operator_id, ~Token.is_group)
    )
    return cast("Select[Any]", found)


def _word(now: datetime) -> ColumnElement[str]:
    """The status, with what the calendar adds."""
    is_over = and_(Token.status == TokenStatus.ACCEPTED, Token.expires_at <= now)
    status = case(*((Token.status == each, each.value) for each in TokenStatus))
    return case((is_over, TokenStatus.EXPIRED.value), else_=status)


def _conditions(wanted: Filter, now: datetime) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.view is not View.ALL:
        conditions.append(_word(now) == wanted.view.value.capitalize())
    if wanted.text:
        columns = (Token.uid, func.coalesce(Token.name, ""), func.coalesce(Token.parent_uid, ""))
        conditions.append(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    if wanted.group:
        conditions.append(func.upper(Token.parent_uid) == wanted.group.upper())
    return conditions


def _fill(db: Session, rows: Sequence[CardRow]) -> None:
    by_id = {row.token.id: row for row in rows if row.token.is_limited}
    limits = select(TokenStation.token_id, Station).join(Station, Station.id == TokenStation.station_id)
    for token_id, station in db.execute(limits.where(TokenStation.token_id.in_(by_id)).order_by(Station.name)):
        by_id[token_id].stations.append(station)
