"""Tokens: who may charge, and the cards of an operator."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from domain import audit
from domain.charging_flags import Flag
from domain.errors import Conflict, NotFound, Refused
from domain.models.batches import BatchRow
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.payments import Payment, PaymentStatus
from domain.models.stations import Station
from domain.models.tokens import Sighting, Token, TokenStation, TokenStatus
from domain.references import leaning

MAX_UID = 36  # OCPP 2.x; 1.6 chargers can tell 20
MAX_IDTAG_16 = 20
_SHORTEST_PAYMENT_TAG = 8
_LONGEST_TAG = 64  # more is noise
BELONGINGS = ("token_station", "batch_row")  # what a token has before it is used


class Verdict(StrEnum):
    """OCPP 1.6 AuthorizationStatus: what a charger is told."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT = "ConcurrentTx"


FLAG_OF_VERDICT = {
    Verdict.BLOCKED: Flag.BLOCKED_TOKEN,
    Verdict.EXPIRED: Flag.EXPIRED_TOKEN,
    Verdict.INVALID: Flag.UNKNOWN_TOKEN,
    Verdict.CONCURRENT: Flag.CONCURRENT_TOKEN,
}


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What an idTag may do here, and on whose account."""

    verdict: Verdict
    token: Token | None = None
    payment: Payment | None = None
    is_elsewhere: bool = False  # the token is good, but not at this station

    @property
    def is_accepted(self) -> bool:
        return self.verdict is Verdict.ACCEPTED

    @property
    def flag(self) -> Flag:
        """What a refusal is remembered as."""
        return Flag.TOKEN_NOT_HERE if self.is_elsewhere else FLAG_OF_VERDICT[self.verdict]


def authorise(db: Session, charger: Charger, id_tag: str, at: datetime) -> Authorisation:
    """What that idTag may do at that charger at that time.

    A payment's one-time idTag counts while its hold stands, at the charger it was made for. Chargers change idTags:
    KEBA appends `_` and a serial number, others pad them beyond 20 characters (quirk C7).
    """
    payment = payment_of(db, charger, id_tag)
    if payment is not None:
        stands = payment.status is PaymentStatus.AUTHORISED
        return Authorisation(Verdict.ACCEPTED if stands else Verdict.EXPIRED, payment=payment)
    token = _token_of(db, charger.operator_id, id_tag)
    if token is None:
        return Authorisation(Verdict.INVALID)
    verdict = _verdict(db, token, at)
    if verdict is Verdict.ACCEPTED and not may_charge_at(db, token, charger.station_id):
        return Authorisation(Verdict.BLOCKED, token=token, is_elsewhere=True)
    return Authorisation(verdict, token=token)


def payment_of(db: Session, charger: Charger, id_tag: str) -> Payment | None:
    """The payment for that charger whose one-time idTag (upper case) that is, locked until the edge commits."""
    key = id_tag.strip().upper()[:_LONGEST_TAG]
    beginnings = [key[:length] for length in range(len(key), _SHORTEST_PAYMENT_TAG - 1, -1)]
    meant = select(Payment).where(Payment.charger_id == charger.id, Payment.id_tag.in_(beginnings))
    return db.scalar(meant.order_by(func.length(Payment.id_tag).desc()).limit(1).with_for_update())


def is_spent(db: Session, payment: Payment) -> bool:
    """Whether a session belongs to that payment already: one payment, one session."""
    return db.scalar(select(ChargingSession.id).where(ChargingSession.payment_id == payment.id)) is not None


def _token_of(db: Session, operator_id: int, id_tag: str) -> Token | None:
    key = id_tag.strip().upper()
    spellings = [key, key.partition("_")[0], key[:MAX_IDTAG_16]]
    found = db.scalars(select(Token).where(Token.operator_id == operator_id, Token.uid_key.in_(spellings)))
    by_key = {token.uid_key: token for token in found}
    return next((by_key[spelling] for spelling in spellings if spelling in by_key), None)


def _verdict(db: Session, token: Token, at: datetime) -> Verdict:
    if token.is_group:
        return Verdict.INVALID  # the name of a group is no card
    if token.expires_at is not None and token.expires_at <= at and token.status is TokenStatus.ACCEPTED:
        return Verdict.EXPIRED
    if token.status is TokenStatus.ACCEPTED and token.parent_uid is not None:
        parent = find(db, token.operator_id, token.parent_uid)
        if parent is not None and parent.status is TokenStatus.BLOCKED:
            return Verdict.BLOCKED
    return Verdict(token.status.value)


def may_charge_at(db: Session, token: Token, station_id: int) -> bool:
    """Whether neither the token nor its group is limited to other stations."""
    group = find(db, token.operator_id, token.parent_uid) if token.parent_uid is not None else None
    limited = [each.id for each in (token, group) if each is not None and each.is_limited]
    if not limited:
        return True
    here = select(TokenStation.token_id).where(
        TokenStation.token_id.in_(limited), TokenStation.station_id == station_id
    )
    return set(db.scalars(here)) == set(limited)


def is_charging_elsewhere(db: Session, token: Token, charger: Charger, connector_number: int) -> bool:
    """Whether that token has an active session on another connector."""
    elsewhere = select(ChargingSession.id).where(
        ChargingSession.token_id == token.id,
        ChargingSession.status == SessionStatus.ACTIVE,
        (ChargingSession.charger_id != charger.id) | (ChargingSession.connector_number != connector_number),
    )
    return db.scalar(elsewhere.limit(1)) is not None


def find(db: Session, operator_id: int, uid: str) -> Token | None:
    """That operator's token, whatever the case of its letters."""
    return db.scalar(select(Token).where(Token.operator_id == operator_id, Token.uid_key == uid.strip().upper()))


