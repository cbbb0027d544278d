"""What a charger makes of its upgrade: its messages, its boots, its silence, and what they mean.

The version that a charger tells at its boot counts more than its status messages: chargers say `Installed` and boot
the old firmware, and boot the new one without a word. Statuses that nobody asked for change nothing (quirks G8, C13).
"""

from datetime import datetime, timedelta

from sqlalchemy import Table, and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from domain import commands, firmware_releases, firmware_upgrades
from domain.charger_states import IS_RUNNING
from domain.errors import DomainError
from domain.fast_sql import Prepared
from domain.firmware_upgrades import end, is_unknown, locked
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.commands import Command, CommandStatus
from domain.models.firmware import IS_OPEN, UNDER_WAY, FirmwareUpgrade, UpgradeStatus

UNANSWERED = timedelta(minutes=10)  # after which a CALL without an answer was not heard
SILENCE = timedelta(hours=1)  # without any sign of work
CHECK_AFTER = timedelta(seconds=30)  # from "Installed" to the question for the version
CONFIRM_WITHIN = timedelta(minutes=10)  # from "Installed" to a boot with the new version
RESCUED_WITHIN = timedelta(days=7)
MOST_FOLLOWED = 500

FAILURES = {
    "DownloadFailed": "The charger could not download the file.",
    "InstallationFailed": "The charger has the file but could not install it.",
    "InstallVerificationFailed": "The charger installed the file and found that it does not work.",
    "InvalidSignature": "The charger found that the signature does not fit the file.",
    "RevokedCertificate": "The charger says that the signing certificate was revoked.",
    "InvalidCertificate": "The charger does not accept the signing certificate.",
}
NEVER_FETCHED = " It never asked for the file: see that it can reach the address of these pages."

_SILENTLY = ' It did not say "Installed".'

_UPGRADE: Table = FirmwareUpgrade.__table__  # type: ignore[assignment]
_UNDER_WAY = ("asked", "running")
# For every boot of every charger, also when thousands come back at once.
_LATEST = Prepared(
    select(_UPGRADE.c.id, _UPGRADE.c.status)
    .where(_UPGRADE.c.charger_id == bindparam("charger"))
    .order_by(_UPGRADE.c.id.desc())
    .limit(1)
)


def heard(db: Session, charger: Charger, status: str, request_id: int | None, now: datetime) -> None:
    """The charger's upgrade has come as far as that firmware status says; without one that is meant, nothing changes.

    Args:
        db: the database.
        charger: who says it; its row still shows the status before.
        status: of FirmwareStatusNotification or SignedFirmwareStatusNotification.
        request_id: of the latter, if given.
        now: the present moment.
    """
    upgrade = _under_way(db, charger.id)
    if upgrade is None and status == "Installed":
        _note_late_word(db, charger.id, now)
    if upgrade is None or not _is_meant(db, upgrade, status, request_id):
        return
    upgrade.said, upgrade.seen_at, upgrade.status = status, now, UpgradeStatus.RUNNING
    if status in FAILURES:
        missed = NEVER_FETCHED if status == "DownloadFailed" and upgrade.fetched_at is None else ""
        end(db, upgrade, UpgradeStatus.FAILED, FAILURES[status] + missed, now)
    elif status == "Installed":
        upgrade.said_installed_at = upgrade.said_installed_at or now
        if _is_at(db, upgrade, charger, charger.firmware_version):
            end(db, upgrade, UpgradeStatus.INSTALLED, f"The charger runs {charger.firmware_version}.", now)
    db.flush()


def _note_late_word(db: Session, charger_id: int, now: datetime) -> None:
    """Some start the new version first and say so afterwards: nobody reads then that they were silent."""
    latest = _LATEST.first(db.connection(), {"charger": charger_id})
    if latest is None or str(latest["status"]) != "installed":
        return
    upgrade = locked(db, latest["id"])
    if upgrade.said_installed_at is None and (upgrade.sentence or "").endswith(_SILENTLY):
        upgrade.said, upgrade.said_installed_at = "Installed", now
        upgrade.sentence = (upgrade.sentence or "").removesuffix(_SILENTLY)
        db.flush()


