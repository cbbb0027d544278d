"""What chargers say about themselves: boots, firmware, diagnostics, security events; the row and the timeline."""

from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from domain import charger_events, firmware_progress
from domain.charger_clock import ChargerTime
from domain.fast_sql import Prepared
from domain.models.chargers import Charger, ChargerEvent

# Some chargers say twice that they booted (quirk A12), or the same security event again and again.
REPEATED_S = 30
_BOOTED = "Booted"

_CHARGER: Table = Charger.__table__  # type: ignore[assignment]
# What it does not say it has said before.
_BOOT = Prepared(
    update(_CHARGER)
    .where(_CHARGER.c.id == bindparam("row"))
    .values(
        vendor=func.coalesce(bindparam("said_vendor"), _CHARGER.c.vendor),
        model=func.coalesce(bindparam("said_model"), _CHARGER.c.model),
        serial_number=func.coalesce(bindparam("said_serial"), _CHARGER.c.serial_number),
        firmware_version=func.coalesce(bindparam("said_firmware"), _CHARGER.c.firmware_version),
        boot_info=bindparam("info"),
        booted_at=bindparam("moment"),
    )
)


def boot(db: Session, charger_id: int, said: dict[str, Any], now: datetime) -> None:
    """The charger's row holds what it said at its boot; the timeline has the boot, once if it was told twice.

    When thousands come back at once they all boot: hence two or three plain statements.
    """
    info = {name: value for name, value in said.items() if value != ""}
    serial = said.get("chargePointSerialNumber") or said.get("chargeBoxSerialNumber")
    _BOOT.run(
        db.connection(),
        {
            "row": charger_id,
            "said_vendor": info.get("chargePointVendor"),
            "said_model": info.get("chargePointModel"),
            "said_serial": serial or None,
            "said_firmware": info.get("firmwareVersion"),
            "info": info,
            "moment": now,
        },
    )
    if not charger_events.was_recorded_since(db, charger_id, "boot", _BOOTED, now=now, within_s=REPEATED_S):
        charger_events.record(db, charger_id, "boot", _BOOTED, at=now, now=now, detail=info)
    firmware_progress.booted(db, charger_id, info.get("firmwareVersion"), now)


def firmware(db: Session, charger: Charger, status: str, request_id: int | None, now: datetime) -> None:
    """The charger's row shows that firmware status, its upgrade has come that far; the timeline has it unless it is
    the same again (quirk G8).
    """
    firmware_progress.heard(db, charger, status, request_id, now)
    if charger.firmware_status == status:
        return
    charger.firmware_status = status
    db.flush()
    charger_events.record(
        db, charger.id, "firmware", f"Firmware: {status}", at=now, now=now, detail=_request(request_id)
    )


def diagnostics(db: Session, charger: Charger, status: str, request_id: int | None, now: datetime) -> None:
    """The charger's row shows that upload status; the timeline has it unless it is the same again (quirk G8)."""
    if charger.diagnostics_status == status:
        return
    charger.diagnostics_status = status
    db.flush()
    charger_events.record(
        db, charger.id, "diagnostics", f"Diagnostics: {status}", at=now, now=now, detail=_request(request_id)
    )


def security_event(
    db: Session, charger: Charger, kind: str, info: str | None, time: ChargerTime, now: datetime
) -> None:
    """The timeline has that security event at its own time, once (quirk G9)."""
    detail = {"tech_info": info, "at_charger": time.text, "flags": list(time.flags)}
    detail = {name: value for name, value in detail.items() if value}
    if time.is_the_chargers:
        same = select(ChargerEvent.detail).where(
            ChargerEvent.charger_id == charger.id,
            ChargerEvent.at == time.at,
            ChargerEvent.kind == "security",
            ChargerEvent.summary == kind,
        )
        if any((known or {}).get("tech_info") == info for known in db.scalars(same)):
            return
    elif charger_events.was_recorded_since(db, charger.id, "security", kind, now=now, within_s=REPEATED_S):
        return
    charger_events.record(db, charger.id, "security", kind, at=time.at, now=now, detail=detail or None)


def certificate_wanted(db: Session, charger: Charger, csr: str, now: datetime) -> None:
    """The timeline has the request, with what is to be signed."""
    summary = "Asks for a certificate"
    if not charger_events.was_recorded_since(db, charger.id, "security", summary, now=now, within_s=REPEATED_S):
        charger_events.record(db, charger.id, "security", summary, at=now, now=now, detail={"csr": csr})


def _request(request_id: int | None) -> dict[str, Any] | None:
    return None if request_id is None else {"request_id": request_id}