def get(db: Session, operator_id: int, uid: str) -> Token:
    """That operator's token.

    Raises:
        NotFound: it has none with this uid.
    """
    token = find(db, operator_id, uid)
    if token is None:
        raise NotFound("There is no such token.")
    return token


def add(
    db: Session,
    operator_id: int,
    uid: str,
    *,
    now: datetime,
    status: TokenStatus = TokenStatus.ACCEPTED,
    expires_at: datetime | None = None,
    parent_uid: str | None = None,
    name: str | None = None,
    is_group: bool = False,
    station_ids: Collection[int] | None = None,
    by: str | None = None,
) -> Token:
    """That operator has that token.

    Args:
        station_ids: where it may charge; None: at every station.
        by: who adds it; recorded if given.

    Raises:
        Refused: the uid or its parent cannot be a card's.
        Conflict: there is one with this uid.
    """
    uid = _checked_uid("uid", uid, is_known=_was_shown(db, operator_id, uid))
    if find(db, operator_id, uid) is not None:
        raise Conflict(f"There is a token {uid} already.")
    token = Token(
        operator_id=operator_id,
        uid=uid,
        uid_key=uid.upper(),
        name=name,
        status=status,
        expires_at=expires_at,
        parent_uid=_checked_parent(uid, parent_uid),
        is_group=is_group,
        created_at=now,
    )
    db.add(token)
    db.flush()
    _limit(db, token, station_ids)
    _record(db, "created", token, by, now)
    return token


def change(
    db: Session, operator_id: int, uid: str, *, by: str | None = None, now: datetime | None = None, **changes: object
) -> Token:
    """That token has the new values of `status`, `expires_at`, `parent_uid`, `name` or `station_ids`; what is not
    given stays.

    Raises:
        NotFound: the operator has no such token.
        Refused: the parent cannot be a card's.
    """
    token = get(db, operator_id, uid)
    unknown = changes.keys() - {"status", "expires_at", "parent_uid", "name", "station_ids"}
    if unknown:
        raise TypeError(f"A token has no {', '.join(sorted(unknown))} to change.")
    if "parent_uid" in changes:
        parent = changes["parent_uid"]
        changes["parent_uid"] = _checked_parent(token.uid, parent if isinstance(parent, str) else None)
    fields = sorted(changes)
    if "station_ids" in changes:
        _limit(db, token, changes.pop("station_ids"))  # type: ignore[arg-type]
    for name, value in changes.items():
        setattr(token, name, value)
    db.flush()
    if now is not None:
        _record(db, "changed", token, by, now, fields=fields, status=token.status.value)
    return token