def _is_meant(db: Session, upgrade: FirmwareUpgrade, status: str, request_id: int | None) -> bool:
    if status == "Idle" or (upgrade.is_signed and request_id is not None and request_id != upgrade.id):
        return False
    command = db.get_one(Command, upgrade.command_id, populate_existing=True)
    if command.sent_at is None:
        return False
    has_begun = upgrade.said is not None or upgrade.fetched_at is not None
    # Some say the same every ten seconds for days; it is about an upgrade of long ago (quirk G8).
    return has_begun or (status != upgrade.status_before and status != "Installed")


def booted(db: Session, charger_id: int, version: str | None, now: datetime) -> None:
    """The charger's upgrade has succeeded if it starts with the new version, whatever it said; it has failed if it
    said that it is installed and starts with another.

    Args:
        db: the database.
        charger_id: who booted.
        version: as it told at this boot; None if it did not.
        now: the present moment.
    """
    latest = _LATEST.first(db.connection(), {"charger": charger_id})
    if latest is None or str(latest["status"]) not in (*_UNDER_WAY, "failed") or not version:
        return
    upgrade = locked(db, latest["id"])
    charger = db.get_one(Charger, charger_id, populate_existing=True)
    if _is_at(db, upgrade, charger, version):
        _succeed(db, upgrade, version, now)
    elif upgrade.status in UNDER_WAY and upgrade.said_installed_at is not None:
        sentence = f'The charger said "Installed", but started with {version}, not with {upgrade.release.version}.'
        end(db, upgrade, UpgradeStatus.FAILED, sentence, now)
    elif upgrade.status in UNDER_WAY:
        upgrade.seen_at = now  # it starts again in the middle of the work
    db.flush()


def _succeed(db: Session, upgrade: FirmwareUpgrade, version: str, now: datetime) -> None:
    if upgrade.status in UNDER_WAY:
        without = "" if upgrade.said_installed_at or upgrade.said == "InstallRebooting" else _SILENTLY
        end(db, upgrade, UpgradeStatus.INSTALLED, f"The charger started with {version}.{without}", now)
    elif upgrade.status is UpgradeStatus.FAILED and upgrade.ended_at and now - upgrade.ended_at < RESCUED_WITHIN:
        sentence = f"The charger started with {version} after all. Before: {upgrade.sentence}"
        end(db, upgrade, UpgradeStatus.INSTALLED, sentence, now)


def _is_at(db: Session, upgrade: FirmwareUpgrade, charger: Charger, version: str | None) -> bool:
    """Whether that version is the release's, or a newer one that it was not before."""
    if not version:
        return False
    known = firmware_releases.catalogue(db).of(charger.vendor, charger.model)
    told = firmware_releases.order(version, upgrade.release.version, known)
    return told == 0 or (told == 1 and version != upgrade.from_version)


# --- The clock's part -------------------------------------------------------------------------------------------------


def to_follow(db: Session, now: datetime) -> list[int]:
    """The upgrades whose command was answered, or that have been silent or waiting for too long."""
    status, command = FirmwareUpgrade.status, Command.status
    answered = command.in_((CommandStatus.ACCEPTED, CommandStatus.REJECTED, CommandStatus.EXPIRED)) | (
        (command == CommandStatus.FAILED) & (Command.error != commands.LOST)
    )
    unheard = command.in_((CommandStatus.TIMEOUT, CommandStatus.FAILED)) & (
        FirmwareUpgrade.asked_at <= now - UNANSWERED
    )
    installed = FirmwareUpgrade.said_installed_at
    wants = or_(
        and_(status == UpgradeStatus.WAITING, FirmwareUpgrade.ends_at <= now),
        and_(status == UpgradeStatus.ASKED, answered | unheard),
        and_(status == UpgradeStatus.RUNNING, FirmwareUpgrade.seen_at <= now - SILENCE),
        and_(status == UpgradeStatus.RUNNING, installed <= now - CHECK_AFTER, FirmwareUpgrade.checked_at.is_(None)),
        and_(status == UpgradeStatus.RUNNING, installed <= now - CONFIRM_WITHIN),
    )
    found = (
        select(FirmwareUpgrade.id).outerjoin(Command, Command.id == FirmwareUpgrade.command_id).where(IS_OPEN, wants)
    )
    return list(db.scalars(found.order_by(FirmwareUpgrade.id).limit(MOST_FOLLOWED)))


