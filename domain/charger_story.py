"""One charger's page: what each plug does, what happened, how the last days went."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.charger_states import IS_RUNNING
from domain.models.chargers import Charger, ChargerEvent, Connector, QrCode
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.payments import Payment

WEEK = timedelta(days=7)
CURVE_POINTS = 300


@dataclass(frozen=True)
class Plug:
    """A connector with what runs on it, what ran last, and its sessions since midnight."""

    connector: Connector
    running: ChargingSession | None
    last: ChargingSession | None
    sessions_today: int
    codes: list[QrCode]


@dataclass(frozen=True)
class Happening:
    """One line of the timeline. `kind` is that of ChargerEvent, or "command", "start", "stop", "hold"."""

    at: datetime
    kind: str
    title: str
    text: str = ""
    word: str = ""  # of the state reached: a command's status, a connector's status


@dataclass(frozen=True)
class Week:
    """The last seven days; `online_percent` is None when nothing is known of its connection."""

    online_percent: float | None
    failed_starts: int


def plugs(db: Session, charger: Charger, midnight: datetime) -> list[Plug]:
    """The charger's connectors as cards."""
    running = {each.connector_number: each for each in running_sessions(db, charger.id)}
    codes = list(db.scalars(select(QrCode).where(QrCode.charger_id == charger.id).order_by(QrCode.code)))
    today = db.execute(
        select(ChargingSession.connector_number, func.count())
        .where(ChargingSession.charger_id == charger.id, ChargingSession.started_at >= midnight)
        .where(ChargingSession.status != SessionStatus.REFUSED)
        .group_by(ChargingSession.connector_number)
    )
    counted: dict[int, int] = {number: count for number, count in today}  # noqa: C416 - rows are no pairs to mypy
    return [
        Plug(
            each,
            running.get(each.number),
            _last(db, charger.id, each.number),
            counted.get(each.number, 0),
            [code for code in codes if code.connector_number in (None, each.number)],
        )
        for each in charger.connectors
        if each.number > 0
    ]


def running_sessions(db: Session, charger_id: int) -> Sequence[ChargingSession]:
    """What charges there now, with payments and tariffs."""
    found = select(ChargingSession).where(ChargingSession.charger_id == charger_id, IS_RUNNING)
    related = (joinedload(ChargingSession.payment), joinedload(ChargingSession.tariff))
    return db.scalars(found.options(*related).order_by(ChargingSession.connector_number)).all()


def latest_session(db: Session, charger_id: int) -> ChargingSession | None:
    """The session that runs there, or else the last one that delivered something."""
    running = running_sessions(db, charger_id)
    return running[-1] if running else _last(db, charger_id, None)


def _last(db: Session, charger_id: int, connector_number: int | None) -> ChargingSession | None:
    found = select(ChargingSession).where(
        ChargingSession.charger_id == charger_id, ChargingSession.status == SessionStatus.COMPLETED
    )
    if connector_number is not None:
        found = found.where(ChargingSession.connector_number == connector_number)
    return db.scalar(found.order_by(ChargingSession.started_at.desc()).limit(1))


