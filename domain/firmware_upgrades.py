"""One charger's upgrade: planned, asked for once, given up. What the charger does then is in firmware_progress.

The row and the command are written in one transaction, and the sidecar sends a command at most once: whatever is
killed when, no charger is told twice.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, TextClause, and_, exists, func, not_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain import audit, charger_events, commands, firmware_releases, secret_links
from domain.charger_states import IS_RUNNING
from domain.commands import ChargerOffline
from domain.errors import Conflict, NotFound, Refused
from domain.models.chargers import Charger, ChargerEvent
from domain.models.charging import ChargingSession
from domain.models.commands import Command, CommandStatus
from domain.models.firmware import (
    IS_OPEN,
    OPEN,
    UNDER_WAY,
    CampaignStatus,
    FirmwareCampaign,
    FirmwareRelease,
    FirmwareUpgrade,
    UpgradeStatus,
)
from domain.models.secret_links import Purpose
from domain.models.stations import Station

WAITS_FOR = timedelta(days=7)  # for a charger that is offline, unless the person says otherwise
LONGEST_WAIT = timedelta(days=90)
LINK_LASTS = timedelta(hours=24)
RETRIES, RETRY_INTERVAL_S = 3, 60
# So many fetch the file at the same time: each keeps a thread of the web for as long as its line needs.
MOST_FETCHING = 20
FETCHES_WITHIN = timedelta(minutes=10)  # whoever shows nothing for so long holds up nobody
DAY_MINUTES = 24 * 60
# Chargers fetch in small pieces, and again when the line broke: this is how small and how often.
_PIECE_BYTES, _TIMES = 16 * 1024, 4
_BEFORE_FILE = ("Downloading", "DownloadScheduled", "DownloadPaused")
_NOT_IN_ADDRESSES = re.compile(r"[^A-Za-z0-9._-]+")


class AlreadyUpgrading(Conflict):
    """The charger has an open upgrade."""

    def __init__(self, charger: Charger, other: FirmwareUpgrade) -> None:
        where = f'in the campaign "{other.campaign.name}"' if other.campaign else f"as {other.asked_by} asked"
        state = "waits to be upgraded" if other.status is UpgradeStatus.WAITING else "is being upgraded"
        super().__init__(
            f"{charger.label} {state} to {other.release.version} {where}. Cancel that first, or wait for its end."
        )


def open_upgrade(db: Session, charger_id: int) -> FirmwareUpgrade | None:
    """The charger's upgrade that waits or is under way."""
    found = select(FirmwareUpgrade).where(FirmwareUpgrade.charger_id == charger_id, FirmwareUpgrade.status.in_(OPEN))
    return db.scalar(found)


def history(db: Session, charger_id: int, most: int = 50) -> list[FirmwareUpgrade]:
    """The charger's upgrades, the latest first."""
    found = select(FirmwareUpgrade).where(FirmwareUpgrade.charger_id == charger_id)
    return list(db.scalars(found.order_by(FirmwareUpgrade.id.desc()).limit(most)))


def get(db: Session, operator_id: int | None, upgrade_id: int) -> FirmwareUpgrade:
    """The operator's upgrade.

    Raises:
        NotFound: there is none, or it is another operator's.
    """
    upgrade = db.get(FirmwareUpgrade, upgrade_id)
    if upgrade is None or upgrade.operator_id != operator_id:
        raise NotFound("There is no such upgrade.")
    return upgrade


