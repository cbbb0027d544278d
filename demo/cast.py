"""Who and what is in the demo world, as data. Names and addresses are invented."""

from dataclasses import dataclass, field
from typing import Any

PASSWORD = "demo demo demo"  # noqa: S105 - printed on the screen, opens nothing but the demo

OPERATOR = {"name": "Harbour Energy", "currency": "EUR", "country": "FI"}

# (e-mail, name, role). Platform staff belong to no operator.
PEOPLE = (
    ("owner@harbour.example", "Maija Lehto", "owner"),
    ("finance@harbour.example", "Antti Koski", "finance"),
    ("technician@harbour.example", "Sanna Virta", "technician"),
    ("support@harbour.example", "Oskar Niemi", "operator_support"),
    ("admin@voltdesk.example", "Ines Weber", "platform_admin"),
    ("staff@voltdesk.example", "Jonas Falk", "platform_support"),
)
# A second company, so that everybody can see that nobody sees the other's rows.
OTHER_OPERATOR = {"name": "Mill Lane Parking", "currency": "EUR", "country": "FI"}
OTHER_PEOPLE = (("owner@mill-lane.example", "Charlie Brook", "owner"),)

STATIONS: dict[str, dict[str, Any]] = {
    "garage": {
        "name": "Harbour Garage",
        "address": "Satamakatu 4",
        "city": "Helsinki",
        "country": "FI",
        "time_zone": "Europe/Helsinki",
        "latitude": 60.1675,
        "longitude": 24.9631,
        "public_note": "Level 2, beside the lift. Entry from Satamakatu, height 2.1 m.",
    },
    "square": {
        "name": "Station Square",
        "address": "Asematie 11",
        "city": "Tampere",
        "country": "FI",
        "time_zone": "Europe/Helsinki",
        "latitude": 61.4981,
        "longitude": 23.7729,
        "public_note": "Taxi rank and three public places.",
    },
}


def _element(name: str, kwh: str, **restrictions: Any) -> dict[str, Any]:
    """A price per kWh with parking at 0.10 a minute, 25.5 % VAT included."""
    parts = [
        {"type": "ENERGY", "price": kwh, "vat": "25.5", "step_size": 1},
        {"type": "PARKING_TIME", "price": "6.00", "vat": "25.5", "step_size": 60},
    ]
    return {"name": name, "price_components": parts, **({"restrictions": restrictions} if restrictions else {})}


_WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]

TARIFFS: dict[str, dict[str, Any]] = {
    "garage": {
        "name": "Garage by time of day",
        "terms": {
            "elements": [
                _element("Peak", "0.59", start_time="16:00", end_time="20:00", day_of_week=_WORKDAYS),
                _element("Day", "0.49", start_time="06:00", end_time="22:00", day_of_week=_WORKDAYS),
                _element("Weekend", "0.42", start_time="06:00", end_time="22:00", day_of_week=["SATURDAY", "SUNDAY"]),
                _element("Night", "0.35"),
            ],
            "idle_grace_s": 900,
            "tax_included": "YES",
        },
    },
    "square": {
        "name": "Square",
        "terms": {
            "elements": [
                _element("Day", "0.54", start_time="07:00", end_time="21:00"),
                _element("Night", "0.39"),
                {"price_components": [{"type": "FLAT", "price": "0.50", "vat": "25.5", "step_size": 1}]},
            ],
            "idle_grace_s": 600,
            "tax_included": "YES",
        },
    },
}


@dataclass(frozen=True)
class DemoCharger:
    """A simulated charger: what the database is told, and how the simulator plays it."""

    device_id: str
    label: str
    station: str
    connectors: tuple[tuple[str, float, str], ...]  # (plug, kW, AC or DC)
    model: str
    firmware: str
    behaviour: dict[str, Any] = field(default_factory=dict)

    def for_simulator(self, password: str) -> dict[str, Any]:
        return {
            "device_id": self.device_id,
            "password": password,
            "vendor": "Nordvolt",
            "model": self.model,
            "firmware": self.firmware,
            "connectors": [{"max_kw": kw, "kind": kind} for _, kw, kind in self.connectors],
            "behaviour": {"auto_plug": True, "plug_after_s": 2, "unplug_after_s": 15, **self.behaviour},
            "configuration": {"MeterValueSampleInterval": "10"},
        }


_DUO = (("CCS", 60.0, "DC"), ("Type 2", 22.0, "AC"))
_WALL = (("Type 2", 22.0, "AC"),)


# Cards of their own for each charger: a card that charges here cannot start there.
def _busy(*cards: str) -> dict[str, Any]:
    return {"cards": list(cards), "arrival_mean_s": 60, "stay_mean_s": 1500}


def _some(*cards: str) -> dict[str, Any]:
    return {"cards": list(cards), "arrival_mean_s": 600, "stay_mean_s": 900}


CHARGERS = (
    DemoCharger(
        "HE60D01930041",
        "HG-01 Level 2 west",
        "garage",
        _DUO,
        "Duo 60 DC + 22 AC",
        "2.8.1",
        _busy("04A1B2C3D4", "04A1B2C3D5"),
    ),
    DemoCharger(
        "HE60D01930042",
        "HG-02 Level 2 east",
        "garage",
        _DUO,
        "Duo 60 DC + 22 AC",
        "2.8.1",
        _some("0453CC9A01", "0453CC9A02"),
    ),
    # Left to whoever tries the phone page.
    DemoCharger("HE22A01930043", "HG-03 Entrance", "garage", _WALL, "Wall 22 AC", "1.4.0"),
    DemoCharger(
        "HE60D01930044", "SS-01 North", "square", _DUO, "Duo 60 DC + 22 AC", "2.9.0", _busy("04B7E2119C", "04B7E2119D")
    ),
    DemoCharger(
        "HE22A01930045",
        "SS-02 Taxi rank",
        "square",
        _WALL,
        "Wall 22 AC",
        "1.4.0",
        {**_some("04F00D77AA"), "fault_mean_s": 600, "fault_s": 240},
    ),
    DemoCharger(
        "HE22A01930046",
        "SS-03 South",
        "square",
        _WALL,
        "Wall 22 AC",
        "1.3.2",
        {**_some("04F00D77AB"), "offline_mean_s": 900, "offline_s": 120},
    ),
)

# (uid, name, status)
TOKENS = (
    ("04A1B2C3D4", "Harbour taxi 1", "Accepted"),
    ("04A1B2C3D5", "Harbour taxi 2", "Accepted"),
    ("04B7E2119C", "Harbour taxi 3", "Accepted"),
    ("04B7E2119D", "Harbour taxi 4", "Accepted"),
    ("0453CC9A01", "Staff Sanna", "Accepted"),
    ("0453CC9A02", "Staff Oskar", "Accepted"),
    ("04F00D77AA", "City parcel van", "Accepted"),
    ("04F00D77AB", "City sweeper", "Accepted"),
    ("0499DEAD01", "Lost card", "Blocked"),
)

# The charger whose QR code is printed for visitors to try.
FOR_VISITORS = "HE22A01930043"
