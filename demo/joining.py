"""Station applications in every state, and a charger that nobody has added yet."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain import applications, connections, setup
from domain.applications import Given
from domain.connections import Attempt
from domain.device_rows import DeviceRow
from domain.links import Links
from domain.models.chargers import HandshakeOutcome
from domain.models.station_checks import CheckedStep
from domain.models.stations import Station
from domain.settings import Settings

STAFF = "staff@voltdesk.example"
UNKNOWN = "NV22A01930071"  # tries to connect, is named in the first application
_APPLICATIONS = (
    (
        Given(
            "SO-2026-1182",
            "Quay Charging Oy",
            "nina@quay.example",
            "Quay 7",
            "FI",
            "Uusimaa",
            "Laituri 7, 00160 Helsinki",
        ),
        (DeviceRow(UNKNOWN, "4471-0071"), DeviceRow("NV22A01930072", "4471-0072")),
    ),
    (
        Given(
            "SO-2026-1175",
            "Birch Hotel AB",
            "reception@birch.example",
            "Birch Hotel",
            "SE",
            "Dalarna",
            "Parkvägen 3, 791 30 Falun",
        ),
        (DeviceRow("NV60D01930080", "4471-0080"),),
    ),
    (
        Given("unknown", "Lot 9", "lot9@lots.example", "Lot 9", "FI", "Pirkanmaa", "Somewhere"),
        (DeviceRow("123", "1"),),
    ),
)


def load(db: Session, settings: Settings, stations: list[Station], now: datetime) -> None:
    """The queue of platform staff has something new, something asked and something rejected."""
    links = _links(settings.public_url)
    for age_h, (given, rows) in zip((5, 30, 50), _APPLICATIONS, strict=True):
        at = now - timedelta(hours=age_h)
        application = applications.send(db, given, rows, remote_address=None, links=links, now=at)
        if age_h == 30:
            question = "Which power does the connection have? We ask because two chargers of this order were for 60 kW."
            applications.ask(db, application.id, question, links=links, by=STAFF, now=at + timedelta(hours=4))
        if age_h == 50:
            reason = "This order number is not in our records, and the address is not complete."
            applications.reject(db, application.id, reason, links=links, by=STAFF, now=at + timedelta(hours=20))
    for minutes in (47, 12, 2):
        _knock(db, now - timedelta(minutes=minutes))
    for station in stations:
        for step in CheckedStep:
            setup.check(db, station, step, by="owner@harbour.example", now=now)


def _knock(db: Session, at: datetime) -> None:
    attempt = Attempt(
        path=f"/{UNKNOWN}",
        device_id=UNKNOWN,
        user=None,
        password=None,
        subprotocols=("ocpp1.6",),
        version="1.6",
        is_tls=False,
        remote_address="203.0.113.71",
        user_agent="Nordvolt/1.4",
        at=at,
    )
    connections.record(db, attempt, HandshakeOutcome.UNKNOWN_CHARGER)


def _links(base: str) -> Links:
    return Links(
        sign_in=f"{base}/sign-in",
        forgot=f"{base}/forgot-password",
        confirm=lambda secret: f"{base}/sign-up/confirm/{secret}",
        set_password=lambda secret: f"{base}/choose-password/{secret}",
        application=lambda secret: f"{base}/apply/status/{secret}",
        review=lambda application_id: f"{base}/platform/applications/{application_id}",
    )
