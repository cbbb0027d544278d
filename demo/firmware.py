"""Firmware in the demo: two releases, a campaign of last week with its results, chargers that can be upgraded."""

import io
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from demo import cast
from domain import firmware_campaigns, firmware_progress, firmware_releases, firmware_upgrades
from domain.files import FileStore
from domain.firmware_campaigns import Plan
from domain.firmware_releases import Described
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.files import FileKind
from domain.models.firmware import FirmwareRelease, FirmwareUpgrade
from domain.settings import Settings

BY = cast.PEOPLE[0][0]
ADMIN = next(email for email, _, role in cast.PEOPLE if role == "platform_admin")
RELEASES = (
    (
        ("Duo 60 DC + 22 AC",),
        "2.9.0",
        "Plug & charge starts up to 4 s faster.\nThe relay of the CCS plug is checked before each session.\n"
        "Mends: the clock went back to 1970 after a loss of power.",
    ),
    (
        ("Wall 22 AC",),
        "1.4.0",
        "Meter values every 10 s.\nMends: a session was told twice after a short loss of the line.",
    ),
)
# What became of each charger a week ago: (device id, the version before, what it said).
LAST_WEEK = (
    ("HE60D01930044", "2.8.1", "Installed"),
    ("HE22A01930045", "1.3.2", "Installed"),
    ("HE60D01930042", "2.8.1", "InstallationFailed"),
)


def load(db: Session, settings: Settings, now: datetime) -> None:
    """The releases are published and the campaign is over."""
    week_ago = now - timedelta(days=7)
    files = FileStore(settings.instance_dir / "files")
    for models, version, notes in RELEASES:
        _publish(db, files, models, version, notes, week_ago - timedelta(days=3))
    _campaign(db, settings.public_url, week_ago)


def _publish(
    db: Session, files: FileStore, models: tuple[str, ...], version: str, notes: str, at: datetime
) -> FirmwareRelease:
    # The simulated chargers read the version from the file and really boot with it.
    image = f"Nordvolt {models[0]} version={version}\n".encode() + bytes(range(256)) * 2000
    name = f"{models[0].split()[0].lower()}-{version}.bin"
    stored = files.keep(
        db,
        files.write(io.BytesIO(image), len(image)),
        kind=FileKind.FIRMWARE,
        name=name,
        content_type="application/octet-stream",
        operator_id=None,
        by=ADMIN,
        now=at,
    )
    about = Described("Nordvolt", models, version, notes)
    return firmware_releases.publish(db, stored, about, by=ADMIN, now=at)


def _campaign(db: Session, public_url: str, began: datetime) -> None:
    names = [device_id for device_id, _, _ in LAST_WEEK]
    chargers = {each.device_id: each for each in db.scalars(select(Charger).where(Charger.device_id.in_(names)))}
    versions = {device_id: charger.firmware_version for device_id, charger in chargers.items()}
    for device_id, before, _ in LAST_WEEK:
        charger = chargers[device_id]
        charger.firmware_version, charger.node, charger.ocpp_version = before, "demo", "1.6"
    db.flush()
    known = firmware_releases.catalogue(db)
    picks = []
    for charger in (chargers[name] for name in names):
        target = known.target(charger.vendor, charger.model, charger.firmware_version)
        assert target is not None  # noqa: S101 - the cast runs what the releases are newer than
        picks.append((charger, target))
    plan = Plan("Autumn round", began, began + timedelta(days=2), canaries=1, wave_size=2, stop_after=2)
    campaign = firmware_campaigns.begin(db, chargers[names[0]].operator_id, plan, picks, by=BY, now=began)
    for minute, (device_id, _, said) in enumerate(LAST_WEEK):
        at = began + timedelta(minutes=20 * minute)
        firmware_campaigns.advance(db, campaign.id, at)
        upgrade = firmware_upgrades.open_upgrade(db, chargers[device_id].id)
        assert upgrade is not None  # noqa: S101 - planned above
        _play(db, chargers[device_id], upgrade, said, versions[device_id] or "", public_url, at)
    firmware_campaigns.advance(db, campaign.id, began + timedelta(hours=1))
    for charger in chargers.values():
        charger.node = None
    db.flush()


def _play(
    db: Session, charger: Charger, upgrade: FirmwareUpgrade, said: str, version: str, public_url: str, at: datetime
) -> None:
    """The charger was asked, agreed, fetched the file and came to that end."""
    firmware_upgrades.ask(db, upgrade.id, public_url, at)
    command = db.get_one(Command, upgrade.command_id)
    command.status, command.sent_at, command.settled_at = CommandStatus.ACCEPTED, at, at + timedelta(seconds=1)
    command.response, command.awaits = {}, None
    db.flush()
    upgrade.fetched_at = at + timedelta(seconds=4)
    for step, status in enumerate(("Downloading", "Downloaded", "Installing", said), start=1):
        firmware_progress.heard(db, charger, status, None, at + timedelta(minutes=step))
    if said == "Installed":
        charger.firmware_version = version
        db.flush()
        firmware_progress.booted(db, charger.id, version, at + timedelta(minutes=6))