def record_import(db: Session, token: Token, batch_id: int, by: str, now: datetime) -> None:
    """It is on record that the token came with that batch."""
    _record(db, "created", token, by, now, batch=batch_id)


def delete(db: Session, token: Token, *, by: str, now: datetime) -> None:
    """The token is gone.

    Raises:
        Conflict: something was charged with it, which must stay.
    """
    if leaning(db, Token.__table__, [token.id], besides=BELONGINGS):  # type: ignore[arg-type]
        raise Conflict("Something was charged with this card, so it stays on record. Block it instead.")
    _limit(db, token, None)
    db.execute(update(BatchRow).where(BatchRow.token_id == token.id).values(token_id=None))
    _record(db, "deleted", token, by, now)
    db.delete(token)
    db.flush()


def station_ids(db: Session, token: Token) -> list[int] | None:
    """Where it may charge; None: at every station."""
    if not token.is_limited:
        return None
    limits = select(TokenStation.station_id).where(TokenStation.token_id == token.id)
    return list(db.scalars(limits.order_by(TokenStation.station_id)))


def _limit(db: Session, token: Token, wanted: Collection[int] | None) -> None:
    """The token may charge at those stations of its operator."""
    mine = select(Station.id).where(Station.operator_id == token.operator_id, Station.id.in_(wanted or ()))
    found = sorted(db.scalars(mine)) if wanted is not None else []
    if wanted is not None and (not found or len(found) != len(set(wanted))):
        sentence = "Choose at least one of your charging stations, or all of them."
        raise Refused(sentence, [("station_ids", sentence)])
    db.execute(sql_delete(TokenStation).where(TokenStation.token_id == token.id))
    token.is_limited = wanted is not None
    rows = [{"operator_id": token.operator_id, "token_id": token.id, "station_id": each} for each in found]
    if rows:
        db.execute(insert(TokenStation), rows)
    db.flush()


def _record(db: Session, verb: str, token: Token, by: str | None, now: datetime, **detail: object) -> None:
    if by is not None:
        audit.record(
            db, verb, "token", token.id, operator_id=token.operator_id, by=by, now=now, uid=token.uid, **detail
        )


def _was_shown(db: Session, operator_id: int, uid: str) -> bool:
    """Whether a charger of that operator has told it: OCPP 2.x, and some of 1.6 that fill it up, tell longer ones."""
    if not uid.isprintable():
        return False  # PostgreSQL cannot even be asked for a NUL
    shown = (Sighting.operator_id == operator_id, Sighting.uid_key == uid.strip().upper())
    return db.scalar(select(Sighting.id).where(*shown)) is not None


def _checked_uid(field: str, uid: str, *, is_known: bool = False) -> str:
    """The number of a card as chargers can tell it.

    Source: OCPP 1.6, IdToken: CiString20Type, printable ASCII.
    """
    uid = uid.strip()
    most = MAX_UID if is_known else MAX_IDTAG_16
    if not 1 <= len(uid) <= most or not (uid.isascii() and uid.isprintable()):
        sentence = f"A card number has 1 to {most} letters, digits and signs, without accents, as the reader tells it."
        raise Refused(sentence, [(field, sentence)])
    return uid


def _checked_parent(uid: str, parent_uid: str | None) -> str | None:
    if parent_uid is None:
        return None
    parent_uid = _checked_uid("parent_uid", parent_uid)
    if parent_uid.upper() == uid.upper():
        sentence = "A token cannot be its own parent."
        raise Refused(sentence, [("parent_uid", sentence)])
    return parent_uid