def plan(
    db: Session,
    charger: Charger,
    release: FirmwareRelease,
    *,
    by: str,
    now: datetime,
    not_before: datetime | None = None,
    ends_at: datetime | None = None,
    during_session: bool = False,
    campaign: FirmwareCampaign | None = None,
    wave: int = 0,
    attempt: int = 1,
) -> FirmwareUpgrade:
    """The charger waits for its upgrade; the worker asks it when everything allows.

    Raises:
        AlreadyUpgrading: it has an open one.
        Refused: the release is withdrawn, for another model, or not newer; the times make no sense.
    """
    begins = max(not_before or now, now)
    ends = ends_at or begins + WAITS_FOR
    check(db, charger, release)
    if not begins < ends <= now + LONGEST_WAIT:
        sentence = f"The end must be later than the beginning and within {LONGEST_WAIT.days} days."
        raise Refused(sentence, [("ends_at", sentence)])
    upgrade = FirmwareUpgrade(
        operator_id=charger.operator_id,
        charger_id=charger.id,
        release_id=release.id,
        campaign_id=campaign.id if campaign else None,
        wave=wave,
        attempt=attempt,
        is_latest=True,
        status=UpgradeStatus.WAITING,
        during_session=during_session,
        not_before=begins,
        ends_at=ends,
        created_at=now,
        asked_by=by,
        is_signed=False,
    )
    try:
        with db.begin_nested():
            db.add(upgrade)
    except IntegrityError:  # somebody was faster in this moment
        other = open_upgrade(db, charger.id)
        if other is None:
            raise
        raise AlreadyUpgrading(charger, other) from None
    if campaign is None:
        _record(db, "firmware upgrade planned", upgrade, by, now, version=release.version)
    return upgrade


def check(db: Session, charger: Charger, release: FirmwareRelease) -> None:
    """The charger may be upgraded to that release.

    Raises:
        AlreadyUpgrading: it has an open upgrade.
        Refused: the release is not for it, or not newer than what it runs.
    """
    other = open_upgrade(db, charger.id)
    if other is not None:
        raise AlreadyUpgrading(charger, other)
    if not release.is_published:
        raise Refused(f"{release.version} was withdrawn: {release.withdrawn_because} Reload the page, look again.")
    known = firmware_releases.catalogue(db)
    if release not in known.of(charger.vendor, charger.model):
        raise Refused(
            f"{release.version} is not for {charger.label}, a {charger.vendor or '?'} {charger.model or '?'}."
        )
    if release not in known.choices(charger.vendor, charger.model, charger.firmware_version):
        raise Refused(f"{charger.label} already runs {charger.firmware_version}; {release.version} is not newer.")


def cancel(db: Session, upgrade_id: int, *, by: str, now: datetime) -> FirmwareUpgrade:
    """The charger is not asked, or, if it was already, can no longer fetch the file.

    Raises:
        Conflict: it is over.
    """
    upgrade = locked(db, upgrade_id)
    if not upgrade.is_open:
        raise Conflict("This upgrade is over.")
    command = db.get(Command, upgrade.command_id) if upgrade.command_id else None
    was_heard = command is not None and not commands.withdraw(db, command, now)
    sentence = f"Cancelled by {by}."
    if was_heard:
        sentence += " The charger had been asked already: if it has the whole file, it may still install it."
    end(db, upgrade, UpgradeStatus.CANCELLED, sentence, now)
    _record(db, "firmware upgrade cancelled", upgrade, by, now)
    return upgrade


# --- Asking ---------------------------------------------------------------------------------------------------------


def may_begin(db: Session, now: datetime) -> list[ColumnElement[bool] | TextClause]:
    """What must hold for a waiting upgrade to begin now, as conditions on FirmwareUpgrade, Charger and Station."""
    running = exists(
        select(ChargingSession.id).where(ChargingSession.charger_id == FirmwareUpgrade.charger_id, IS_RUNNING)
    )
    return [
        IS_OPEN,
        FirmwareUpgrade.status == UpgradeStatus.WAITING,
        FirmwareUpgrade.not_before <= now,
        FirmwareUpgrade.ends_at > now,
        Charger.node.is_not(None),
        or_(FirmwareUpgrade.during_session, ~running),
        *(not_(each) for each in _closed_windows(db, now)),
    ]


def _closed_windows(db: Session, now: datetime) -> list[ColumnElement[bool]]:
    """For each campaign with a window, its stations where the window is closed now."""
    with_window = select(FirmwareCampaign).where(
        FirmwareCampaign.status == CampaignStatus.RUNNING, FirmwareCampaign.window_from.is_not(None)
    )
    closed = []
    for campaign in db.scalars(with_window):
        zones = db.scalars(select(Station.time_zone).where(Station.operator_id == campaign.operator_id).distinct())
        shut = [zone for zone in zones if not is_open(campaign, zone, now)]
        if shut:
            closed.append(and_(FirmwareUpgrade.campaign_id == campaign.id, Station.time_zone.in_(shut)))
    return closed


