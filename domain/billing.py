"""From a session that ended to its order, and what a running one costs so far: the same computation."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from domain import closing, contracts, numbers, orders, payments
from domain.charging_flags import NEEDS_REVIEW, Flag, merged
from domain.currencies import from_minor
from domain.models.chargers import ChargerEvent
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.orders import Order, OrderLine, OrderStatus
from domain.models.payments import Payment
from domain.tariffs import Bill, ChargingState, Line, Usage, decimal_text, parse_tariff, price, usage_from_meter

BATCH = 50
BILLING_FAILED = "billing_failed"
UNPRICEABLE = "unpriceable"  # the tariff does not tell the tax

# Energy that was guessed or cannot be: a person looks before money is taken. A dip only ever lowers the bill.
REVIEWED_FIRST = frozenset({*NEEDS_REVIEW, Flag.METER_IMPLAUSIBLE, "estimated"})

# What a connector's status says about who wants no power. Any other status counts as charging.
_SUSPENDED_BY = {"SuspendedEV": "vehicle", "Finishing": "vehicle", "SuspendedEVSE": "station"}


def unbilled(db: Session, now: datetime) -> list[int]:
    """The sessions that ended and have not been looked at for billing.

    One that ended only because the next one started waits until its own stop can no longer be on its way.
    """
    waiting = select(ChargingSession.id).where(
        ChargingSession.status == SessionStatus.COMPLETED, ChargingSession.billed_at.is_(None), ~_may_stop_yet(now)
    )
    return list(db.scalars(waiting.order_by(ChargingSession.id).limit(BATCH)))


def _may_stop_yet(now: datetime) -> ColumnElement[bool]:
    newer = aliased(ChargingSession)
    next_ones = exists().where(
        newer.charger_id == ChargingSession.charger_id,
        newer.connector_number == ChargingSession.connector_number,
        newer.started_at >= ChargingSession.started_at,
        newer.transaction_id.is_not(None),
        newer.id != ChargingSession.id,
    )
    return (
        ChargingSession.stop_received_at.is_(None)
        & (func.coalesce(ChargingSession.stop_cause, "") != closing.BY_HAND)
        & next_ones
        & ~next_ones.where(newer.start_received_at <= now - closing.GRACE)
    )


def bill(db: Session, charging_session_id: int, now: datetime) -> Order | None:
    """The session is billed: its order exists, unless there is nothing to bill it by or nothing to bill.

    A session that looks wrong gets its order too, but money is only taken, and a hold let go, once somebody has
    looked at it: energy that is not known is not energy of nothing.
    """
    charging = _claimed(db, charging_session_id)
    if charging is None:
        return None
    charging.billed_at = now
    payment = payments.locked(db, charging.payment_id) if charging.payment_id else None
    if charging.tariff is None:
        charging.flags = merged(charging.flags, Flag.NO_TARIFF)
        return None
    found = price_of(db, charging, charging.stopped_at or now, charging.meter_stop_wh)
    if not found.is_tax_known:
        charging.flags = merged(charging.flags, UNPRICEABLE)
        return None
    charging.flags = merged(charging.flags, *sorted(found.flags - {"interpolated"}))
    is_empty = charging.energy_wh == 0 and found.energy_wh == 0
    if is_empty and not found.billed.gross_minor and (payment is None or not _needs_review(charging)):
        if payment is not None:
            payments.ask_release(payment, "nothing_used", now)
        return None
    return _make_order(db, charging, payment, found, now)


def set_aside(db: Session, charging_session_id: int, now: datetime) -> None:
    """A session whose billing breaks is flagged and does not hold up the others; its hold stays for a person."""
    charging = _claimed(db, charging_session_id)
    if charging is not None:
        charging.billed_at, charging.flags = now, merged(charging.flags, BILLING_FAILED)


def price_of(db: Session, charging: ChargingSession, until: datetime, meter_wh: int | None) -> Bill:
    """What the session costs if it ends at that time with that register. Its tariff must be there."""
    if charging.tariff is None:
        raise ValueError(f"session {charging.id} has no tariff")
    usage = usage_of(db, charging, until, meter_wh)
    zone = ZoneInfo(charging.station.time_zone)
    return price(parse_tariff(charging.tariff.terms), usage, zone, charging.tariff.currency)


def cost_so_far(db: Session, charging: ChargingSession, now: datetime) -> Bill | None:
    """What a running session would cost if it ended now; None without a tariff."""
    if charging.tariff is None:
        return None
    start_wh = charging.meter_start_wh
    meter_wh = charging.last_meter_wh if charging.last_meter_wh is not None else start_wh
    return price_of(db, charging, now, meter_wh)


def usage_of(db: Session, charging: ChargingSession, until: datetime, meter_wh: int | None) -> Usage:
    """The session's periods with their energy, from its registers and its connector's statuses."""
    return usage_from_meter(
        charging.started_at,
        until,
        charging.meter_start_wh,
        meter_wh,
        closing.readings(db, charging),
        _states(db, charging, until),
    )


def _claimed(db: Session, charging_session_id: int) -> ChargingSession | None:
    statement = (
        select(ChargingSession)
        .where(
            ChargingSession.id == charging_session_id,
            ChargingSession.status == SessionStatus.COMPLETED,
            ChargingSession.billed_at.is_(None),
        )
        .with_for_update()
    )
    return db.scalar(statement.execution_options(populate_existing=True))


def _states(db: Session, charging: ChargingSession, until: datetime) -> list[ChargingState]:
    of_plug = (
        ChargerEvent.charger_id == charging.charger_id,
        ChargerEvent.connector_number == charging.connector_number,
        ChargerEvent.kind == "status",
    )
    changes = db.execute(
        select(ChargerEvent.at, ChargerEvent.detail)
        .where(*of_plug, ChargerEvent.at >= charging.started_at, ChargerEvent.at < until)
        .order_by(ChargerEvent.at, ChargerEvent.id)
    ).all()
    return states_between([(at, detail) for at, detail in changes], until)


def states_between(
    changes: Sequence[tuple[datetime, Mapping[str, Any] | None]], until: datetime
) -> list[ChargingState]:
    """Who wanted power when, from the statuses that a connector told, oldest first, up to the end of the session."""
    ends = [at for at, _ in changes][1:] + [until] * bool(changes)
    states = []
    for (at, detail), end in zip(changes, ends, strict=True):
        by = _SUSPENDED_BY.get(str((detail or {}).get("status")))
        states.append(ChargingState(at, end, charging=by is None, suspended_by=by))
    return states


def _needs_review(charging: ChargingSession) -> bool:
    return not REVIEWED_FIRST.isdisjoint(charging.flags)


def _make_order(db: Session, charging: ChargingSession, payment: Payment | None, found: Bill, now: datetime) -> Order:
    needs_review = _needs_review(charging)
    order = Order(
        operator_id=charging.operator_id,
        station_id=charging.station_id,
        charging_session_id=charging.id,
        payment_id=charging.payment_id,
        number=_next_number(db, charging, now),
        token=payment.token if payment else secrets.token_hex(20),
        status=OrderStatus.OPEN,
        collection_mode=payment.collection_mode if payment else None,
        is_test=payment.is_test if payment else False,
        currency=found.currency,
        contract_id=_contract_id(db, charging, found) if payment else None,
        net_minor=found.billed.net_minor,
        vat_minor=found.billed.vat_minor,
        gross_minor=found.billed.gross_minor,
        flags=merged(charging.flags, *([orders.REVIEW] if needs_review else [])),
        created_at=now,
    )
    db.add(order)
    db.flush()
    db.add_all(_lines(order, found))
    if payment is not None and not needs_review:
        orders.ask_money(order, payment, now)
    order.status = orders.order_status(order, payment, None)
    db.flush()
    return order


def _contract_id(db: Session, charging: ChargingSession, found: Bill) -> int | None:
    contract = contracts.in_force(db, charging.operator_id, found.currency)
    return contract.id if contract else None


def _lines(order: Order, found: Bill) -> list[OrderLine]:
    shown = [_line(line) for line in found.lines]
    change = found.adjustment
    if change is not None and (change.billed.net_minor or change.billed.gross_minor):
        shown.append(
            OrderLine(
                kind="ADJUSTMENT",
                label=change.reason,
                quantity="1",
                unit="session",
                unit_price=str(from_minor(change.billed.net_minor or 0, found.currency)),
                net_exact=decimal_text(change.exact.net or Fraction(0), 2),
                net_minor=change.billed.net_minor,
                vat_minor=change.billed.vat_minor,
                gross_minor=change.billed.gross_minor,
            )
        )
    for position, line in enumerate(shown, 1):
        line.order_id, line.position = order.id, position
    return shown


def _line(line: Line) -> OrderLine:
    return OrderLine(
        kind=str(line.dimension),
        label=line.name,
        quantity=decimal_text(line.quantity, 0),
        unit=line.unit,
        unit_price=f"{line.unit_price:f}",
        vat_rate=None if line.vat_rate is None else f"{line.vat_rate:f}",
        net_exact=decimal_text(line.exact.net or Fraction(0), 2),
        net_minor=line.billed.net_minor,
        vat_minor=line.billed.vat_minor,
        gross_minor=line.billed.gross_minor,
    )


def _next_number(db: Session, charging: ChargingSession, now: datetime) -> str:
    year = now.astimezone(ZoneInfo(charging.station.time_zone)).year
    return f"VD-{year}-{numbers.next_in_series(db, f'order:{year}'):06d}"
