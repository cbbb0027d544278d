"""Who did what to which object: rows that are only ever added."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.models.operators import AuditEvent


def record(
    db: Session,
    verb: str,
    object_type: str,
    object_id: object,
    *,
    operator_id: int | None,
    by: str,
    now: datetime,
    **detail: Any,
) -> AuditEvent:
    """The act is on record, in the transaction of what it tells about.

    Args:
        verb: one past word or two: "created", "changed", "tariff assigned".
        object_type: the table's name.
        by: an e-mail, "api key NAME", "command line", "worker" or "driver".
        detail: plain JSON values; never a secret.
    """
    event = AuditEvent(
        at=now,
        operator_id=operator_id,
        actor=by,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        detail=detail,
    )
    db.add(event)
    db.flush()
    return event
