"""How much stations were used in one month, and how well they worked.

A plug was up while its charger was connected and neither it nor the charger said Faulted. What nobody heard of a
charger is not guessed: its time counts from its first connection on.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from domain.models.chargers import Charger, ChargerEvent, Connector
from domain.models.charging import ChargingSession, SessionStatus
from domain.report_money import Span
from domain.statuses import FAULTED

LONGEST = timedelta(days=7)  # a session that lasts longer is counted in the week after its start
CONNECTION = ("connected", "disconnected")


@dataclass
class Use:
    """The columns of ReportUse."""

    sessions: int = 0
    energy_wh: int = 0
    charging_s: int = 0
    plug_s: int = 0
    known_s: int = 0
    up_s: int = 0
    known_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """From that moment on: the connection stands or not, or a plug (0: the charger) is faulted or not."""

    at: datetime
    plug: int | None  # none: the connection
    is_good: bool


def sums(db: Session, span: Span, now: datetime) -> dict[int, Use]:
    """The month's use by station, as far as it has passed; every station that has chargers or sessions. Reads only."""
    made: dict[int, Use] = defaultdict(Use)
    until = min(span.until, now)
    _count(db, span, made)
    for station_id, started_at, stopped_at in db.execute(_running(span, until)):
        made[station_id].charging_s += _seconds(max(started_at, span.since), min(stopped_at or until, until))
    chargers = list(db.scalars(select(Charger).where(Charger.station_id.in_(span.station_ids)).order_by(Charger.id)))
    plugs = _plugs(db, [charger.id for charger in chargers])
    changes = _changes(db, chargers, plugs, span.since, until)
    for charger in chargers:
        begin = max(_began(db, charger), span.since)
        end = min(charger.retired_at or until, until)
        if plugs[charger.id] and begin < end:
            _add(made[charger.station_id], plugs[charger.id], changes[charger.id], begin, end)
    return dict(made)


def _count(db: Session, span: Span, made: dict[int, Use]) -> None:
    began = select(ChargingSession.station_id, func.count(), func.sum(ChargingSession.energy_wh)).where(
        ChargingSession.station_id.in_(span.station_ids),
        span.holds(ChargingSession.started_at),
        ChargingSession.status != SessionStatus.REFUSED,
    )
    for station_id, count, energy in db.execute(began.group_by(ChargingSession.station_id)):
        made[station_id].sessions, made[station_id].energy_wh = count, int(energy)


def _running(span: Span, until: datetime) -> Any:
    return select(ChargingSession.station_id, ChargingSession.started_at, ChargingSession.stopped_at).where(
        ChargingSession.station_id.in_(span.station_ids),
        ChargingSession.started_at >= span.since - LONGEST,
        ChargingSession.started_at < until,
        or_(ChargingSession.stopped_at.is_(None), ChargingSession.stopped_at > span.since),
        ChargingSession.status != SessionStatus.REFUSED,
    )


def _plugs(db: Session, charger_ids: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    known = select(Connector.charger_id, Connector.number).where(
        Connector.charger_id.in_(charger_ids), Connector.number > 0
    )
    for charger_id, number in db.execute(known.order_by(Connector.charger_id, Connector.number)):
        found[charger_id].append(number)
    return found


def _began(db: Session, charger: Charger) -> datetime:
    # What was brought over from elsewhere has sessions that are older than its row.
    first = db.scalar(select(func.min(ChargingSession.started_at)).where(ChargingSession.charger_id == charger.id))
    return min(charger.created_at, first) if first else charger.created_at


def _changes(
    db: Session, chargers: Sequence[Charger], plugs: dict[int, list[int]], since: datetime, until: datetime
) -> dict[int, list[Change]]:
    """What changed in the span, led by how it was at its beginning."""
    found: dict[int, list[Change]] = defaultdict(list)
    for charger in chargers:
        found[charger.id] += _before(db, charger.id, plugs[charger.id], since)
    told = select(ChargerEvent.charger_id, ChargerEvent.kind, ChargerEvent.connector_number,
                  ChargerEvent.at, ChargerEvent.summary).where(
        ChargerEvent.charger_id.in_([charger.id for charger in chargers]),
        ChargerEvent.at >= since, ChargerEvent.at < until,
        ChargerEvent.kind.in_((*CONNECTION, "status")),
    )  # fmt: skip
    for charger_id, kind, number, at, summary in db.execute(told.order_by(ChargerEvent.at, ChargerEvent.id)):
        found[charger_id].append(_change(at, kind, number, summary))
    for charger in chargers:
        # The timeline tells of a break when it is over; one that lasts is only on the charger's row.
        gone_at = charger.disconnected_at
        if charger.node is None and gone_at is not None and gone_at < until:
            found[charger.id].append(Change(max(gone_at, since), None, is_good=False))
            found[charger.id].sort(key=lambda change: change.at)
    return found


def _before(db: Session, charger_id: int, plugs: Iterable[int], since: datetime) -> list[Change]:
    newest_first = (
        select(ChargerEvent.kind, ChargerEvent.connector_number, ChargerEvent.summary)
        .where(ChargerEvent.charger_id == charger_id, ChargerEvent.at < since)
        .order_by(ChargerEvent.at.desc(), ChargerEvent.id.desc())
        .limit(1)
    )
    asked = [newest_first.where(ChargerEvent.kind.in_(CONNECTION))]
    for number in (0, *plugs):
        asked.append(newest_first.where(ChargerEvent.kind == "status", ChargerEvent.connector_number == number))
    rows = [row for row in (db.execute(statement).first() for statement in asked) if row]
    return [_change(since, kind, number, summary) for kind, number, summary in rows]


def _change(at: datetime, kind: str, number: int | None, summary: str) -> Change:
    if kind in CONNECTION:
        return Change(at, None, is_good=kind == "connected")
    return Change(at, number or 0, is_good=not summary.startswith(FAULTED))


def _add(use: Use, plugs: Sequence[int], changes: Sequence[Change], begin: datetime, end: datetime) -> None:
    """The time of each plug from begin to end is added up: all of it, where it is known, and up."""
    use.plug_s += _seconds(begin, end) * len(plugs)
    is_connected: bool | None = None
    faulted: set[int] = set()
    at = begin
    for change in [*changes, Change(end, None, is_good=False)]:
        moment = min(max(change.at, begin), end)
        if is_connected is not None and moment > at:
            use.known_from = min(use.known_from or at, at)
            use.known_s += _seconds(at, moment) * len(plugs)
            use.up_s += _seconds(at, moment) * _good(plugs, faulted) * is_connected
        at = max(at, moment)
        if change.plug is None:
            is_connected = change.is_good
        elif change.is_good:
            faulted.discard(change.plug)
        else:
            faulted.add(change.plug)


def _good(plugs: Sequence[int], faulted: set[int]) -> int:
    return 0 if 0 in faulted else sum(number not in faulted for number in plugs)


def _seconds(since: datetime, until: datetime) -> int:
    return max(round((until - since).total_seconds()), 0)
