"""What connectors say about themselves: live status, faults, and the timeline behind them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from domain import charger_events
from domain.charger_clock import ChargerTime
from domain.errors import Refused
from domain.fast_sql import Prepared
from domain.models.chargers import ChargerEvent, Connector

NO_ERROR = "NoError"
FAULTED = "Faulted"
UNKNOWN = "Unknown"
MOST_CONNECTORS = 1000  # several wallboxes may stand behind one controller (quirk G5); a number beyond is none

_CONNECTOR: Table = Connector.__table__  # type: ignore[assignment]
_FIND = Prepared(
    select(
        _CONNECTOR.c.id, _CONNECTOR.c.status, _CONNECTOR.c.error_code, _CONNECTOR.c.info,
        _CONNECTOR.c.vendor_error_code, _CONNECTOR.c.reported_at, _CONNECTOR.c.last_fault,
    ).where(_CONNECTOR.c.charger_id == bindparam("charger"), _CONNECTOR.c.number == bindparam("connector"))
)  # fmt: skip
_SHOWN = ("status", "error_code", "info", "vendor_error_code", "last_fault", "status_at", "reported_at")
_OF_ROW = update(_CONNECTOR).where(_CONNECTOR.c.id == bindparam("row"))
_HEARD = Prepared(_OF_ROW.values(reported_at=bindparam("reported_at")))
_CHANGE = Prepared(_OF_ROW.values({name: bindparam(name) for name in _SHOWN}))


@dataclass(frozen=True, slots=True)
class Report:
    """One StatusNotification. Connector 0 is the charger itself and says nothing about its plugs (quirk G3)."""

    connector_number: int
    status: str
    error_code: str
    time: ChargerTime
    info: str | None = None
    vendor_error_code: str | None = None
    vendor_id: str | None = None

    @property
    def summary(self) -> str:
        return self.status if self.error_code == NO_ERROR else f"{self.status}: {self.error_code}"

    @property
    def shown(self) -> tuple[str | None, ...]:
        return (self.status, self.error_code, self.info, self.vendor_error_code)


def report(db: Session, charger_id: int, report: Report, now: datetime) -> bool:
    """The connector shows that status, unless a newer one is known; the timeline has it, once.

    Returns:
        Whether the live status changed.

    Raises:
        Refused: no charger has a connector of that number.
    """
    connection = db.connection()
    row = _FIND.first(connection, {"charger": charger_id, "connector": report.connector_number}) or _made(
        db, charger_id, report.connector_number
    )
    newest = row["reported_at"]
    at = report.time.at
    if not report.time.is_the_chargers:
        at = max(now, newest or now)  # without a time of its own it is live
    if newest is not None and at < newest:
        _remember_late(db, charger_id, report, at, now)
        return False
    if report.shown == (row["status"], row["error_code"], row["info"], row["vendor_error_code"]):
        if newest != at:
            _HEARD.run(connection, {"row": row["id"], "reported_at": at})
        return False
    if newest == at and _is_known(db, charger_id, report, at):
        return False
    _CHANGE.run(connection, _changed(row, report, at))
    _remember(db, charger_id, report, at, now)
    return True


def ensure_connector(db: Session, charger_id: int, number: int) -> None:
    """The charger has a connector of that number: connectors are made when first heard of (quirk G5)."""
    if _FIND.first(db.connection(), {"charger": charger_id, "connector": number}) is None:
        _made(db, charger_id, number)


def _made(db: Session, charger_id: int, number: int) -> dict[str, Any]:
    if not 0 <= number <= MOST_CONNECTORS:
        sentence = f"There is no connector {number}."
        raise Refused(sentence, [("connectorId", sentence)])
    db.execute(insert(_CONNECTOR), {"charger_id": charger_id, "number": number, "status": UNKNOWN})
    made = _FIND.first(db.connection(), {"charger": charger_id, "connector": number})
    return made or {}


def _changed(row: dict[str, Any], report: Report, at: datetime) -> dict[str, Any]:
    # Faulted with NoError tells nothing: the last real error stays readable (quirk G4).
    is_fault = report.error_code != NO_ERROR
    return {
        "row": row["id"],
        "status": report.status,
        "error_code": report.error_code,
        "info": report.info,
        "vendor_error_code": report.vendor_error_code,
        "last_fault": report.error_code if is_fault else row["last_fault"],
        "status_at": at,
        "reported_at": at,
    }


def _remember(db: Session, charger_id: int, report: Report, at: datetime, now: datetime) -> None:
    detail = {
        "status": report.status,
        "error_code": report.error_code,
        "info": report.info,
        "vendor_error_code": report.vendor_error_code,
        "vendor_id": report.vendor_id,
        "at_charger": report.time.text,
        "flags": list(report.time.flags),
    }
    charger_events.record(
        db, charger_id, "status", report.summary,
        at=at, now=now, connector_number=report.connector_number,
        detail={key: value for key, value in detail.items() if value},
    )  # fmt: skip


def _remember_late(db: Session, charger_id: int, report: Report, at: datetime, now: datetime) -> None:
    if not (_was_so_already(db, charger_id, report, at) or _is_known(db, charger_id, report, at)):
        _remember(db, charger_id, report, at, now)


def _is_known(db: Session, charger_id: int, report: Report, at: datetime) -> bool:
    return charger_events.is_recorded(
        db, charger_id, "status", report.summary, at=at, connector_number=report.connector_number
    )


def _was_so_already(db: Session, charger_id: int, report: Report, at: datetime) -> bool:
    before = select(ChargerEvent.summary).where(
        ChargerEvent.charger_id == charger_id,
        ChargerEvent.at <= at,
        ChargerEvent.kind == "status",
        ChargerEvent.connector_number == report.connector_number,
    )
    newest_first = before.order_by(ChargerEvent.at.desc(), ChargerEvent.id.desc())
    return db.scalar(newest_first.limit(1)) == report.summary
