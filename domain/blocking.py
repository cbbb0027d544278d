"""Blocking a card at once, and what chargers may still remember of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from domain import commands, tokens
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command
from domain.models.tokens import Sighting, Token, TokenStatus

REMEMBERED = timedelta(days=90)  # no charger is expected to cache a card for longer


def block(db: Session, token: Token, *, by: str, now: datetime) -> None:
    """The card, or every card of the group, starts nothing from now on."""
    tokens.change(db, token.operator_id, token.uid, status=TokenStatus.BLOCKED, by=by, now=now)


def allow(db: Session, token: Token, *, by: str, now: datetime) -> None:
    """The card may charge again."""
    tokens.change(db, token.operator_id, token.uid, status=TokenStatus.ACCEPTED, by=by, now=now)


def running(db: Session, token: Token) -> list[ChargingSession]:
    """Sessions that run on the card, or on a card of the group."""
    cards = _cards(token)
    active = ChargingSession.status == SessionStatus.ACTIVE
    return list(db.scalars(select(ChargingSession).where(ChargingSession.token_id.in_(cards), active)))


def chargers_that_know(db: Session, token: Token, now: datetime) -> list[Charger]:
    """Chargers in use where the card was shown lately: they may have it in their cache."""
    since = now - REMEMBERED
    charged = select(ChargingSession.charger_id).where(
        ChargingSession.token_id.in_(_cards(token)), ChargingSession.started_at > since
    )
    keys = select(Token.uid_key).where(Token.id.in_(_cards(token)))
    shown = select(Sighting.charger_id).where(
        Sighting.operator_id == token.operator_id, Sighting.uid_key.in_(keys), Sighting.seen_at > since
    )
    known = select(Charger).where(Charger.operator_id == token.operator_id, Charger.retired_at.is_(None))
    return list(db.scalars(known.where(or_(Charger.id.in_(charged), Charger.id.in_(shown))).order_by(Charger.label)))


def clear_caches(db: Session, chargers: Sequence[Charger], *, by: str, now: datetime) -> list[Command]:
    """The chargers that are online are asked to forget the cards they know; ring the doorbell after the commit."""
    return [
        commands.queue(db, charger, "ClearCache", {}, by=by, now=now) for charger in chargers if charger.is_connected
    ]


def _cards(token: Token) -> Select[int]:
    """The ids of the card, or of the cards of the group."""
    of_group = (Token.operator_id == token.operator_id) & (func.upper(Token.parent_uid) == token.uid_key)
    return select(Token.id).where(or_(Token.id == token.id, of_group))
