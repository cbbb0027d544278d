"""Releases: firmware that the platform publishes for a vendor's models, and which of them is the newest for whom."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cmp_to_key

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from domain import audit, firmware_signatures, firmware_versions
from domain.errors import Conflict, NotFound, Refused
from domain.firmware_versions import compare
from domain.models.chargers import Charger
from domain.models.files import StoredFile
from domain.models.firmware import FirmwareModel, FirmwareRelease, FirmwareUpgrade, UpgradeStatus

LONGEST_NAME, LONGEST_NOTES = 100, 10_000
MOST_MODELS, MOST_COMES_AFTER = 100, 100
NEEDED = "This is needed."


@dataclass(frozen=True)
class Described:
    """What a person says about a release."""

    vendor: str
    models: Sequence[str]
    version: str
    notes: str = ""
    comes_after: Sequence[str] = ()
    signature: str = ""
    signing_certificate: str = ""


def name_key(name: str) -> str:
    """The same for spellings of one vendor or model: case and spaces do not matter."""
    return " ".join(name.casefold().split())


def check(db: Session, about: Described, release: FirmwareRelease | None = None) -> None:
    """It can be published as far as its words go; `release` is the one that they would change.

    Raises:
        Refused: naming every field that is wrong.
    """
    errors = [
        *_line_errors("vendor", [about.vendor], LONGEST_NAME),
        *_line_errors("version", [about.version], firmware_versions.LONGEST),
        *_line_errors("models", about.models, LONGEST_NAME),
        *(_line_errors("comes_after", about.comes_after, firmware_versions.LONGEST) if about.comes_after else ()),
    ]
    if len(about.models) > MOST_MODELS:
        errors.append(("models", f"Name up to {MOST_MODELS} models."))
    if len(about.comes_after) > MOST_COMES_AFTER:
        errors.append(("comes_after", f"Name up to {MOST_COMES_AFTER} versions."))
    if len(about.notes) > LONGEST_NOTES:
        errors.append(("notes", f"Use up to {LONGEST_NOTES:,} characters."))
    version_key = firmware_versions.key(about.version)
    if version_key in {firmware_versions.key(each) for each in about.comes_after}:
        errors.append(("comes_after", "A version does not come after itself."))
    if bool(about.signature) != bool(about.signing_certificate):
        missing = "signing_certificate" if about.signature else "signature"
        errors.append((missing, "Signature and certificate belong together: give both or none."))
    if not errors and (twin := _twin(db, about, release)):
        errors.append(("version", f"{twin.version} for {twin.vendor} {_named(twin)} is published already."))
    if errors:
        raise Refused(errors[0][1], errors)


def publish(db: Session, stored: StoredFile, about: Described, *, by: str, now: datetime) -> FirmwareRelease:
    """The file is offered to every charger of those models that runs something older.

    Raises:
        Refused: a field is wrong, or the file or the version is published already.
    """
    check(db, about)
    twin = db.scalar(
        select(FirmwareRelease).where(FirmwareRelease.sha256 == stored.sha256, FirmwareRelease.is_published)
    )
    if twin is not None:
        sentence = f"This very file is published already, as {twin.vendor} {twin.version}."
        raise Refused(sentence, [("file", sentence)])
    if about.signature:
        firmware_signatures.check(about.signature, about.signing_certificate, stored.sha256)
    release = FirmwareRelease(
        vendor=about.vendor.strip(),
        version=about.version.strip(),
        notes=about.notes.strip(),
        comes_after=_lines(about.comes_after),
        file_id=stored.id,
        sha256=stored.sha256,
        signature=about.signature or None,
        signing_certificate=about.signing_certificate or None,
        published_at=now,
        published_by=by,
        is_published=True,
    )
    release.models = _models(release, about)
    try:
        with db.begin_nested():
            db.add(release)
    except IntegrityError:
        raise Conflict("Somebody else published this file or version in this moment.") from None
    _record(db, "published", release, by, now, version=release.version, sha256=release.sha256)
    return release


def change(db: Session, release: FirmwareRelease, about: Described, *, by: str, now: datetime) -> None:
    """The release has those models, notes and predecessors; vendor, version and file stay.

    Raises:
        Refused: a field is wrong.
        Conflict: it is withdrawn.
    """
    _check_published(release)
    check(db, about, release)
    release.notes, release.comes_after = about.notes.strip(), _lines(about.comes_after)
    release.models.clear()
    db.flush()
    release.models = _models(release, about)
    try:
        db.flush()
    except IntegrityError:
        raise Conflict("Somebody else published this version for one of the models in this moment.") from None
    _record(db, "changed", release, by, now, models=[each.model for each in release.models])


def withdraw(db: Session, release: FirmwareRelease, because: str, *, by: str, now: datetime) -> None:
    """Nobody is offered it any more, and what has not begun leaves it out; chargers that have it keep it.

    Raises:
        Conflict: it is withdrawn already.
        Refused: no reason.
    """
    _check_published(release)
    if not because.strip():
        raise Refused("Say why it is withdrawn.", [("because", "Say why: operators read this.")])
    release.is_published = False
    release.withdrawn_at, release.withdrawn_by, release.withdrawn_because = now, by, because.strip()
    for model in release.models:
        model.is_published = False
    db.flush()
    _record(db, "withdrawn", release, by, now, because=because.strip())


def get(db: Session, release_id: int) -> FirmwareRelease:
    """That release.

    Raises:
        NotFound: there is none.
    """
    release = db.get(FirmwareRelease, release_id)
    if release is None:
        raise NotFound("There is no such release.")
    return release


class Catalogue:
    """The published releases by model, as they are at one moment."""

    def __init__(self, releases: Iterable[FirmwareRelease]) -> None:
        self._of: Mapping[tuple[str, str], list[FirmwareRelease]] = defaultdict(list)
        for release in releases:
            for model in release.models:
                self._of[model.vendor_key, model.model_key].append(release)

    def of(self, vendor: str | None, model: str | None) -> list[FirmwareRelease]:
        """Every release for that model, the newest first as far as that can be told."""
        found = self._of.get((name_key(vendor or ""), name_key(model or "")), [])
        latest_first = sorted(found, key=lambda each: each.published_at, reverse=True)

        def place(one: FirmwareRelease, other: FirmwareRelease) -> int:
            return -(order(one.version, other.version, found) or 0)

        return sorted(latest_first, key=cmp_to_key(place))

    def target(self, vendor: str | None, model: str | None, version: str | None) -> FirmwareRelease | None:
        """The newest release, if it is newer than that version."""
        known = self.of(vendor, model)
        newer = [each for each in known if version and (order(each.version, version, known) or 0) > 0]
        return newer[0] if newer else None

    def choices(self, vendor: str | None, model: str | None, version: str | None) -> list[FirmwareRelease]:
        """What a person may choose: everything that is not known to be older or the same."""
        known = self.of(vendor, model)
        orders = [(each, order(each.version, version, known) if version else None) for each in known]
        return [each for each, told in orders if told is None or told > 0]


def catalogue(db: Session) -> Catalogue:
    """The published releases."""
    found = select(FirmwareRelease).where(FirmwareRelease.is_published).order_by(FirmwareRelease.id)
    return Catalogue(db.scalars(found.options(selectinload(FirmwareRelease.models), joinedload(FirmwareRelease.file))))


def order(one: str, other: str, known: Sequence[FirmwareRelease]) -> int | None:
    """As `compare`, but what people said about the order of releases counts first."""
    if firmware_versions.key(one) == firmware_versions.key(other):
        return 0
    if _follows(one, other, known, set()):
        return 1
    if _follows(other, one, known, set()):
        return -1
    return compare(one, other)


def _follows(one: str, other: str, known: Sequence[FirmwareRelease], seen: set[str]) -> bool:
    """Whether people said, directly or over others, that `one` comes after `other`."""
    key = firmware_versions.key(one)
    if key in seen:
        return False  # a circle
    seen.add(key)
    before = [
        each for release in known if firmware_versions.key(release.version) == key for each in release.comes_after
    ]
    wanted = firmware_versions.key(other)
    return any(
        firmware_versions.key(each) == wanted or compare(each, other) == 1 or _follows(each, other, known, seen)
        for each in before
    )


@dataclass(frozen=True)
class Spread:
    """How many chargers, of all operators, run a release, and how many of its models do not."""

    on_it: int = 0
    others: int = 0


def spread(db: Session, releases: Sequence[FirmwareRelease]) -> dict[int, Spread]:
    """Release id -> how far it has come."""
    told = (Charger.vendor, Charger.model, Charger.firmware_version)
    counted: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for vendor, model, version, count in db.execute(select(*told, func.count()).group_by(*told)):
        counted[name_key(vendor or ""), name_key(model or "")].append((version or "", count))
    found = {}
    for release in releases:
        fleet = [each for model in release.models for each in counted.get((model.vendor_key, model.model_key), [])]
        on_it = sum(count for version, count in fleet if compare(version, release.version) == 0)
        found[release.id] = Spread(on_it, sum(count for _, count in fleet) - on_it)
    return found


def plans(db: Session, release: FirmwareRelease) -> int:
    """How many chargers wait to be upgraded to it."""
    waiting = select(func.count()).where(
        FirmwareUpgrade.release_id == release.id, FirmwareUpgrade.status == UpgradeStatus.WAITING
    )
    return db.scalar(waiting) or 0


def known_models(db: Session) -> list[tuple[str, str]]:
    """The vendors and models that chargers, of all operators, have told."""
    told = select(Charger.vendor, Charger.model).where(Charger.vendor.is_not(None), Charger.model.is_not(None))
    return [(str(vendor), str(model)) for vendor, model in db.execute(told.distinct().limit(500))]


def _check_published(release: FirmwareRelease) -> None:
    if not release.is_published:
        raise Conflict(f"{release.vendor} {release.version} is withdrawn.")


def _twin(db: Session, about: Described, release: FirmwareRelease | None) -> FirmwareRelease | None:
    same = (
        select(FirmwareRelease)
        .join(FirmwareModel)
        .where(
            FirmwareModel.is_published,
            FirmwareModel.vendor_key == name_key(about.vendor),
            FirmwareModel.model_key.in_([name_key(each) for each in about.models]),
            FirmwareModel.version_key == firmware_versions.key(about.version),
        )
    )
    if release is not None:
        same = same.where(FirmwareRelease.id != release.id)
    return db.scalars(same).first()


def _models(release: FirmwareRelease, about: Described) -> list[FirmwareModel]:
    return [
        FirmwareModel(
            model=each,
            vendor_key=name_key(about.vendor),
            model_key=name_key(each),
            version_key=firmware_versions.key(release.version),
            is_published=True,
        )
        for each in {name_key(each): each for each in _lines(about.models)}.values()
    ]


def _lines(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _line_errors(field: str, texts: Sequence[str], longest: int) -> list[tuple[str, str]]:
    if not any(text.strip() for text in texts):
        return [(field, NEEDED)]
    if any(len(text) > longest or not text.strip().isprintable() for text in texts):
        return [(field, f"Use up to {longest} characters, without control characters.")]
    return []


def _named(release: FirmwareRelease) -> str:
    return ", ".join(each.model for each in release.models)


def _record(db: Session, verb: str, release: FirmwareRelease, by: str, now: datetime, **detail: object) -> None:
    audit.record(db, verb, "firmware_release", release.id, operator_id=None, by=by, now=now, **detail)
