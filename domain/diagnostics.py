"""Diagnostics: a charger is asked to upload them, to an address of ours that is good for one upload."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import commands, secret_links
from domain.call_fields import stamp
from domain.errors import Conflict, Refused
from domain.files import FileStore, Written
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.diagnostics import DiagnosticsUpload
from domain.models.files import FileKind, StoredFile
from domain.models.secret_links import Purpose

KINDS = {
    "Diagnostics": "Diagnostics (GetDiagnostics)",
    "DiagnosticsLog": "Diagnostics log (GetLog, security extension)",
    "SecurityLog": "Security log (GetLog, security extension)",
}
MOST_BYTES = 64 * 1024**2
MOST_BYTES_OF_OPERATOR = 2 * 1024**3
LINK_LASTS = timedelta(hours=2)
KEPT_FOR = timedelta(days=30)
CHARGER_TRIES = 2  # beyond the first
TRY_AGAIN_S = 30
SECRET_LENGTH = 43  # of secret_links
# When a charger that began an upload is hardly at it any more.
TAKES_AT_MOST = timedelta(hours=1)


class QuotaExceeded(Conflict):
    """The operator's files take all the room that they may."""

    def __init__(self) -> None:
        super().__init__("The room for diagnostics is used up. Delete older files first.")


def ask(
    db: Session,
    charger: Charger,
    kind: str,
    public_url: str,
    *,
    by: str,
    now: datetime,
    address: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    wait_until_online_s: int | None = None,
) -> DiagnosticsUpload:
    """The charger is asked to upload; without an `address` to one of ours, good for one upload.

    Raises:
        ChargerOffline: it cannot be asked now.
        Refused: no such kind, or the times are the wrong way round.
    """
    if kind not in KINDS:
        raise Refused("Choose what to upload.", [("kind", "Choose what to upload.")])
    if since and until and since >= until:
        raise Refused("The end is before the beginning.", [("until", "Later than the beginning.")])
    upload = DiagnosticsUpload(
        operator_id=charger.operator_id,
        charger_id=charger.id,
        kind=kind,
        is_ours=address is None,
        asked_at=now,
        asked_by=by,
    )
    db.add(upload)
    db.flush()
    if address is None:
        wait = timedelta(seconds=wait_until_online_s or 0)
        secret = secret_links.make(db, Purpose.DIAGNOSTICS, upload.id, lasts=LINK_LASTS + wait, now=now)
        address = f"{public_url}/up/{secret}"
    action, payload = _call(upload, address, since, until)
    command = commands.queue(db, charger, action, payload, by=by, now=now, wait_until_online_s=wait_until_online_s)
    upload.command = command
    db.flush()
    return upload


def _call(
    upload: DiagnosticsUpload, address: str, since: datetime | None, until: datetime | None
) -> tuple[str, dict[str, Any]]:
    tries = {"retries": CHARGER_TRIES, "retryInterval": TRY_AGAIN_S}
    if upload.kind == "Diagnostics":
        window = {"startTime": stamp(since) if since else None, "stopTime": stamp(until) if until else None}
        return "GetDiagnostics", {"location": address, **tries} | {k: v for k, v in window.items() if v}
    window = {"oldestTimestamp": stamp(since) if since else None, "latestTimestamp": stamp(until) if until else None}
    log = {"remoteLocation": address} | {k: v for k, v in window.items() if v}
    return "GetLog", {"logType": upload.kind, "requestId": upload.id, **tries, "log": log}


def take_answer(db: Session, command: Command, _now: datetime) -> None:
    """The upload knows the file name that the charger announced; one that will not come is over."""
    upload = db.scalar(select(DiagnosticsUpload).where(DiagnosticsUpload.command_id == command.id))
    if upload is None:
        return
    if command.status is CommandStatus.ACCEPTED:
        answer = command.response or {}
        name = answer.get("fileName") or answer.get("filename")
        upload.file_name = name[:255] if isinstance(name, str) and name else None
    elif upload.is_ours and command.status is not CommandStatus.TIMEOUT:
        secret_links.end(db, Purpose.DIAGNOSTICS, upload.id)
    db.flush()


def note_status(db: Session, charger_id: int, status: str, request_id: int | None, now: datetime) -> None:
    """The upload that the charger speaks of shows that word. Without a number (quirk C13) it is the latest one."""
    if status == "Idle":
        return
    of_charger = select(DiagnosticsUpload).where(DiagnosticsUpload.charger_id == charger_id)
    if request_id is not None:
        found = db.scalar(of_charger.where(DiagnosticsUpload.id == request_id))
    else:
        found = db.scalar(of_charger.order_by(DiagnosticsUpload.id.desc()).limit(1))
    if found is not None and found.status != status:
        found.status, found.status_at = status, now
        db.flush()