def is_open(campaign: FirmwareCampaign, zone: str, now: datetime) -> bool:
    """Whether the campaign's window is open at stations of that zone; one that ends before it begins spans midnight."""
    if campaign.window_from is None or campaign.window_until is None:
        return True
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if campaign.window_from < campaign.window_until:
        return campaign.window_from <= minute < campaign.window_until
    return minute >= campaign.window_from or minute < campaign.window_until


def due(db: Session, now: datetime) -> list[int]:
    """The upgrades that may begin now, as many as may fetch beside each other; those of a campaign only when their
    wave has come.
    """
    room = MOST_FETCHING - _fetching(db, now)
    if room <= 0:
        return []
    has_turn = or_(
        FirmwareUpgrade.campaign_id.is_(None),
        and_(FirmwareCampaign.status == CampaignStatus.RUNNING, FirmwareUpgrade.wave <= FirmwareCampaign.wave),
    )
    found = (
        select(FirmwareUpgrade.id)
        .join(Charger, Charger.id == FirmwareUpgrade.charger_id)
        .join(Station, Station.id == Charger.station_id)
        .outerjoin(FirmwareCampaign, FirmwareCampaign.id == FirmwareUpgrade.campaign_id)
        .where(*may_begin(db, now), has_turn)
    )
    return list(db.scalars(found.order_by(FirmwareUpgrade.id).limit(room)))


def _fetching(db: Session, now: datetime) -> int:
    before = or_(FirmwareUpgrade.said.is_(None), FirmwareUpgrade.said.in_(_BEFORE_FILE))
    found = select(func.count()).where(
        IS_OPEN, FirmwareUpgrade.status.in_(UNDER_WAY), before, FirmwareUpgrade.seen_at > now - FETCHES_WITHIN
    )
    return db.scalar(found) or 0


def ask(db: Session, upgrade_id: int, public_url: str, now: datetime) -> bool:
    """Whether the charger has a command waiting that tells it to fetch the file; nothing if it had one already."""
    upgrade = locked(db, upgrade_id)
    if upgrade.status is not UpgradeStatus.WAITING:
        return False
    charger = db.get_one(Charger, upgrade.charger_id, populate_existing=True)
    release = upgrade.release
    if not release.is_published:
        end(db, upgrade, UpgradeStatus.LEFT_OUT, f"{release.version} was withdrawn: {release.withdrawn_because}", now)
        return False
    version = charger.firmware_version
    known = firmware_releases.catalogue(db).of(charger.vendor, charger.model)
    told = firmware_releases.order(release.version, version, known) if version else None
    if told is not None and told <= 0:
        end(db, upgrade, UpgradeStatus.LEFT_OUT, f"It runs {version} already.", now)
        return False
    try:
        with db.begin_nested():
            upgrade.is_signed = release.is_signed and takes_signed(db, charger.id)
            action, payload = call(upgrade, _location(db, upgrade, public_url, now), charger.ocpp_version or "1.6", now)
            command = commands.queue(db, charger, action, payload, by=upgrade.asked_by, now=now)
            upgrade.command_id = command.id
    except ChargerOffline:
        return False
    except Refused as refusal:
        if commands.is_crowded(db, charger.id):
            return False
        end(db, upgrade, UpgradeStatus.FAILED, f"The charger cannot be asked: {refusal}", now)
        return False
    upgrade.status, upgrade.asked_at, upgrade.seen_at = UpgradeStatus.ASKED, now, now
    upgrade.from_version, upgrade.status_before = version, charger.firmware_status
    upgrade.fetched_at = upgrade.said = upgrade.said_installed_at = upgrade.checked_at = None
    db.flush()
    return True


def call(upgrade: FirmwareUpgrade, location: str, version: str, now: datetime) -> tuple[str, dict[str, Any]]:
    """The CALL that tells the charger to fetch the file from there."""
    release, at = upgrade.release, now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    again = {"retries": RETRIES, "retryInterval": RETRY_INTERVAL_S}
    if version == "1.6" and not upgrade.is_signed:
        return "UpdateFirmware", {"location": location, **again, "retrieveDate": at}
    firmware = {"location": location, "retrieveDateTime": at}
    if upgrade.is_signed:
        firmware |= {"signingCertificate": str(release.signing_certificate), "signature": str(release.signature)}
    action = "SignedUpdateFirmware" if version == "1.6" else "UpdateFirmware"
    return action, {**again, "requestId": upgrade.id, "firmware": firmware}


