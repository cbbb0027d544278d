"""A price that a bill used is never changed, deleted or exchanged."""

from domain.models.guards import Guard, guard_new_databases
from domain.models.orders import Order

_IS_BILLED = "EXISTS (SELECT 1 FROM charging_session s JOIN orders o ON o.charging_session_id = s.id WHERE {of})"
_BY_TARIFF = _IS_BILLED.format(of="s.tariff_id = OLD.id")
_BY_SESSION = _IS_BILLED.format(of="s.id = OLD.id")

GUARDS = (
    Guard("tariff_used_stays", "tariff", "UPDATE", _BY_TARIFF, "a bill used this tariff: it cannot be changed"),
    Guard("tariff_used_is_kept", "tariff", "DELETE", _BY_TARIFF, "a bill used this tariff: it cannot be deleted"),
    Guard(
        "charging_session_keeps_tariff",
        "charging_session",
        "UPDATE OF tariff_id",
        f"OLD.tariff_id IS {{distinct}} NEW.tariff_id AND {_BY_SESSION}",
        "this session is billed: its tariff cannot be exchanged",
    ),
)

# The last of the three tables to be made is orders: both others are there by then.
guard_new_databases(GUARDS, Order.__table__)
