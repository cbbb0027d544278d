"""Charging sessions: what a start of a charger means, told once, twice, late or wrongly; stops are in `stops`.

Every look-up is keyed by charger: no charger ever touches another one's session (trust.md T4).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import closing, sightings, statuses, tariff_book, tokens
from domain.charger_clock import ChargerTime
from domain.charging_flags import Flag, merged
from domain.closing import close_abandoned, close_by_hand, proposed_meter_wh
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.tokens import Token
from domain.stops import StopReport, stop
from domain.tokens import FLAG_OF_VERDICT, Authorisation, Verdict

__all__ = ["StartReport", "StopReport", "close_abandoned", "close_by_hand", "proposed_meter_wh", "start", "stop"]

MOST_TRANSACTION_ID = 2**31 - 1
_VERDICT_OF_FLAG = {flag: verdict for verdict, flag in FLAG_OF_VERDICT.items()} | {Flag.TOKEN_NOT_HERE: Verdict.BLOCKED}


@dataclass(frozen=True, slots=True)
class StartReport:
    """A StartTransaction, in our words."""

    connector_number: int
    id_tag: str
    meter_wh: int
    time: ChargerTime

    @property
    def key(self) -> str:
        """The same for every repetition of the same start (quirk F1)."""
        return f"{self.connector_number}|{self.id_tag}|{self.time.text or ''}|{self.meter_wh}"


def start(db: Session, charger: Charger, report: StartReport, now: datetime) -> tuple[ChargingSession, Authorisation]:
    """The session of that start exists, once, with a transaction id of its own, also when it is refused (quirk F2).

    The price in force at its sane start is its price for good. A session that was still open on that plug is over.
    """
    known = _repeated_start(db, charger, report, now)
    if known is not None:
        return known, _told_before(db, known)
    statuses.ensure_connector(db, charger.id, report.connector_number)
    _lock_plug(db, charger, report.connector_number)
    authorisation = _authorise(db, charger, report)
    sightings.note(db, charger, report.id_tag, authorisation, report.time.at, now)
    charging = _begun(db, charger, report, authorisation, now)
    for open_one in _open_on_plug(db, charging):
        closing.close_superseded(db, open_one, charging.started_at)
    return charging, authorisation


def _repeated_start(db: Session, charger: Charger, report: StartReport, now: datetime) -> ChargingSession | None:
    if report.time.text and Flag.TIME_UNKNOWN not in report.time.flags:
        same = ChargingSession.start_key == report.key
        return db.scalar(select(ChargingSession).where(ChargingSession.charger_id == charger.id, same))
    # A clock that was never set tells the same time after every boot: only a recent start is the same one.
    alike = select(ChargingSession).where(
        ChargingSession.charger_id == charger.id,
        ChargingSession.connector_number == report.connector_number,
        ChargingSession.id_tag == report.id_tag,
        ChargingSession.meter_start_wh == report.meter_wh,
        ChargingSession.start_received_at >= now - closing.REPEAT_WITHIN,
    )
    newest = db.scalars(alike.order_by(ChargingSession.id.desc()).limit(1)).first()
    return newest if newest is not None and newest.started_at_charger == report.time.text else None


def _told_before(db: Session, charging: ChargingSession) -> Authorisation:
    refusals = [_VERDICT_OF_FLAG[Flag(flag)] for flag in charging.flags if flag in _VERDICT_OF_FLAG]
    is_refused = charging.status is SessionStatus.REFUSED
    token = db.get(Token, charging.token_id) if charging.token_id else None
    return Authorisation((refusals or [Verdict.INVALID])[0] if is_refused else Verdict.ACCEPTED, token=token)


def _lock_plug(db: Session, charger: Charger, connector_number: int) -> None:
    # Before the payment behind the card: domain/turns.py.
    open_ones = select(ChargingSession.id).where(
        ChargingSession.charger_id == charger.id,
        ChargingSession.connector_number == connector_number,
        ChargingSession.status == SessionStatus.ACTIVE,
    )
    db.execute(open_ones.order_by(ChargingSession.id).with_for_update())


def _authorise(db: Session, charger: Charger, report: StartReport) -> Authorisation:
    found = tokens.authorise(db, charger, report.id_tag, report.time.at)
    if not found.is_accepted:
        return found
    if found.payment is not None and tokens.is_spent(db, found.payment):
        return Authorisation(Verdict.EXPIRED)  # one payment, one session
    is_live = Flag.ARRIVED_LATE not in report.time.flags
    if found.token is not None and is_live:
        if tokens.is_charging_elsewhere(db, found.token, charger, report.connector_number):
            return Authorisation(Verdict.CONCURRENT, token=found.token)
        found.token.last_seen_at = report.time.at
    return found


def _begun(
    db: Session, charger: Charger, report: StartReport, authorisation: Authorisation, now: datetime
) -> ChargingSession:
    payment = authorisation.payment if authorisation.is_accepted else None
    tariff_id = payment.tariff_id if payment is not None else None
    if tariff_id is None:
        tariff = tariff_book.in_force(db, charger.station_id, report.time.at)
        tariff_id = tariff.id if tariff is not None else None
    register, odd = closing.sane_register(report.meter_wh)
    flags = [*report.time.flags, *odd]
    if not authorisation.is_accepted:
        flags.append(authorisation.flag)
    elif tariff_id is None:
        flags.append(Flag.NO_TARIFF)
    if not report.id_tag.isprintable() or "\\" in report.id_tag:
        flags.append(Flag.ODD_TOKEN)  # quirk B4
    charging = ChargingSession(
        operator_id=charger.operator_id,
        station_id=charger.station_id,
        charger_id=charger.id,
        connector_number=report.connector_number,
        ocpp_version="1.6",
        transaction_id=_new_transaction_id(db),
        start_key=_free_key(db, charger, report, now),
        status=SessionStatus.ACTIVE if authorisation.is_accepted else SessionStatus.REFUSED,
        id_tag=report.id_tag,
        token_id=authorisation.token.id if authorisation.token else None,
        payment_id=payment.id if payment else None,
        started_at=report.time.at,
        started_at_charger=report.time.text,
        start_received_at=now,
        meter_start_wh=register,
        energy_wh=0,
        flags=merged(flags),
        tariff_id=tariff_id,
    )
    db.add(charging)
    db.flush()
    return charging


def _free_key(db: Session, charger: Charger, report: StartReport, now: datetime) -> str:
    taken = select(ChargingSession.id).where(
        ChargingSession.charger_id == charger.id, ChargingSession.start_key == report.key
    )
    return report.key if db.scalar(taken) is None else f"{report.key}|{now.isoformat()}"


def _new_transaction_id(db: Session) -> str:
    # Random, so that no charger can guess another's; unique over all of them.
    while True:
        number = str(secrets.randbelow(MOST_TRANSACTION_ID) + 1)
        if db.scalar(select(ChargingSession.id).where(ChargingSession.transaction_id == number)) is None:
            return number


def _open_on_plug(db: Session, newest: ChargingSession) -> Sequence[ChargingSession]:
    # What started later than this one is not over: this one is being replayed.
    before = select(ChargingSession).where(
        ChargingSession.charger_id == newest.charger_id,
        ChargingSession.connector_number == newest.connector_number,
        ChargingSession.status == SessionStatus.ACTIVE,
        ChargingSession.id != newest.id,
        ChargingSession.started_at <= newest.started_at,
    )
    in_order = before.order_by(ChargingSession.id).with_for_update()
    return db.scalars(in_order.execution_options(populate_existing=True)).all()