def takes_signed(db: Session, charger_id: int) -> bool:
    """Whether the charger is known to understand SignedUpdateFirmware: by its answer, or by what it has sent.

    No feature profile of 1.6 tells it. Whoever sends security events has the security extension.
    """
    last = select(Command.status, Command.error).where(
        Command.charger_id == charger_id,
        Command.action == "SignedUpdateFirmware",
        Command.status.in_((CommandStatus.ACCEPTED, CommandStatus.REJECTED)),
    )
    answered = db.execute(last.order_by(Command.id.desc()).limit(1)).first()
    if answered is not None:
        return not is_unknown(answered.status, answered.error)
    told = select(ChargerEvent.id).where(ChargerEvent.charger_id == charger_id, ChargerEvent.kind == "security")
    if db.scalar(told.limit(1)) is not None:
        return True
    read = select(Command.response).where(
        Command.charger_id == charger_id,
        Command.action == "GetConfiguration",
        Command.status == CommandStatus.ACCEPTED,
    )
    answer = db.scalar(read.order_by(Command.id.desc()).limit(1)) or {}
    keys = answer.get("configurationKey") or []
    return any(isinstance(each, dict) and each.get("key") == "SecurityProfile" for each in keys)


def is_unknown(status: CommandStatus, error: str | None) -> bool:
    """Whether the charger answered that it does not know such a CALL."""
    return status is CommandStatus.REJECTED and (error or "").startswith(("NotImplemented", "NotSupported"))


def _location(db: Session, upgrade: FirmwareUpgrade, public_url: str, now: datetime) -> str:
    stored = upgrade.release.file
    uses = 100 + _TIMES * (stored.size_bytes // _PIECE_BYTES)
    secret = secret_links.make(db, Purpose.FIRMWARE, upgrade.id, lasts=LINK_LASTS, uses=uses, now=now)
    name = _NOT_IN_ADDRESSES.sub("_", stored.name).strip("._")[-60:] or "firmware.bin"
    return f"{public_url}/fw/{secret}/{name}"


def fetch(db: Session, secret: str, now: datetime) -> FirmwareUpgrade:
    """The upgrade whose file that link opens; the charger was seen fetching.

    Raises:
        NotFound: the link is unknown, used up, too old, or its upgrade is over.
    """
    upgrade = locked(db, secret_links.use(db, Purpose.FIRMWARE, secret, now))
    if not upgrade.is_under_way:
        raise NotFound(secret_links.GONE)
    upgrade.fetched_at = upgrade.fetched_at or now
    upgrade.seen_at = now
    db.flush()
    return upgrade


def wait_again(db: Session, upgrade: FirmwareUpgrade) -> None:
    """The charger was not told; it waits for its next turn, and the address that it never got is dead."""
    upgrade.status, upgrade.command_id, upgrade.asked_at = UpgradeStatus.WAITING, None, None
    db.flush()
    secret_links.end(db, Purpose.FIRMWARE, upgrade.id)


def end(db: Session, upgrade: FirmwareUpgrade, status: UpgradeStatus, sentence: str, now: datetime) -> None:
    """The upgrade has ended like that, and its address opens nothing any more."""
    upgrade.status, upgrade.sentence, upgrade.ended_at = status, sentence, now
    db.flush()
    secret_links.end(db, Purpose.FIRMWARE, upgrade.id)
    if upgrade.asked_at is not None:
        told = {UpgradeStatus.INSTALLED: "installed", UpgradeStatus.FAILED: "failed"}.get(status, "cancelled")
        summary = f"Firmware upgrade to {upgrade.release.version} {told}"
        charger_events.record(
            db, upgrade.charger_id, "firmware", summary, at=now, now=now, detail={"sentence": sentence}
        )


def locked(db: Session, upgrade_id: int) -> FirmwareUpgrade:
    """The upgrade, changed by nobody else until the transaction ends."""
    return db.get_one(FirmwareUpgrade, upgrade_id, with_for_update=True, populate_existing=True)


def _record(db: Session, verb: str, upgrade: FirmwareUpgrade, by: str, now: datetime, **detail: object) -> None:
    audit.record(db, verb, "charger", upgrade.charger_id, operator_id=upgrade.operator_id, by=by, now=now, **detail)
