"""Firmware: the releases that the platform publishes, campaigns, and each charger's upgrades."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.db import Base, words
from domain.models.chargers import Charger
from domain.models.files import StoredFile

_PUBLISHED = text("is_published")
_OPEN = text("status IN ('waiting', 'asked', 'running')")


class FirmwareRelease(Base):
    """One version of a vendor's firmware, for one or several models."""

    __tablename__ = "firmware_release"
    __table_args__ = (
        Index("uq_firmware_release_file", "sha256", unique=True, sqlite_where=_PUBLISHED, postgresql_where=_PUBLISHED),
        CheckConstraint("(signature IS NULL) = (signing_certificate IS NULL)", name="signature_whole"),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    vendor: Mapped[str]  # as the chargers report it
    version: Mapped[str]
    notes: Mapped[str]
    comes_after: Mapped[list[str]]  # versions that it replaces, where their names do not tell
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    sha256: Mapped[str]
    signature: Mapped[str | None]  # Base64, over the file
    signing_certificate: Mapped[str | None]  # PEM
    published_at: Mapped[datetime]
    published_by: Mapped[str]
    is_published: Mapped[bool] = mapped_column(default=True)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_because: Mapped[str | None]

    file: Mapped[StoredFile] = relationship()
    models: Mapped[list["FirmwareModel"]] = relationship(
        order_by="FirmwareModel.model", cascade="all, delete-orphan", back_populates="release"
    )

    @property
    def is_signed(self) -> bool:
        return self.signature is not None


class FirmwareModel(Base):
    """A model that a release is for. Keys are compared, the rest is shown."""

    __tablename__ = "firmware_model"
    __table_args__ = (
        UniqueConstraint("release_id", "model_key"),
        # The same version twice for one model: only one of them may be offered.
        Index(
            "uq_firmware_model_version",
            "vendor_key",
            "model_key",
            "version_key",
            unique=True,
            sqlite_where=_PUBLISHED,
            postgresql_where=_PUBLISHED,
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("firmware_release.id"))
    model: Mapped[str]
    vendor_key: Mapped[str]
    model_key: Mapped[str]
    version_key: Mapped[str]
    is_published: Mapped[bool] = mapped_column(default=True)  # as its release

    release: Mapped[FirmwareRelease] = relationship(back_populates="models")


class CampaignStatus(StrEnum):
    """proposed -> running <-> paused | stopped; any of them -> done | cancelled."""

    PROPOSED = "proposed"  # a second person has to agree
    RUNNING = "running"
    PAUSED = "paused"  # by a person
    STOPPED = "stopped"  # by too many failures
    DONE = "done"
    CANCELLED = "cancelled"


class FirmwareCampaign(Base):
    """Many chargers' upgrades: some first, the others in waves."""

    __tablename__ = "firmware_campaign"
    __table_args__ = (
        UniqueConstraint("operator_id", "id"),
        CheckConstraint("canaries >= 0 AND wave >= 0 AND stop_after >= 0", name="counts_not_negative"),
        CheckConstraint("(window_from IS NULL) = (window_until IS NULL)", name="window_whole"),
        CheckConstraint("ends_at > starts_at", name="ends_later"),
        Index(
            "ix_firmware_campaign_running",
            "id",
            sqlite_where=text("status = 'running'"),
            postgresql_where=text("status = 'running'"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    name: Mapped[str]
    status: Mapped[CampaignStatus] = mapped_column(words(CampaignStatus))
    canaries: Mapped[int]  # how many go first, as wave 0
    wave: Mapped[int]  # chargers up to this wave may begin
    window_from: Mapped[int | None]  # minutes after midnight at the charger's station
    window_until: Mapped[int | None]
    stop_after: Mapped[int]  # failures; 0: never
    forgiven: Mapped[int] = mapped_column(default=0)  # failures that a person has seen and gone on after
    during_sessions: Mapped[bool]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # what has not begun by then is left out
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    approved_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    sentence: Mapped[str | None]  # why it stopped

    @property
    def is_over(self) -> bool:
        return self.status in (CampaignStatus.DONE, CampaignStatus.CANCELLED)


class UpgradeStatus(StrEnum):
    """waiting -> asked -> running -> installed | failed;  waiting -> left_out;  all open ones -> cancelled."""

    WAITING = "waiting"
    ASKED = "asked"  # the command exists; whether the charger heard it is not known yet
    RUNNING = "running"  # it agreed, or was seen at work
    INSTALLED = "installed"
    FAILED = "failed"
    LEFT_OUT = "left_out"
    CANCELLED = "cancelled"


class FirmwareUpgrade(Base):
    """One charger's way to one release. Of a charger's upgrades only one is open at a time."""

    __tablename__ = "firmware_upgrade"
    __table_args__ = (
        ForeignKeyConstraint(["operator_id", "charger_id"], ["charger.operator_id", "charger.id"]),
        ForeignKeyConstraint(["operator_id", "campaign_id"], ["firmware_campaign.operator_id", "firmware_campaign.id"]),
        CheckConstraint("wave >= 0 AND attempt >= 1", name="counts_known"),
        CheckConstraint("ends_at > not_before", name="ends_later"),
        Index(None, "charger_id", "id"),
        Index(None, "campaign_id", "wave"),
        Index("uq_firmware_upgrade_open", "charger_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    charger_id: Mapped[int]
    release_id: Mapped[int] = mapped_column(ForeignKey("firmware_release.id"), index=True)
    campaign_id: Mapped[int | None]
    wave: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=1)
    is_latest: Mapped[bool] = mapped_column(default=True)  # of its charger in its campaign; a retry takes over
    status: Mapped[UpgradeStatus] = mapped_column(words(UpgradeStatus), default=UpgradeStatus.WAITING)
    during_session: Mapped[bool]
    not_before: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime]
    asked_by: Mapped[str]

    # From when it was asked.
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"), index=True)
    is_signed: Mapped[bool] = mapped_column(default=False)  # SignedUpdateFirmware; its request id is this row's id
    asked_at: Mapped[datetime | None]
    from_version: Mapped[str | None]
    status_before: Mapped[str | None]  # the firmware status that the charger showed then
    fetched_at: Mapped[datetime | None]  # when it first took some of the file
    said: Mapped[str | None]  # its last firmware status since
    said_installed_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # when it was asked to tell its version again
    seen_at: Mapped[datetime | None]  # the last sign that it is at work
    ended_at: Mapped[datetime | None]
    sentence: Mapped[str | None]  # what came of it, for people

    charger: Mapped[Charger] = relationship(
        viewonly=True, primaryjoin="FirmwareUpgrade.charger_id == Charger.id", foreign_keys="FirmwareUpgrade.charger_id"
    )
    release: Mapped[FirmwareRelease] = relationship()
    campaign: Mapped[FirmwareCampaign | None] = relationship(
        viewonly=True,
        primaryjoin="FirmwareUpgrade.campaign_id == FirmwareCampaign.id",
        foreign_keys="FirmwareUpgrade.campaign_id",
    )

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY


UNDER_WAY = (UpgradeStatus.ASKED, UpgradeStatus.RUNNING)
OPEN = (UpgradeStatus.WAITING, *UNDER_WAY)
# Written out, not bound: databases only then see that the index of open upgrades serves.
IS_OPEN = text("firmware_upgrade.status IN ('waiting', 'asked', 'running')")
DECIDED = (UpgradeStatus.INSTALLED, UpgradeStatus.FAILED)
