"""How a charger's firmware stands, in the operators' four words: from its version, the releases, and its upgrades."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, case, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import Session, joinedload

from domain import firmware_releases
from domain.firmware_releases import Catalogue
from domain.models.chargers import Charger
from domain.models.firmware import DECIDED, OPEN, UNDER_WAY, FirmwareRelease, FirmwareUpgrade, UpgradeStatus

Triple = tuple[str, str, str]  # vendor, model, version as a charger reports them


class FirmwareWord(StrEnum):
    """What the list and the charger's page say."""

    UP_TO_DATE = "No upgrade required"
    UPGRADEABLE = "Upgradeable"
    UPGRADING = "Upgrading"
    FAILED = "Upgrade Failed"
    NOT_KNOWN = "Not known yet"  # none of the four: the charger has not told what it is and what it runs


@dataclass(frozen=True)
class FirmwareState:
    """One charger's word, with a sentence that explains it."""

    word: FirmwareWord
    sentence: str
    target: FirmwareRelease | None = None
    open: FirmwareUpgrade | None = None  # waiting or under way
    last: FirmwareUpgrade | None = None  # the last that succeeded or failed


# What goes on, by the charger's last firmware status.
_STEPS = {
    "Downloading": "Downloading",
    "DownloadScheduled": "Will download",
    "DownloadPaused": "Download paused for",
    "Downloaded": "Downloaded",
    "SignatureVerified": "Signature verified of",
    "InstallScheduled": "Will install",
    "Installing": "Installing",
    "InstallRebooting": "Restarting into",
    "Installed": "Said to be installed, waiting for it to start with",
}


def step(upgrade: FirmwareUpgrade) -> str:
    """What an open upgrade is at: "Downloading 2.9.0"."""
    version = upgrade.release.version
    if upgrade.status is UpgradeStatus.WAITING:
        return f"Waiting to be upgraded to {version}"
    if upgrade.said is None:
        return f"Fetching {version}" if upgrade.fetched_at else f"Asked to upgrade to {version}"
    return f"{_STEPS.get(upgrade.said, upgrade.said)} {version}"


def states(db: Session, chargers: Sequence[Charger], known: Catalogue | None = None) -> dict[int, FirmwareState]:
    """Charger id -> how its firmware stands."""
    known = known or firmware_releases.catalogue(db)
    ids = [charger.id for charger in chargers]
    is_open = select(FirmwareUpgrade).where(FirmwareUpgrade.charger_id.in_(ids), FirmwareUpgrade.status.in_(OPEN))
    open_ones = {each.charger_id: each for each in db.scalars(_with_release(is_open))}
    latest = select(func.max(FirmwareUpgrade.id)).where(
        FirmwareUpgrade.charger_id.in_(ids), FirmwareUpgrade.status.in_(DECIDED)
    )
    decided = select(FirmwareUpgrade).where(FirmwareUpgrade.id.in_(latest.group_by(FirmwareUpgrade.charger_id)))
    last_ones = {each.charger_id: each for each in db.scalars(_with_release(decided))}
    return {each.id: _state(each, known, open_ones.get(each.id), last_ones.get(each.id)) for each in chargers}


def _with_release(found: Select[FirmwareUpgrade]) -> Select[FirmwareUpgrade]:
    return found.options(joinedload(FirmwareUpgrade.release), joinedload(FirmwareUpgrade.campaign))


def _state(
    charger: Charger, known: Catalogue, current: FirmwareUpgrade | None, last: FirmwareUpgrade | None
) -> FirmwareState:
    target = known.target(charger.vendor, charger.model, charger.firmware_version)
    if current is not None and current.status in UNDER_WAY:
        return FirmwareState(FirmwareWord.UPGRADING, f"{step(current)}.", target, current, last)
    if target is None:
        sentence = _why_none(charger, known.of(charger.vendor, charger.model))
        has_told = None not in (charger.vendor, charger.model, charger.firmware_version)
        word = FirmwareWord.UP_TO_DATE if has_told else FirmwareWord.NOT_KNOWN
        return FirmwareState(word, sentence, None, current, last)
    if last is not None and last.status is UpgradeStatus.FAILED:
        return FirmwareState(FirmwareWord.FAILED, last.sentence or "", target, current, last)
    sentence = f"{step(current)}." if current else f"Version {target.version} is available."
    return FirmwareState(FirmwareWord.UPGRADEABLE, sentence, target, current, last)


def _why_none(charger: Charger, releases: Sequence[FirmwareRelease]) -> str:
    if not releases:
        return (
            "No firmware is published for this model." if charger.model else "The charger has not told its model yet."
        )
    newest, version = releases[0], charger.firmware_version
    if version is None:
        return f"The charger has not told its version; the newest one published is {newest.version}."
    if any(firmware_releases.order(each.version, version, releases) is None for each in releases):
        return (
            f"Whether {newest.version} is newer than {version} cannot be told from the names. "
            "Platform staff can say which version it comes after."
        )
    return (
        f"Version {version} is the newest one published."
        if _is_at(newest, version, releases)
        else (f"Version {version} is newer than every published one.")
    )


def _is_at(release: FirmwareRelease, version: str, releases: Sequence[FirmwareRelease]) -> bool:
    return firmware_releases.order(release.version, version, releases) == 0


# --- The same word in SQL, for filters and counts -----------------------------------------------------------------


def upgradeable(db: Session, operator_id: int | None) -> list[Triple]:
    """Which of the vendors, models and versions that the operator has could be upgraded."""
    known = firmware_releases.catalogue(db)
    told = (Charger.vendor, Charger.model, Charger.firmware_version)
    found = select(*told).where(Charger.operator_id == operator_id, *(each.is_not(None) for each in told)).distinct()
    triples = [(str(vendor), str(model), str(version)) for vendor, model, version in db.execute(found)]
    return [triple for triple in triples if known.target(*triple) is not None]


def firmware_word(triples: Iterable[Triple]) -> ColumnElement[str]:
    """The charger's FirmwareWord as an expression on Charger; `triples` are those of `upgradeable`."""
    mine = FirmwareUpgrade.charger_id == Charger.id
    under_way = exists(select(FirmwareUpgrade.id).where(mine, FirmwareUpgrade.status.in_(UNDER_WAY)))
    last = select(FirmwareUpgrade.status).where(mine, FirmwareUpgrade.status.in_(DECIDED))
    last_status = last.order_by(FirmwareUpgrade.id.desc()).limit(1).correlate(Charger).scalar_subquery()
    listed = list(triples)
    told = tuple_(Charger.vendor, Charger.model, Charger.firmware_version)
    can = told.in_(listed) if listed else false()
    return case(
        (under_way, FirmwareWord.UPGRADING.value),
        (can & (last_status == UpgradeStatus.FAILED), FirmwareWord.FAILED.value),
        (can, FirmwareWord.UPGRADEABLE.value),
        (
            or_(Charger.vendor.is_(None), Charger.model.is_(None), Charger.firmware_version.is_(None)),
            FirmwareWord.NOT_KNOWN.value,
        ),
        else_=FirmwareWord.UP_TO_DATE.value,
    )


def counts(db: Session, operator_id: int | None) -> dict[FirmwareWord, int]:
    """How many of the operator's chargers have which word."""
    word = firmware_word(upgradeable(db, operator_id)).label("word")
    each = select(word).where(Charger.operator_id == operator_id).subquery()
    found = {
        FirmwareWord(name): count for name, count in db.execute(select(each.c.word, func.count()).group_by(each.c.word))
    }
    return {word: found.get(word, 0) for word in FirmwareWord}
