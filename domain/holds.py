"""A charge never costs more than its hold: it is stopped before, and before the hold itself runs out."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import billing, closing, journey, payments
from domain.charging_flags import Flag, merged
from domain.currencies import exponent
from domain.models.chargers import Connector
from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.payments import Payment, PaymentStatus

LIMIT = "hold_limit"
EXPIRES = "hold_expires"

STOP_LATENCY = timedelta(seconds=30)
USUAL_INTERVAL = timedelta(seconds=60)
LONGEST_INTERVAL = timedelta(minutes=5)
UNKNOWN_POWER_W = 22_000
# Before the provider drops a hold: when a running session is stopped, when what is known is billed, and until when a
# person may decide.
STOP_BEFORE = timedelta(hours=12)
CLOSE_BEFORE = timedelta(hours=6)
RELEASE_BEFORE = timedelta(hours=1)
# A charger that did not stop when it was asked is asked again, but not every few seconds.
ASK_AGAIN_AFTER = timedelta(seconds=60)


def choices(hold_minor: int, currency: str) -> list[int]:
    """What a driver may choose as the most that a charge costs, the station's amount first.

    Besides it the largest round amounts up to a half and a quarter of it, unless they are below 5 (of a currency
    without decimals 500).

    >>> choices(4500, "EUR"), choices(900, "EUR"), choices(5000, "JPY")
    ([4500, 2000, 1000], [900], [5000, 2000, 1000])
    """
    decimals = exponent(currency)
    least = 500 if decimals == 0 else 5 * 10**decimals
    lower = (_round_below(hold_minor // part) for part in (2, 4))
    return [hold_minor, *(amount for amount in lower if amount >= least)]


def _round_below(amount: int) -> int:
    """The largest of 1, 2, 5, 10, 20, 50, … that is not above the amount."""
    power: int = 10 ** (len(str(max(amount, 1))) - 1)
    return max(step * power for step in (1, 2, 5) if step * power <= max(amount, 1))


def running(db: Session) -> list[int]:
    """The payments on which somebody charges now."""
    active = select(ChargingSession.payment_id).where(ChargingSession.status == SessionStatus.ACTIVE)
    return [payment_id for payment_id in db.scalars(active) if payment_id is not None]


def must_stop(db: Session, payment_id: int, now: datetime) -> bool:
    """Whether `guard` would have something to do now. Reads only."""
    payment = db.get_one(Payment, payment_id)
    charging = _running_on(db, payment)
    return charging is not None and _why_stop(db, charging, payment, now) is not None


def guard(db: Session, payment_id: int, now: datetime) -> Command | None:
    """The charger is asked to stop if the hold is about to be used up or to run out, or if the driver asked for it
    and the wish was lost on the way.

    Raises: ChargerOffline; asked again by the next run.
    """
    # The session first and its payment second, as whoever stops or bills it (domain/turns.py).
    active = (ChargingSession.payment_id == payment_id, ChargingSession.status == SessionStatus.ACTIVE)
    running_now = select(ChargingSession).where(*active).with_for_update()
    charging = db.scalar(running_now.execution_options(populate_existing=True))
    payment = payments.locked(db, payment_id)
    charging = charging if payment.status is PaymentStatus.AUTHORISED else None
    cause = _why_stop(db, charging, payment, now) if charging is not None else None
    if charging is None or cause is None:
        return None
    if cause == EXPIRES and _ends_within(payment, CLOSE_BEFORE, now):
        closing.close_with_what_is_known(db, charging, cause, now)
        return None
    charging.stop_cause = cause
    asked = journey.last_command(db, payment, journey.STOP)
    # One that was never sent has been refused by nobody: it goes out again at once.
    if asked is not None and asked.is_settled and asked.status not in (CommandStatus.ACCEPTED, CommandStatus.EXPIRED):
        charging.flags = merged(charging.flags, Flag.STOP_REFUSED)
        if now - (asked.settled_at or asked.queued_at) < ASK_AGAIN_AFTER:
            return None
    return journey.stop(db, payment_id, now, by="system")


def release_if_expiring(db: Session, payment_id: int, now: datetime) -> bool:
    """True if a hold that nobody decided about is on its way back before the provider drops it."""
    payment = payments.locked(db, payment_id)
    if payment.status is not PaymentStatus.AUTHORISED or not _ends_within(payment, RELEASE_BEFORE, now):
        return False
    return payments.ask_release(payment, EXPIRES, now)


def expiring(db: Session, now: datetime) -> list[int]:
    """The payments whose hold the provider drops soon, and whose session, if any, has been billed or set aside."""
    unbilled = select(ChargingSession.id).where(
        ChargingSession.payment_id == Payment.id, ChargingSession.billed_at.is_(None)
    )
    soon = select(Payment.id).where(
        Payment.status == PaymentStatus.AUTHORISED, Payment.capture_before <= now + RELEASE_BEFORE, ~unbilled.exists()
    )
    return list(db.scalars(soon))


def _running_on(db: Session, payment: Payment) -> ChargingSession | None:
    if payment.status is not PaymentStatus.AUTHORISED:
        return None
    charging = db.scalar(select(ChargingSession).where(ChargingSession.payment_id == payment.id))
    return charging if charging is not None and charging.status is SessionStatus.ACTIVE else None


def _why_stop(db: Session, charging: ChargingSession, payment: Payment, now: datetime) -> str | None:
    if _ends_within(payment, STOP_BEFORE, now):
        return EXPIRES
    if _cost_when_stopped(db, charging, now) >= payment.hold_minor:
        return LIMIT
    return charging.stop_cause or closing.REMOTE_STOP if payment.stop_requested_at is not None else None


def _ends_within(payment: Payment, span: timedelta, now: datetime) -> bool:
    return payment.capture_before is not None and payment.capture_before - span <= now


def _cost_when_stopped(db: Session, charging: ChargingSession, now: datetime) -> int:
    """The most it can cost until a stop sent after the next look has taken effect, in minor units."""
    interval = _meter_interval(db, charging)
    ahead = 2 * interval + STOP_LATENCY
    unseen = now - (charging.last_meter_at or charging.started_at)
    # A charger that was offline for long has a register to tell; until then nothing is assumed beyond the interval.
    span = min(max(unseen, timedelta(0)), 2 * interval) + ahead
    register = charging.last_meter_wh if charging.last_meter_wh is not None else charging.meter_start_wh or 0
    energy_wh = int(_most_power_w(db, charging) * span.total_seconds() / 3600)
    if charging.tariff is None:
        return 0
    most = billing.price_of(db, charging, now + ahead, register + energy_wh)
    return most.billed.gross_minor or 0


def _meter_interval(db: Session, charging: ChargingSession) -> timedelta:
    newest = select(MeterValue.at).where(
        MeterValue.charging_session_id == charging.id, MeterValue.energy_wh.is_not(None)
    )
    times = db.scalars(newest.order_by(MeterValue.at.desc()).limit(2)).all()
    if len(times) < 2 or times[0] == times[1]:
        return USUAL_INTERVAL
    return min(times[0] - times[1], LONGEST_INTERVAL)


def _most_power_w(db: Session, charging: ChargingSession) -> int:
    rated = db.scalar(
        select(Connector.max_power_w).where(
            Connector.charger_id == charging.charger_id, Connector.number == charging.connector_number
        )
    )
    return max(rated or 0, charging.power_w or 0) or UNKNOWN_POWER_W