def curve(db: Session, charging_session_id: int) -> list[MeterValue]:
    """The session's meter values that tell power or battery, thinned out to what a chart can show."""
    told = or_(MeterValue.power_w.is_not(None), MeterValue.soc_percent.is_not(None))
    found = select(MeterValue).where(MeterValue.charging_session_id == charging_session_id, told)
    values = db.scalars(found.order_by(MeterValue.at, MeterValue.id)).all()
    every = max(1, -(-len(values) // CURVE_POINTS))
    return [*values[:-1:every], *values[-1:]]


def timeline(db: Session, charger: Charger, limit: int = 20) -> list[Happening]:
    """The latest happenings from every source, newest first."""
    found = [
        *_events(db, charger.id, limit),
        *_commands(db, charger.id, limit),
        *_sessions(db, charger.id, limit),
        *_holds(db, charger.id, limit),
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def _events(db: Session, charger_id: int, limit: int) -> Iterator[Happening]:
    found = select(ChargerEvent).where(ChargerEvent.charger_id == charger_id)
    for each in db.scalars(found.order_by(ChargerEvent.at.desc(), ChargerEvent.id.desc()).limit(limit)):
        where = f"Connector {each.connector_number}" if each.connector_number else ""
        yield Happening(each.at, each.kind, each.summary, where)


def _commands(db: Session, charger_id: int, limit: int) -> Iterator[Happening]:
    found = select(Command).where(Command.charger_id == charger_id).order_by(Command.id.desc()).limit(limit)
    for each in db.scalars(found):
        yield Happening(each.queued_at, "command", each.action, f"Asked by {each.asked_by}", each.status.value)


def _sessions(db: Session, charger_id: int, limit: int) -> Iterator[Happening]:
    found = select(ChargingSession).where(ChargingSession.charger_id == charger_id)
    for each in db.scalars(found.order_by(ChargingSession.started_at.desc()).limit(limit)):
        plug = f"connector {each.connector_number}"
        if each.status == SessionStatus.REFUSED:
            yield Happening(each.started_at, "refused", f"Start refused on {plug}", f"Card {each.id_tag or 'unknown'}")
            continue
        yield Happening(each.started_at, "start", f"Charging started on {plug}", f"Session {each.id}")
        if each.stopped_at is not None:
            kwh = f"{each.energy_wh / 1000:.1f} kWh"
            why = f", {each.stop_reason}" if each.stop_reason else ""
            yield Happening(each.stopped_at, "stop", f"Charging stopped on {plug}", f"Session {each.id}, {kwh}{why}")


def _holds(db: Session, charger_id: int, limit: int) -> Iterator[Happening]:
    found = (
        select(Payment)
        .join(ChargingSession, ChargingSession.payment_id == Payment.id)
        .where(ChargingSession.charger_id == charger_id, Payment.authorised_at.is_not(None))
        .order_by(ChargingSession.started_at.desc())
        .limit(limit)
    )
    for each in db.scalars(found):
        if each.authorised_at is not None:
            card = f"{each.instrument or 'Card'} ending {each.last4}" if each.last4 else each.instrument or ""
            yield Happening(each.authorised_at, "hold", f"{each.hold_minor}|{each.currency}", card)


def week(db: Session, charger: Charger, now: datetime) -> Week:
    """Its connection and its starts in the last seven days."""
    since = now - WEEK
    refused = select(func.count()).where(
        ChargingSession.charger_id == charger.id,
        ChargingSession.started_at >= since,
        ChargingSession.status == SessionStatus.REFUSED,
    )
    not_started = select(func.count()).where(
        Command.charger_id == charger.id,
        Command.action == "RemoteStartTransaction",
        Command.queued_at >= since,
        Command.status.notin_((CommandStatus.QUEUED, CommandStatus.SENT, CommandStatus.ACCEPTED)),
    )
    failed = (db.scalar(refused) or 0) + (db.scalar(not_started) or 0)
    return Week(online_percent(db, charger, since, now), failed)


def online_percent(db: Session, charger: Charger, since: datetime, now: datetime) -> float | None:
    """The share of the time since then, or since it first connected, in which its connection stood."""
    change = and_(ChargerEvent.charger_id == charger.id, ChargerEvent.kind.in_(("connected", "disconnected")))
    before = select(ChargerEvent.kind).where(change, ChargerEvent.at < since)
    was = db.scalar(before.order_by(ChargerEvent.at.desc(), ChargerEvent.id.desc()).limit(1))
    inside = select(ChargerEvent.at, ChargerEvent.kind).where(change, ChargerEvent.at >= since)
    changes = [(at, kind) for at, kind in db.execute(inside.order_by(ChargerEvent.at, ChargerEvent.id))]
    if was is not None:
        changes.insert(0, (since, was))
    if not changes:
        return None
    spans = [(end - start, kind) for (start, kind), (end, _) in pairwise([*changes, (now, "")])]
    total = sum((span for span, _ in spans), timedelta())
    online = sum((span for span, kind in spans if kind == "connected"), timedelta())
    return 100 * online / total if total else None
