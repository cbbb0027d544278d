"""Firmware upgrades and log uploads, step by step, each step told to the central system."""

import asyncio
import re
import urllib.error
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from simulator import boot, transfers
from simulator.wire import CallRefused, Offline, Payload, Unanswered

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

# How a firmware file says what it is: `version=1.2.3` near its start, or a number in its name.
VERSION_IN_FILE = re.compile(rb"version\s*[=:]\s*([0-9A-Za-z.+-]{1,50})", re.IGNORECASE)
VERSION_IN_NAME = re.compile(r"\d+(?:\.\d+)+")
HEAD_BYTES = 4096


@dataclass(frozen=True)
class Upgrade:
    """An order to upgrade; with a `request_id` it is a signed one."""

    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    retries: int = 0
    retry_interval_s: int = 0
    request_id: int | None = None
    certificate: str = ""
    signature: str = ""


class Maintenance:
    """What goes on, and the last report of each kind for triggers."""

    def __init__(self, charger: "SimulatedCharger") -> None:
        self._charger = charger
        self._upgrade: asyncio.Task[None] | None = None
        self.diagnostics_status = "Idle"
        self.log_report: Payload = {"status": "Idle"}
        self.firmware_status = "Idle"
        self.signed_firmware_report: Payload = {"status": "Idle"}

    @property
    def is_upgrading(self) -> bool:
        return self._upgrade is not None and not self._upgrade.done()

    def upgrade(self, order: Upgrade) -> None:
        """The upgrade is under way; an earlier one is given up for it."""
        if self._upgrade:
            self._upgrade.cancel()
        self._upgrade = self._charger.spawn(self._upgrade_to(order))

    async def _upgrade_to(self, order: Upgrade) -> None:
        charger, wanted_end = self._charger, self._charger.spec.behaviour.firmware
        await self._wait_for(order.retrieve_at)
        await self._tell_firmware(order, "Downloading")
        if wanted_end == "silent":
            return
        fetched = None if wanted_end == "DownloadFailed" else await self._fetched(order)
        if fetched is None:
            await self._tell_firmware(order, "DownloadFailed")
            return
        await self._tell_firmware(order, "Downloaded")
        if order.request_id is not None and not await self._is_signature_good(order, fetched[0]):
            return
        await self._wait_for(order.install_at)
        await charger.until(lambda c: not any(place.transaction for place in c.places), None)
        await self._tell_firmware(order, "Installing")
        if wanted_end not in ("ok", "lies", "quiet"):
            await self._tell_firmware(order, wanted_end)
            return
        if wanted_end == "lies":
            await self._tell_firmware(order, "Installed")
            await boot.reboot(charger, "Reboot")
            return
        if order.request_id is not None:
            await self._tell_firmware(order, "InstallRebooting")
        charger.firmware = version_of(*fetched, charger.firmware)
        await boot.reboot(charger, "Reboot")
        if wanted_end != "quiet":
            await self._tell_firmware(order, "Installed")
        charger.security_event("FirmwareUpdated", charger.firmware)

    async def _fetched(self, order: Upgrade) -> tuple[bytes, str] | None:
        piece_bytes = self._charger.spec.behaviour.firmware_piece_bytes
        for attempt in range(order.retries + 1):
            if attempt:
                await self._charger.clock.sleep(order.retry_interval_s)
            try:
                return await asyncio.to_thread(transfers.download, order.location, self._charger.tls, piece_bytes)
            except (OSError, ValueError) as trouble:
                self._charger.note(f"firmware not downloaded: {trouble}")
        return None

    async def _is_signature_good(self, order: Upgrade, body: bytes) -> bool:
        from simulator import certificates  # needs cryptography, which is optional

        is_wanted = self._charger.spec.behaviour.firmware != "InvalidSignature"
        if is_wanted and certificates.is_signed(order.certificate, body, order.signature):
            await self._tell_firmware(order, "SignatureVerified")
            return True
        await self._tell_firmware(order, "InvalidSignature")
        self._charger.security_event("InvalidFirmwareSignature")
        return False

    async def _tell_firmware(self, order: Upgrade, status: str) -> None:
        self._charger.note(f"firmware {status}")
        if order.request_id is None:
            self.firmware_status = status
            await self._tell("FirmwareStatusNotification", {"status": status})
        else:
            self.signed_firmware_report = {"status": status, "requestId": order.request_id}
            await self._tell("SignedFirmwareStatusNotification", self.signed_firmware_report)

    async def upload_diagnostics(self, location: str, file_name: str, body: bytes, attempts: int, wait_s: int) -> None:
        self.diagnostics_status = "Uploading"
        await self._tell("DiagnosticsStatusNotification", {"status": "Uploading"})
        trouble = await self._uploaded(location, file_name, body, attempts, wait_s)
        status = "UploadFailed" if trouble else "Uploaded"
        await self._tell("DiagnosticsStatusNotification", {"status": status})
        self.diagnostics_status = "Idle"

    async def upload_log(
        self, request_id: int, location: str, file_name: str, body: bytes, attempts: int, wait_s: int
    ) -> None:
        self.log_report = {"status": "Uploading", "requestId": request_id}
        await self._tell("LogStatusNotification", self.log_report)
        trouble = await self._uploaded(location, file_name, body, attempts, wait_s)
        await self._tell("LogStatusNotification", {"status": trouble or "Uploaded", "requestId": request_id})
        self.log_report = {"status": "Idle"}

    async def _uploaded(self, location: str, file_name: str, body: bytes, attempts: int, wait_s: int) -> str | None:
        """None, or the UploadLogStatus that says what went wrong."""
        wanted_end = self._charger.spec.behaviour.upload
        trouble = None if wanted_end == "ok" else wanted_end
        for attempt in range(0 if trouble else attempts):
            if attempt:
                await self._charger.clock.sleep(wait_s)
            trouble = await self._upload_once(location, file_name, body)
            if trouble is None:
                break
        self._charger.note(f"{file_name} {trouble or 'uploaded'}")
        return trouble

    async def _upload_once(self, location: str, file_name: str, body: bytes) -> str | None:
        try:
            await asyncio.to_thread(transfers.upload, location, body, file_name, self._charger.tls)
        except ValueError:
            return "NotSupportedOperation"
        except urllib.error.HTTPError as refusal:
            return "PermissionDenied" if refusal.code in (401, 403) else "UploadFailure"
        except OSError:
            return "UploadFailure"
        return None

    async def _wait_for(self, at: datetime | None) -> None:
        if at is not None:
            await self._charger.clock.sleep(max(0.0, (at - self._charger.clock.now()).total_seconds()))

    async def _tell(self, action: str, payload: Payload) -> None:
        """The central system has taken or refused it; a lost line is waited for. Then a step's pause, to watch."""
        while True:
            await self._charger.until(lambda c: c.is_online and c.is_accepted, None)
            try:
                await self._charger.call(action, payload)
            except Offline:
                continue
            except (CallRefused, Unanswered):
                # Noted where it was sent; the work goes on without the answer.
                pass
            break
        await self._charger.clock.sleep(self._charger.spec.timing.step_s)


def version_of(body: bytes, name: str, before: str) -> str:
    """The version that a firmware file claims; without a claim, the next one after `before`.

    >>> version_of(b"", "wall22-2.4.1.bin", "2.4.0")
    '2.4.1'
    >>> version_of(b"", "image", "2.4.0")
    '2.4.1'
    """
    if said := VERSION_IN_FILE.search(body[:HEAD_BYTES]):
        return said[1].decode()
    if named := VERSION_IN_NAME.search(name):
        return named[0]
    head, _, last = before.rpartition(".")
    return f"{head}.{int(last) + 1}" if last.isdigit() else f"{before}.1"