def follow(db: Session, upgrade_id: int, now: datetime) -> None:
    """The upgrade has taken in what became of its command, and has ended if it waited or was silent for too long."""
    upgrade = locked(db, upgrade_id)
    if upgrade.status is UpgradeStatus.WAITING and upgrade.ends_at <= now:
        end(db, upgrade, UpgradeStatus.LEFT_OUT, "There was no chance to upgrade it before the end.", now)
    elif upgrade.status is UpgradeStatus.ASKED:
        _take_answer(db, upgrade, now)
    elif upgrade.status is UpgradeStatus.RUNNING:
        _take_silence(db, upgrade, now)
    db.flush()


def _take_answer(db: Session, upgrade: FirmwareUpgrade, now: datetime) -> None:
    command = db.get_one(Command, upgrade.command_id, populate_existing=True)
    status, error = command.status, command.error
    if status is CommandStatus.ACCEPTED:
        upgrade.status, upgrade.seen_at = UpgradeStatus.RUNNING, now
    elif status is CommandStatus.EXPIRED or (upgrade.is_signed and is_unknown(status, error)):
        # It was never sent, or the charger does not know it: the next turn asks anew, then without a signature.
        firmware_upgrades.wait_again(db, upgrade)
    elif status is CommandStatus.REJECTED or (status is CommandStatus.FAILED and error != commands.LOST):
        said = str((command.response or {}).get("status", "")) or error or "no reason"
        end(db, upgrade, UpgradeStatus.FAILED, FAILURES.get(said, f"The charger refused the upgrade: {said}."), now)
    elif upgrade.asked_at and now - upgrade.asked_at >= UNANSWERED:
        sentence = "The charger never answered. It may not have heard of the upgrade."
        end(db, upgrade, UpgradeStatus.FAILED, sentence, now)


def _take_silence(db: Session, upgrade: FirmwareUpgrade, now: datetime) -> None:
    charger = db.get_one(Charger, upgrade.charger_id, populate_existing=True)
    if upgrade.said_installed_at is not None:
        if now - upgrade.said_installed_at >= CONFIRM_WITHIN:
            still = (
                f"still tells version {charger.firmware_version}" if charger.firmware_version else "tells no version"
            )
            sentence = f'The charger said "Installed", but {still}. Reboot it, then look again.'
            end(db, upgrade, UpgradeStatus.FAILED, sentence, now)
        elif upgrade.checked_at is None and now - upgrade.said_installed_at >= CHECK_AFTER:
            _ask_version(db, upgrade, charger, now)
        return
    if upgrade.seen_at and now - upgrade.seen_at >= SILENCE:
        if db.scalar(select(exists().where(ChargingSession.charger_id == charger.id, IS_RUNNING))):
            upgrade.seen_at = now  # it waits for the session to end
            return
        last = f'its last word was "{upgrade.said}"' if upgrade.said else "after it agreed there was not a word"
        end(db, upgrade, UpgradeStatus.FAILED, f"The charger told nothing for an hour; {last}.", now)


def _ask_version(db: Session, upgrade: FirmwareUpgrade, charger: Charger, now: datetime) -> None:
    upgrade.checked_at = now
    if not charger.is_connected or charger.ocpp_version not in (None, "1.6"):
        return  # it will boot when it comes back
    try:
        with db.begin_nested():
            commands.queue(
                db, charger, "TriggerMessage", {"requestedMessage": "BootNotification"}, by="system", now=now
            )
    except DomainError:
        pass  # without an answer the time runs out


def _under_way(db: Session, charger_id: int) -> FirmwareUpgrade | None:
    latest = _LATEST.first(db.connection(), {"charger": charger_id})
    if latest is None or str(latest["status"]) not in _UNDER_WAY:
        return None
    upgrade = locked(db, latest["id"])
    return upgrade if upgrade.is_under_way else None
