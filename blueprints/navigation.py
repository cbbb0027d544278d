"""The side navigation: labels, order and who sees what. Entries whose page does not exist are not shown."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_login import current_user

from blueprints import access


@dataclass(frozen=True)
class Entry:
    label: str
    icon: str
    endpoint: str


@dataclass(frozen=True)
class Link:
    label: str
    icon: str
    url: str
    is_current: bool
    count: int


@dataclass(frozen=True)
class Section:
    heading: str | None
    links: list[Link]

    @property
    def label(self) -> str:
        return self.heading or self.links[0].label


SECTIONS: list[tuple[str | None, list[Entry]]] = [
    (None, [Entry("Overview", "home", "overview.index")]),
    (
        "My Stations",
        [
            Entry("Charging stations", "map-2", "stations.index"),
            Entry("Chargers", "charging-pile", "chargers.index"),
            Entry("RFID cards", "nfc", "tokens.index"),
            Entry("QR codes", "qrcode", "qr_codes.index"),
            Entry("Firmware upgrade", "cloud-upload", "firmware.index"),
        ],
    ),
    (
        "Interoperability",
        [
            Entry("Devices", "plug-connected", "devices.index"),
            Entry("OCPP Manage Service", "cpu", "commands.index"),
            Entry("Connection doctor", "activity", "handshakes.index"),
        ],
    ),
    (
        "Order Manage",
        [
            Entry("Billings", "receipt", "billings.index"),
            Entry("Billing Center", "report-money", "settlements.index"),
            Entry("Sessions", "bolt", "sessions.index"),
            Entry("Reports", "gauge", "reports.index"),
            Entry("Money needing attention", "alert-triangle", "money_items.index"),
            Entry("Fault reports", "alert-triangle", "fault_reports.index"),
        ],
    ),
    (
        "Payments",
        [
            Entry("Payment accounts", "credit-card", "payment_accounts.index"),
            Entry("Wallet withdrawals", "wallet", "withdrawals.index"),
            Entry("POS terminals", "device-ipad", "terminals.index"),
        ],
    ),
    (None, [Entry("Support", "lifebuoy", "support.index")]),
    (
        "Settings",
        [
            Entry("Team and roles", "users", "team.index"),
            Entry("API keys", "key", "api_keys.index"),
            Entry("Audit log", "history", "audit_log.index"),
        ],
    ),
    (
        "Platform",
        [
            Entry("Applications", "file-text", "applications.index"),
            Entry("Operators", "building", "operators.index"),
            Entry("Payment accounts", "credit-card", "platform_accounts.index"),
            Entry("Settlements", "building-bank", "platform_settlements.index"),
            Entry("Firmware files", "database", "firmware_files.index"),
            Entry("Jobs", "list-check", "jobs.index"),
            Entry("System health", "activity", "system_health.index"),
        ],
    ),
]

# endpoint -> how many things under it need attention; a blueprint adds its own
COUNTS: dict[str, Callable[[], int]] = {}


def sections() -> list[Section]:
    """What the present person may open."""
    if not current_user.is_authenticated:
        return []
    current = _current()
    made = (
        Section(heading, [_link(entry, current) for entry in entries if is_open(entry.endpoint)])
        for heading, entries in SECTIONS
    )
    return [section for section in made if section.links]


def is_open(endpoint: str) -> bool:
    """The page exists and the present person may open it."""
    if endpoint not in current_app.view_functions:
        return False
    return access.is_met(access.requirement_of(current_app, endpoint))


def _current() -> str | None:
    """The entry under whose address the present page lies, else that of the same noun."""
    here = f"{request.path}/"
    known = [entry.endpoint for _, entries in SECTIONS for entry in entries]
    above = [each for each in known if each in current_app.view_functions and here.startswith(f"{url_for(each)}/")]
    noun = (request.endpoint or "").split(".")[0]
    return max(above, key=lambda each: len(url_for(each)), default=None) or next(
        (each for each in known if each.split(".")[0] == noun), None
    )


def _link(entry: Entry, current: str | None) -> Link:
    count = COUNTS[entry.endpoint]() if entry.endpoint in COUNTS else 0
    return Link(entry.label, entry.icon, url_for(entry.endpoint), entry.endpoint == current, count)
