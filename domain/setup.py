"""What a station needs before it earns money, and how far it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import audit, station_list
from domain.errors import Refused
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.operators import AuditEvent
from domain.models.station_checks import CheckedStep, StationCheck
from domain.models.stations import Station
from domain.station_list import StationRow

_HOURS_ARE = "set"


class Step(StrEnum):
    """In the order in which people do them."""

    LOCATION = "location"
    HOURS = "hours"
    PRICES = "prices"
    QR_CODES = "qr_codes"
    PAYMENT_SYSTEM = "payment_system"
    TEST_CHARGE = "test_charge"


@dataclass(frozen=True)
class SetUp:
    """One step of one station."""

    step: Step
    is_done: bool
    text: str  # what is there
    may_check: bool = False  # a person can say that it is right


def steps(db: Session, row: StationRow) -> list[SetUp]:
    """The six steps of that station."""
    station, checks = row.station, _checks(db, row.station)
    position = position_text(station)
    is_checked = position is not None and checks.get(CheckedStep.LOCATION) == position
    has_hours = CheckedStep.HOURS in checks
    codes = station_list.bound_codes(db, station.id)
    energy_wh = _charged_wh(db, station)
    return [
        SetUp(Step.LOCATION, is_checked, position or "", may_check=position is not None and not is_checked),
        SetUp(Step.HOURS, has_hours, "", may_check=not has_hours),
        SetUp(Step.PRICES, row.tariff is not None, row.tariff.name if row.tariff else ""),
        SetUp(Step.QR_CODES, codes > 0, str(codes)),
        SetUp(Step.PAYMENT_SYSTEM, row.account is not None, row.account.name if row.account else ""),
        SetUp(Step.TEST_CHARGE, energy_wh is not None, f"{energy_wh or 0}"),
    ]


def unfinished(db: Session, rows: list[StationRow]) -> list[tuple[StationRow, list[SetUp]]]:
    """The stations at which nobody has paid yet, each with its steps."""
    return [(row, steps(db, row)) for row in rows if not station_list.has_paid_session(db, row.station.id)]


def check(db: Session, station: Station, step: CheckedStep, *, by: str, now: datetime) -> None:
    """Somebody looked at it and found it right; for the position until it changes.

    Raises:
        Refused: there is no position to look at.
    """
    seen = position_text(station) if step == CheckedStep.LOCATION else _HOURS_ARE
    if seen is None:
        raise Refused("Set the station's latitude and longitude first.")
    known = db.scalar(select(StationCheck).where(StationCheck.station_id == station.id, StationCheck.step == step))
    made = known or StationCheck(operator_id=station.operator_id, station_id=station.id, step=step)
    made.seen, made.checked_at, made.checked_by = seen, now, by
    db.add(made)
    db.flush()
    _record(db, station, step, by, now)


def position_text(station: Station) -> str | None:
    """ "60.16750, 24.96310" """
    if station.latitude is None or station.longitude is None:
        return None
    return f"{station.latitude:.5f}, {station.longitude:.5f}"


def _checks(db: Session, station: Station) -> dict[CheckedStep, str]:
    found = select(StationCheck.step, StationCheck.seen).where(StationCheck.station_id == station.id)
    return dict(db.execute(found).all())


def _charged_wh(db: Session, station: Station) -> int | None:
    charged = select(ChargingSession.energy_wh).where(
        ChargingSession.station_id == station.id,
        ChargingSession.status == SessionStatus.COMPLETED,
        ChargingSession.energy_wh > 0,
    )
    return db.scalar(charged.limit(1))


def _record(db: Session, station: Station, step: CheckedStep, by: str, now: datetime) -> AuditEvent:
    return audit.record(
        db, "checked", "station", station.id, operator_id=station.operator_id, by=by, now=now, step=str(step)
    )
