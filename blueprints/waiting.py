"""What the card "Waiting to be adopted" shows, to whom: on the connection doctor's page and on its own."""

from typing import Any

from flask_login import current_user

from blueprints import access, lists
from blueprints.database import db
from domain import chargers, station_days, unknown_chargers
from domain.clock import utcnow
from domain.models.chargers import Charger

LOOKS = "60/minute"  # enough for a page that looks again every five seconds, too few to try device ids


def waiting() -> dict[str, Any]:
    """What the card shows: all for platform staff, the one that was asked for by its exact id for operators."""
    now, typed = utcnow(), lists.text("adopt", 255)
    is_platform = current_user.role.is_platform
    if is_platform:
        found = unknown_chargers.waiting(db.session, typed, now)
    else:
        one = unknown_chargers.find(db.session, typed, now) if typed else None
        found = [one] if one else []
    operator_id = current_user.operator_id
    return {
        "unknown": found,
        "typed": typed,
        "is_platform": is_platform,
        "is_known": bool(typed and not is_platform and _is_own(typed)),
        "address": _whole if is_platform else _network,
        "may_add": {each.device_id for each in found if chargers.identity_trouble(each.device_id) is None},
        "zone": "UTC" if operator_id is None else station_days.operator_zone(db.session, operator_id),
    }


def _is_own(device_id: str) -> bool:
    return db.session.scalar(access.own(Charger).where(Charger.device_id == device_id)) is not None


def _whole(remote_address: str | None) -> str:
    return remote_address or "not told"


def _network(remote_address: str | None) -> str:
    """ "192.0.2.…": enough to recognise one's own network, too little to find somebody else's charger."""
    if not remote_address:
        return "not told"
    mark = ":" if ":" in remote_address else "."
    return mark.join(remote_address.split(mark)[:3]) + f"{mark}…"