def check(db: Session, secret: str, now: datetime) -> DiagnosticsUpload:
    """The upload that this address is for, if something may still be sent to it.

    Raises:
        NotFound: the address is used, too old, or never was.
        QuotaExceeded: the operator's files take all their room.
    """
    link = secret_links.find(db, Purpose.DIAGNOSTICS, secret, now)
    upload = db.get_one(DiagnosticsUpload, link.subject_id)
    if room_left(db, upload.operator_id, now) <= 0:
        raise QuotaExceeded
    return upload


def room_left(db: Session, operator_id: int, now: datetime) -> int:
    """How many bytes the operator's diagnostics may still take."""
    taken = select(func.coalesce(func.sum(StoredFile.size_bytes), 0)).where(
        StoredFile.operator_id == operator_id,
        StoredFile.kind == FileKind.DIAGNOSTICS,
        StoredFile.expires_at > now,
    )
    return MOST_BYTES_OF_OPERATOR - int(db.scalar(taken) or 0)


def receive(
    db: Session, files: FileStore, secret: str, written: Written, name: str | None, now: datetime
) -> DiagnosticsUpload:
    """What was written is the upload's file; the address is used up.

    Raises:
        NotFound: of two at the same moment one is too late.
        QuotaExceeded: others took the room meanwhile.
    """
    upload = db.get_one(DiagnosticsUpload, secret_links.use(db, Purpose.DIAGNOSTICS, secret, now))
    if written.size_bytes > room_left(db, upload.operator_id, now):
        raise QuotaExceeded
    charger = db.get_one(Charger, upload.charger_id)
    upload.stored_file = files.keep(
        db,
        written,
        kind=FileKind.DIAGNOSTICS,
        name=name or upload.file_name or f"{upload.kind.lower()}-{charger.device_id}.txt",
        content_type="application/octet-stream",
        operator_id=upload.operator_id,
        by=f"charger {charger.device_id}",
        now=now,
        lasts=KEPT_FOR,
    )
    upload.received_at = now
    db.flush()
    return upload


def of_charger(db: Session, charger_id: int, limit: int = 20) -> list[DiagnosticsUpload]:
    """The charger's uploads, the latest first."""
    newest = select(DiagnosticsUpload).where(DiagnosticsUpload.charger_id == charger_id)
    newest = newest.order_by(DiagnosticsUpload.id.desc()).limit(limit)
    return list(db.scalars(newest.execution_options(populate_existing=True)))


def sentence(upload: DiagnosticsUpload, now: datetime) -> tuple[str, str]:
    """Where an upload stands: a word, and a sentence that says more."""
    command = upload.command
    if upload.received_at is not None:
        return "Received", ""
    if command is None or command.status in (CommandStatus.QUEUED, CommandStatus.SENT):
        return "Asked", "The charger has not answered yet."
    if command.status is CommandStatus.REJECTED:
        return "Rejected", command.error or "The charger refuses: it may not know this command, or have no such log."
    if upload.status == "Uploaded":
        return ("Uploaded", "It says that it is done, but nothing came here. Look at its protocols: it must speak http."
                if upload.is_ours else "It lies at the address that was given.")  # fmt: skip
    if upload.status is not None and upload.status != "Uploading":
        return "Upload failed", _WHY.get(upload.status, f"The charger says {upload.status}.")
    if command.status is not CommandStatus.ACCEPTED and upload.status is None:
        return "Failed", command.error or "The charger did not answer."
    if json.loads(command.payload) and command.response in ({}, {"fileName": ""}) and upload.status is None:
        return "Nothing to upload", "The charger has no diagnostics for this time."
    if now - (upload.status_at or upload.asked_at) > TAKES_AT_MOST:
        return "No file", "The charger accepted, and nothing has come for an hour. Try again, or another kind."
    return "Uploading", "The charger is at it." if upload.status else "The charger accepted; the upload begins soon."


_WHY = {
    "UploadFailed": "The charger could not upload. It must reach this server, by http or https.",
    "UploadFailure": "The charger could not upload. It must reach this server, by http or https.",
    "PermissionDenied": "The charger was not let in: the address may have been used already.",
    "BadMessage": "The charger did not understand the request.",
    "NotSupportedOperation": "The charger does not speak this protocol. Give it an ftp address.",
}


def delete(db: Session, files: FileStore, upload: DiagnosticsUpload) -> None:
    """The file is gone; that it was there stays on record."""
    stored = upload.stored_file
    if stored is not None:
        files.path(stored).unlink(missing_ok=True)
        stored.expires_at = None
        db.flush()
