"""The words of upgrades and campaigns as people read them."""

from domain.models.firmware import CampaignStatus, FirmwareUpgrade, UpgradeStatus

UPGRADES = {
    UpgradeStatus.WAITING: "Waiting",
    UpgradeStatus.ASKED: "Upgrading",
    UpgradeStatus.RUNNING: "Upgrading",
    UpgradeStatus.INSTALLED: "Installed",
    UpgradeStatus.FAILED: "Upgrade Failed",
    UpgradeStatus.LEFT_OUT: "Left out",
    UpgradeStatus.CANCELLED: "Cancelled",
}
CAMPAIGNS = {
    CampaignStatus.PROPOSED: "Needs agreement",
    CampaignStatus.RUNNING: "Running",
    CampaignStatus.PAUSED: "Paused",
    CampaignStatus.STOPPED: "Stopped",
    CampaignStatus.DONE: "Done",
    CampaignStatus.CANCELLED: "Cancelled",
}


def upgrade_word(upgrade: FirmwareUpgrade) -> str:
    return UPGRADES[upgrade.status]


def clock(minute: int) -> str:
    """
    >>> clock(1320)
    '22:00'
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"
