"""A charger's timeline: one line for each thing that happened to it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, insert, select
from sqlalchemy.orm import Session

from domain.fast_sql import Prepared
from domain.models.chargers import ChargerEvent

_EVENT: Table = ChargerEvent.__table__  # type: ignore[assignment]
_INSERT = Prepared(insert(_EVENT), *(column.name for column in _EVENT.columns if column.name != "id"))
_RECENT = Prepared(
    select(_EVENT.c.id)
    .where(
        _EVENT.c.charger_id == bindparam("charger"),
        _EVENT.c.at >= bindparam("since"),
        _EVENT.c.kind == bindparam("kind"),
        _EVENT.c.summary == bindparam("summary"),
    )
    .limit(1)
)


def record(
    db: Session,
    charger_id: int,
    kind: str,
    summary: str,
    *,
    at: datetime,
    now: datetime,
    connector_number: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """The timeline has that line."""
    _INSERT.run(
        db.connection(),
        {
            "charger_id": charger_id,
            "connector_number": connector_number,
            "at": at,
            "received_at": now,
            "kind": kind,
            "summary": summary,
            "detail": detail,
        },
    )


def is_recorded(
    db: Session,
    charger_id: int,
    kind: str,
    summary: str,
    *,
    at: datetime,
    connector_number: int | None = None,
) -> bool:
    """Whether the timeline has that line at that very moment: a charger may tell everything twice."""
    known = select(ChargerEvent.id).where(
        ChargerEvent.charger_id == charger_id,
        ChargerEvent.at == at,
        ChargerEvent.kind == kind,
        ChargerEvent.summary == summary,
        ChargerEvent.connector_number.is_not_distinct_from(connector_number),
    )
    return db.scalar(known.limit(1)) is not None


def was_recorded_since(db: Session, charger_id: int, kind: str, summary: str, *, now: datetime, within_s: int) -> bool:
    """Whether the timeline got that line in the last seconds; used against chatter."""
    line = {"charger": charger_id, "since": now - timedelta(seconds=within_s), "kind": kind, "summary": summary}
    return _RECENT.first(db.connection(), line) is not None
