"""The stops of charging sessions: told once, twice, late, without their start, or under no id that we gave.

Every look-up is keyed by charger: no charger ever touches another one's session (trust.md T4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain import charger_events, closing, meter_samples, meter_values, tokens
from domain.charger_clock import ChargerTime
from domain.charging_flags import Flag, merged
from domain.meter_values import Sampled, contradicts_stop
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.payments import PaymentStatus
from domain.tokens import Authorisation


@dataclass(frozen=True, slots=True)
class StopReport:
    """A StopTransaction, in our words."""

    transaction_id: int | None  # 0, negative and None mean that the charger never got ours (quirk F3)
    id_tag: str | None
    meter_wh: int
    time: ChargerTime
    reason: str | None = None
    values: Sequence[Sampled] = ()
    connector_number: int | None = None

    @property
    def key(self) -> str:
        return f"stop|{self.id_tag or ''}|{self.time.text or ''}|{self.meter_wh}"


def stop(db: Session, charger: Charger, report: StopReport, now: datetime) -> ChargingSession:
    """The session of that stop has ended, once; a stop that fits no session of this charger is kept for review."""
    charging, is_guessed = _meant(db, charger, report, now)
    if charging is None:
        return _orphan(db, charger, report, now)
    if charging.stop_received_at is not None:
        return charging
    if charging.stopped_at is not None and (charging.billed_at is not None or Flag.CLOSED_BY_HAND in charging.flags):
        _note_late_stop(db, charging, report, now)
        return charging
    if is_guessed:
        charging.flags = merged(charging.flags, Flag.STOP_GUESSED)
    _end(db, charging, report, now)
    return charging


def _meant(db: Session, charger: Charger, report: StopReport, now: datetime) -> tuple[ChargingSession | None, bool]:
    of_charger = _sessions_of(charger)
    number = report.transaction_id or 0
    if number > 0:
        named = ChargingSession.transaction_id == str(number)
        found = db.scalar(of_charger.where(named).with_for_update())
        if found is not None:
            return found, False
    repeated = _repeated_stop(db, charger, report, now)
    if repeated is not None:
        return repeated, False
    if number > 0 and (report.id_tag is None or _is_of_another(db, charger, number)):
        return None, False  # never guessed onto a session that it does not fit
    candidates = _open_ones(db, charger, report)
    return (candidates[0], True) if len(candidates) == 1 else (None, False)


def _sessions_of(charger: Charger) -> Select[ChargingSession]:
    # Meter values are written past the ORM, so what it remembers of a session may be old.
    mine = select(ChargingSession).where(ChargingSession.charger_id == charger.id)
    return mine.execution_options(populate_existing=True)


def _repeated_stop(db: Session, charger: Charger, report: StopReport, now: datetime) -> ChargingSession | None:
    same = _sessions_of(charger).where(
        ChargingSession.stopped_at_charger == report.time.text,
        ChargingSession.meter_stop_wh == report.meter_wh,
        ChargingSession.stop_received_at.is_not(None),
    )
    if not report.time.is_the_chargers:
        same = same.where(ChargingSession.stop_received_at >= now - closing.REPEAT_WITHIN)
    return db.scalars(same.order_by(ChargingSession.id.desc()).limit(1)).first()


def _is_of_another(db: Session, charger: Charger, number: int) -> bool:
    foreign = select(ChargingSession.id).where(
        ChargingSession.transaction_id == str(number), ChargingSession.charger_id != charger.id
    )
    return db.scalar(foreign.limit(1)) is not None


def _open_ones(db: Session, charger: Charger, report: StopReport) -> list[ChargingSession]:
    open_ones = _sessions_of(charger).where(
        ChargingSession.stopped_at.is_(None),
        ChargingSession.started_at <= report.time.at + timedelta(seconds=60),
    )
    found = db.scalars(open_ones.order_by(ChargingSession.id).with_for_update()).all()
    fitting = [charging for charging in found if _fits(db, charging, report)]
    active = [charging for charging in fitting if charging.status is SessionStatus.ACTIVE]
    return active or fitting


def _fits(db: Session, charging: ChargingSession, report: StopReport) -> bool:
    if report.connector_number and report.connector_number != charging.connector_number:
        return False
    if report.id_tag is None or report.id_tag.upper() == (charging.id_tag or "").upper():
        return True
    return _group(db, charging, report.id_tag) & _group(db, charging, charging.id_tag or "") != set()


def _group(db: Session, charging: ChargingSession, id_tag: str) -> set[str]:
    token = tokens.find(db, charging.operator_id, id_tag)
    uids = (token.uid, token.parent_uid) if token is not None else ()
    return {uid.upper() for uid in uids if uid}


def _end(db: Session, charging: ChargingSession, report: StopReport, now: datetime) -> None:
    readings = meter_values.attach(db, charging, report.values, now)
    last = next((reading for reading in reversed(readings) if reading.end_wh is not None), None)
    last = last or closing.end_sample(db, charging, meter_samples.END)
    register, odd = closing.sane_register(report.meter_wh)
    if register is None:
        register = last.end_wh if last is not None else charging.last_meter_wh
    if charging.meter_start_wh is None or Flag.METER_SATURATED in charging.flags:
        _mend_start(db, charging, readings)
    flags = [*odd, *report.time.flags, *(flag for reading in readings for flag in reading.flags)]
    if last is not None and contradicts_stop(last, register):
        flags.append(Flag.METER_STOP_DIFFERS)
    if Flag.STOP_MISSING in charging.flags:  # closed without a stop, which has come after all
        guessed = (Flag.STOP_MISSING, Flag.ENERGY_UNKNOWN)
        charging.flags = [flag for flag in charging.flags if flag not in guessed]
        charging.stop_cause = None
    charging.stop_received_at = now
    charging.stopped_at_charger = report.time.text
    charging.stop_reason = report.reason
    charging.stop_cause = closing.known_cause(db, charging)
    closing.complete(db, charging, stopped_at=report.time.at, meter_stop_wh=register, flags=tuple(flags))
    closing.anchor(db, charging)


def _mend_start(db: Session, charging: ChargingSession, readings: Sequence[meter_samples.Reading]) -> None:
    begin = next((reading for reading in readings if reading.begin_wh is not None), None)
    begin = begin or closing.end_sample(db, charging, meter_samples.BEGIN)
    if begin is not None:
        charging.meter_start_wh = begin.begin_wh


def _note_late_stop(db: Session, charging: ChargingSession, report: StopReport, now: datetime) -> None:
    # The bill is made or a person has decided: the charger's word is kept beside it, for review.
    meter_values.attach(db, charging, report.values, now)
    charging.flags = merged(charging.flags, Flag.STOP_AFTER_CLOSE)
    charging.stop_received_at = now
    charging.stopped_at_charger = report.time.text
    charging.stop_reason = report.reason
    db.flush()
    charger_events.record(
        db, charging.charger_id, "flag", f"Session {charging.id}: the stop came after it had been closed",
        at=report.time.at, now=now, connector_number=charging.connector_number,
        detail={"meter_stop_wh": report.meter_wh, "stopped_at": report.time.text, "session": charging.id},
    )  # fmt: skip


def _orphan(db: Session, charger: Charger, report: StopReport, now: datetime) -> ChargingSession:
    known = db.scalar(_sessions_of(charger).where(ChargingSession.start_key == report.key))
    if known is not None:
        return known
    register, odd = closing.sane_register(report.meter_wh)
    found = tokens.authorise(db, charger, report.id_tag, report.time.at) if report.id_tag else None
    charging = ChargingSession(
        operator_id=charger.operator_id,
        station_id=charger.station_id,
        charger_id=charger.id,
        connector_number=report.connector_number or 0,
        ocpp_version="1.6",
        transaction_id=None,
        reported_transaction_id=None if report.transaction_id is None else str(report.transaction_id),
        start_key=report.key,
        status=SessionStatus.COMPLETED,
        id_tag=report.id_tag,
        token_id=found.token.id if found and found.token else None,
        payment_id=_unused_payment(db, found),
        started_at=report.time.at,
        start_received_at=now,
        stopped_at=report.time.at,
        stopped_at_charger=report.time.text,
        stop_received_at=now,
        meter_stop_wh=register,
        stop_reason=report.reason,
        energy_wh=0,
        flags=merged([Flag.STOP_WITHOUT_START, *report.time.flags, *odd]),
    )
    db.add(charging)
    db.flush()
    _fill_orphan(db, charging, meter_values.attach(db, charging, report.values, now))
    return charging


def _unused_payment(db: Session, found: Authorisation | None) -> int | None:
    payment = found.payment if found is not None else None
    if payment is None or payment.status is not PaymentStatus.AUTHORISED:
        return None
    return None if tokens.is_spent(db, payment) else payment.id


def _fill_orphan(db: Session, charging: ChargingSession, readings: Sequence[meter_samples.Reading]) -> None:
    begin = next((reading.begin_wh for reading in readings if reading.begin_wh is not None), None)
    stop_wh = charging.meter_stop_wh
    if begin is not None and stop_wh is not None and 0 <= stop_wh - begin <= meter_values.MOST_ENERGY_WH:
        charging.meter_start_wh = begin
        charging.energy_wh = stop_wh - begin
        db.flush()
