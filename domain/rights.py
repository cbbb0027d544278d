"""Who may do what: the table of roles, once, as data. Deny by default; another operator's object is a 404 elsewhere.

Letters: `A` on all operators · `O` on their own operator · `R` reads only · `2` a second person must agree ·
`C` with an open case · `G` granted by the operator for four hours · `-` never.
"""

from enum import StrEnum

from domain.models.operators import Role


class Right(StrEnum):
    """One row of the table."""

    APPLICATIONS = "station applications"
    OPERATORS_CREATE = "create operators"
    OPERATORS_SUSPEND = "suspend operators"
    TEAM = "users, roles, API keys"
    STATIONS = "stations, chargers, import, QR codes"
    HANDSHAKES = "connection doctor"
    CHARGER_KEYS = "charger keys and certificates"
    LOWER_SECURITY = "lower a security profile"
    CHARGING = "start, stop, unlock"
    REBOOT = "reboot"
    CONFIGURE = "configuration, power limit"
    FIRMWARE_PUBLISH = "publish firmware"
    FIRMWARE_UPGRADE = "upgrade firmware"
    TARIFFS = "electricity management"
    ORDERS = "charging sessions and orders"
    REVENUE = "money in reports"
    DRIVER_NAMES = "names of drivers"
    REFUND = "refund up to the limit"
    REFUND_ABOVE = "refund above the limit, manual partial refund"
    MONEY_ATTENTION = "money needing attention"
    PAYMENT_CREDENTIALS = "enter payment credentials"
    PAYMENT_CREDENTIALS_CHANGE = "change payment credentials"
    SETTLEMENT_APPLY = "apply for settlement"
    SETTLEMENT_REVIEW = "review settlements and withdrawals"
    TERMINALS = "POS terminals"
    TERMINAL_REGISTRY = "POS registry"
    PERSONAL_EXPORT = "exports with personal data"
    AUDIT = "audit log"
    ERASE_DRIVER = "erase a driver"
    BACKUP = "backup and restore"


_ROLES = (
    Role.PLATFORM_ADMIN,
    Role.PLATFORM_SUPPORT,
    Role.OWNER,
    Role.FINANCE,
    Role.TECHNICIAN,
    Role.OPERATOR_SUPPORT,
)

# Columns in the order of _ROLES.
_TABLE: dict[Right, str] = {
    Right.APPLICATIONS: "A  A  -  -  -  -",
    Right.OPERATORS_CREATE: "A  R  -  -  -  -",
    Right.OPERATORS_SUSPEND: "A2 R  -  -  -  -",
    Right.TEAM: "A  -  O  -  -  -",
    Right.STATIONS: "-  G  O  R  O  R",
    Right.HANDSHAKES: "R  R  R  R  R  R",  # platform staff read everybody's
    Right.CHARGER_KEYS: "-  -  O  -  O  -",
    Right.LOWER_SECURITY: "-  -  O2 -  -  -",
    Right.CHARGING: "-  G  O  -  O  O",
    Right.REBOOT: "-  G  O  -  O  O",
    Right.CONFIGURE: "-  G  O  -  O  -",
    Right.FIRMWARE_PUBLISH: "A  -  -  -  -  -",
    Right.FIRMWARE_UPGRADE: "-  -  O  -  O  -",
    Right.TARIFFS: "-  -  O  O  -  R",
    Right.ORDERS: "-  CG O  O  O  O",
    Right.REVENUE: "-  -  O  O  -  O",
    Right.DRIVER_NAMES: "-  C  O  O  -  O",
    Right.REFUND: "-  C  O  O  -  O",
    Right.REFUND_ABOVE: "A2 -  O2 O2 -  -",
    Right.MONEY_ATTENTION: "A  R  O  O  -  O",
    Right.PAYMENT_CREDENTIALS: "-  -  O  -  -  -",
    Right.PAYMENT_CREDENTIALS_CHANGE: "-  -  O2 -  -  -",
    Right.SETTLEMENT_APPLY: "-  -  O  O  -  -",
    Right.SETTLEMENT_REVIEW: "A  R  -  -  -  -",
    Right.TERMINALS: "A  R  O  R  R  -",
    Right.TERMINAL_REGISTRY: "A  R  -  -  -  -",
    Right.PERSONAL_EXPORT: "-  -  O  O  -  -",
    Right.AUDIT: "A  -  R  R  -  -",
    Right.ERASE_DRIVER: "-  -  O  -  -  -",
    Right.BACKUP: "A2 -  -  -  -  -",
}


def cell(role: Role, right: Right) -> str:
    """The letters of that role in that row."""
    return _TABLE[right].split()[_ROLES.index(role)]


def may(role: Role, right: Right) -> bool:
    """Whether the role may act, on its own operator or on all; a second person may still be needed."""
    return cell(role, right)[0] in "AO"


def may_see(role: Role, right: Right) -> bool:
    """Whether the role may look."""
    return cell(role, right)[0] in "AOR"
