"""Campaigns: many chargers upgraded in waves, the first few before all others, stopped when too many fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session, joinedload

from domain import audit, firmware_releases, firmware_upgrades, paging
from domain.errors import Conflict, DomainError, NotFound, Refused
from domain.firmware_upgrades import DAY_MINUTES, LONGEST_WAIT
from domain.models.chargers import Charger
from domain.models.firmware import (
    OPEN,
    UNDER_WAY,
    CampaignStatus,
    FirmwareCampaign,
    FirmwareRelease,
    FirmwareUpgrade,
    UpgradeStatus,
)
from domain.models.operators import UserAccount
from domain.models.stations import Station
from domain.rights import Right, may

LONGEST_NAME = 80
MOST_CHARGERS = 5000
ALONE_DELAY = timedelta(hours=24)  # where a second person should agree and there is none
AGAIN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Plan:
    """How a campaign shall go."""

    name: str
    starts_at: datetime
    ends_at: datetime
    canaries: int = 1
    wave_size: int | None = None  # or in percent of all; neither: everybody at once
    wave_percent: int | None = None
    window: tuple[int, int] | None = None  # minutes after midnight at each charger's station
    stop_after: int = 1
    during_sessions: bool = False


def check(plan: Plan, now: datetime) -> None:
    """The plan makes sense.

    Raises:
        Refused: naming every field that is wrong.
    """
    errors = []
    if not plan.name.strip() or len(plan.name) > LONGEST_NAME or not plan.name.isprintable():
        errors.append(("name", f"Give a name of up to {LONGEST_NAME} characters."))
    if not 0 <= plan.canaries <= MOST_CHARGERS:
        errors.append(("canaries", "Use 0 or more."))
    if plan.wave_size is not None and not 1 <= plan.wave_size <= MOST_CHARGERS:
        errors.append(("wave", "Use 1 or more chargers."))
    if plan.wave_percent is not None and not 1 <= plan.wave_percent <= 100:
        errors.append(("wave", "Use 1 to 100 percent."))
    if plan.window is not None and not all(0 <= minute <= DAY_MINUTES for minute in plan.window):
        errors.append(("window_from", "Type times from 00:00 to 24:00."))
    if plan.window is not None and plan.window[0] == plan.window[1]:
        errors.append(("window_until", "The window is empty."))
    if not 0 <= plan.stop_after <= MOST_CHARGERS:
        errors.append(("stop_after", "Use 0 (never) or more."))
    if not max(plan.starts_at, now) < plan.ends_at <= now + LONGEST_WAIT:
        errors.append(("ends_at", f"The end must be later than the beginning and within {LONGEST_WAIT.days} days."))
    if errors:
        raise Refused(errors[0][1], errors)


def begin(
    db: Session,
    operator_id: int,
    plan: Plan,
    picks: Sequence[tuple[Charger, FirmwareRelease]],
    *,
    by: str,
    needs_second: bool = False,
    now: datetime,
) -> FirmwareCampaign:
    """The campaign runs, or waits for a second person; every charger has its place in a wave.

    Args:
        db: the database.
        operator_id: whose chargers they are.
        plan: how it shall go.
        picks: the chargers with the release for each; those that go first come first.
        by: an e-mail.
        needs_second: whether somebody else has to agree; where nobody could, it begins a day later instead.
        now: the present moment.

    Raises:
        Refused: the plan makes no sense, there is no charger, or one cannot be upgraded to its release.
        Conflict: a charger has an open upgrade.
    """
    check(plan, now)
    if not picks:
        raise Refused("Pick at least one charger.", [("pick", "Pick at least one charger.")])
    if len(picks) > MOST_CHARGERS:
        raise Refused(f"A campaign takes up to {MOST_CHARGERS:,} chargers.")
    has_second = needs_second and can_agree(db, operator_id, by)
    starts_at = max(plan.starts_at, now + ALONE_DELAY if needs_second and not has_second else now)
    campaign = FirmwareCampaign(
        operator_id=operator_id,
        name=plan.name.strip(),
        status=CampaignStatus.PROPOSED if has_second else CampaignStatus.RUNNING,
        canaries=min(plan.canaries, len(picks)),
        wave=0 if plan.canaries else 1,
        window_from=plan.window[0] if plan.window else None,
        window_until=plan.window[1] if plan.window else None,
        stop_after=plan.stop_after,
        forgiven=0,
        during_sessions=plan.during_sessions,
        starts_at=starts_at,
        ends_at=max(plan.ends_at, starts_at + timedelta(hours=1)),
        created_at=now,
        created_by=by,
    )
    db.add(campaign)
    db.flush()
    size = _wave_size(plan, len(picks))
    for place, (charger, release) in enumerate(picks):
        wave = 0 if place < campaign.canaries else 1 + (place - campaign.canaries) // size
        firmware_upgrades.plan(
            db,
            charger,
            release,
            by=by,
            now=now,
            not_before=starts_at,
            ends_at=campaign.ends_at,
            during_session=plan.during_sessions,
            campaign=campaign,
            wave=wave,
        )
    _record(db, "planned", campaign, by, now, chargers=len(picks))
    return campaign


def _wave_size(plan: Plan, count: int) -> int:
    if plan.wave_size is not None:
        return plan.wave_size
    if plan.wave_percent is not None:
        return max(1, -(-count * plan.wave_percent // 100))
    return max(1, count)


def can_agree(db: Session, operator_id: int, by: str) -> bool:
    """Whether somebody else of that operator may agree to a campaign."""
    others = select(UserAccount).where(
        UserAccount.operator_id == operator_id, UserAccount.is_active, UserAccount.email != by
    )
    return any(may(user.role, Right.FIRMWARE_UPGRADE) for user in db.scalars(others))


def get(db: Session, operator_id: int | None, campaign_id: int, *, to_change: bool = False) -> FirmwareCampaign:
    """The operator's campaign; one to change is changed by nobody else until the transaction ends.

    Raises:
        NotFound: there is none, or it is another operator's.
    """
    found = select(FirmwareCampaign).where(
        FirmwareCampaign.id == campaign_id, FirmwareCampaign.operator_id == operator_id
    )
    campaign = db.scalar(found.with_for_update() if to_change else found)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


# --- People's part ------------------------------------------------------------------------------------------------


def approve(db: Session, campaign: FirmwareCampaign, *, by: str, now: datetime) -> None:
    """The campaign runs.

    Raises:
        Conflict: it does not wait for anybody.
        Refused: it is the same person's.
    """
    if campaign.status is not CampaignStatus.PROPOSED:
        raise Conflict("This campaign waits for nobody's agreement.")
    if by == campaign.created_by:
        raise Refused("You planned it: somebody else has to agree.")
    campaign.status, campaign.approved_by = CampaignStatus.RUNNING, by
    db.flush()
    _record(db, "approved", campaign, by, now)


def pause(db: Session, campaign: FirmwareCampaign, *, by: str, now: datetime) -> None:
    """No further charger begins; those under way go on.

    Raises:
        Conflict: it does not run.
    """
    if campaign.status is not CampaignStatus.RUNNING:
        raise Conflict("Only a campaign that runs can be paused.")
    campaign.status, campaign.sentence = CampaignStatus.PAUSED, f"Paused by {by}."
    db.flush()
    _record(db, "paused", campaign, by, now)


def resume(db: Session, campaign: FirmwareCampaign, *, by: str, now: datetime) -> None:
    """Chargers begin again; the failures so far count no more.

    Raises:
        Conflict: it does not rest.
    """
    if campaign.status not in (CampaignStatus.PAUSED, CampaignStatus.STOPPED):
        raise Conflict("This campaign does not rest.")
    campaign.status, campaign.sentence = CampaignStatus.RUNNING, None
    campaign.forgiven = counts(db, campaign.id)[UpgradeStatus.FAILED]
    db.flush()
    _record(db, "resumed", campaign, by, now)


def cancel(db: Session, campaign: FirmwareCampaign, *, by: str, now: datetime) -> None:
    """Chargers that wait are not upgraded; those under way go on to their end.

    Raises:
        Conflict: it is over.
    """
    if campaign.is_over:
        raise Conflict("This campaign is over.")
    waiting = and_(FirmwareUpgrade.campaign_id == campaign.id, FirmwareUpgrade.status == UpgradeStatus.WAITING)
    gone = {"status": UpgradeStatus.CANCELLED, "ended_at": now, "sentence": f"Cancelled by {by}."}
    db.execute(update(FirmwareUpgrade).where(waiting).values(**gone).execution_options(synchronize_session="fetch"))
    campaign.status, campaign.ended_at, campaign.sentence = CampaignStatus.CANCELLED, now, f"Cancelled by {by}."
    db.flush()
    _record(db, "cancelled", campaign, by, now)


def retry(db: Session, campaign: FirmwareCampaign, *, by: str, now: datetime) -> tuple[int, list[str]]:
    """Its chargers that failed or were left out are upgraded once more, at once.

    Returns: how many, and for each that cannot be a sentence.

    Raises:
        Conflict: nobody has agreed to the campaign yet, or there is none to try again.
    """
    if campaign.status is CampaignStatus.PROPOSED:
        raise Conflict("This campaign has not begun.")
    again = select(FirmwareUpgrade).where(
        FirmwareUpgrade.campaign_id == campaign.id,
        FirmwareUpgrade.is_latest,
        FirmwareUpgrade.status.in_((UpgradeStatus.FAILED, UpgradeStatus.LEFT_OUT)),
    )
    if campaign.ends_at <= now or campaign.is_over:
        campaign.ends_at = now + AGAIN_FOR
    count, cannot = 0, []
    for old in db.scalars(again.order_by(FirmwareUpgrade.wave, FirmwareUpgrade.id)).all():
        try:
            with db.begin_nested():
                old.is_latest = False
                charger = db.get_one(Charger, old.charger_id)
                firmware_upgrades.plan(
                    db,
                    charger,
                    old.release,
                    by=by,
                    now=now,
                    ends_at=campaign.ends_at,
                    during_session=campaign.during_sessions,
                    campaign=campaign,
                    wave=min(old.wave, campaign.wave),
                    attempt=old.attempt + 1,
                )
            count += 1
        except DomainError as refusal:
            cannot.append(str(refusal))
    if count == 0:
        raise Conflict(cannot[0] if cannot else "No charger of this campaign has failed.")
    campaign.status, campaign.ended_at, campaign.sentence = CampaignStatus.RUNNING, None, None
    campaign.forgiven = counts(db, campaign.id)[UpgradeStatus.FAILED]
    db.flush()
    _record(db, "failed ones tried again", campaign, by, now, chargers=count)
    return count, cannot


# --- The clock's part -----------------------------------------------------------------------------------------------


def to_advance(db: Session, now: datetime) -> list[int]:
    """The campaigns that `advance` would change; takes no lock."""
    running = select(FirmwareCampaign).where(FirmwareCampaign.status == CampaignStatus.RUNNING)
    return [
        campaign.id
        for campaign in db.scalars(running.order_by(FirmwareCampaign.id))
        if _is_done(db, campaign) or _stop(db, campaign) is not None or _next_wave(db, campaign, now) is not None
    ]


def advance(db: Session, campaign_id: int, now: datetime) -> None:
    """The campaign has stopped if too many failed, is done if none is left, or has let the next wave begin."""
    campaign = db.scalar(select(FirmwareCampaign).where(FirmwareCampaign.id == campaign_id).with_for_update())
    if campaign is None or campaign.status is not CampaignStatus.RUNNING:
        return
    if _is_done(db, campaign):
        campaign.status, campaign.ended_at, campaign.sentence = CampaignStatus.DONE, now, None
    elif (sentence := _stop(db, campaign)) is not None:
        campaign.status, campaign.sentence = CampaignStatus.STOPPED, sentence
    elif (wave := _next_wave(db, campaign, now)) is not None:
        campaign.wave = wave
    db.flush()


def _is_done(db: Session, campaign: FirmwareCampaign) -> bool:
    left = select(FirmwareUpgrade.id).where(
        FirmwareUpgrade.campaign_id == campaign.id, FirmwareUpgrade.status.in_(OPEN)
    )
    return db.scalar(left.limit(1)) is None


def _stop(db: Session, campaign: FirmwareCampaign) -> str | None:
    """Why it has to stop."""
    failed = counts(db, campaign.id)[UpgradeStatus.FAILED] - campaign.forgiven
    if failed <= 0:
        return None
    if campaign.wave == 0 and campaign.canaries:
        return "A charger that went first has failed, so the others were not asked. Look at it, then go on or cancel."
    if campaign.stop_after and failed >= campaign.stop_after:
        chargers = "charger has" if failed == 1 else "chargers have"
        return f"Stopped: {failed} {chargers} failed. Look at them, then go on, try them again, or cancel."
    return None


def _next_wave(db: Session, campaign: FirmwareCampaign, now: datetime) -> int | None:
    """The next wave, if nobody of this one is at it or could be: who is offline or charging now comes later.

    Only where somebody of a later wave could begin; outside the window nobody can.
    """
    mine = FirmwareUpgrade.campaign_id == campaign.id
    at_it = select(FirmwareUpgrade.id).where(mine, FirmwareUpgrade.status.in_(UNDER_WAY))
    if db.scalar(at_it.limit(1)) is not None:
        return None
    first = (
        select(func.min(FirmwareUpgrade.wave))
        .join(Charger, Charger.id == FirmwareUpgrade.charger_id)
        .join(Station, Station.id == Charger.station_id)
        .where(mine, *firmware_upgrades.may_begin(db, now))
    )
    wave = db.scalar(first)
    if wave is None or wave <= campaign.wave:
        return None
    return None if campaign.wave == 0 and not _canary_sang(db, campaign) else wave


def _canary_sang(db: Session, campaign: FirmwareCampaign) -> bool:
    """Whether one of those that go first has shown that the firmware works, or none of them is left to."""
    first = select(FirmwareUpgrade.status).where(
        FirmwareUpgrade.campaign_id == campaign.id, FirmwareUpgrade.wave == 0, FirmwareUpgrade.is_latest
    )
    statuses = set(db.scalars(first))
    return UpgradeStatus.INSTALLED in statuses or not statuses & set(OPEN)


# --- What there is to see -------------------------------------------------------------------------------------------


def counts(db: Session, campaign_id: int) -> dict[UpgradeStatus, int]:
    """How many of its chargers are how far."""
    return counts_of(db, [campaign_id])[campaign_id]


def counts_of(db: Session, campaign_ids: Sequence[int]) -> dict[int, dict[UpgradeStatus, int]]:
    """The same for several campaigns."""
    found = {campaign_id: dict.fromkeys(UpgradeStatus, 0) for campaign_id in campaign_ids}
    each = (
        select(FirmwareUpgrade.campaign_id, FirmwareUpgrade.status, func.count())
        .where(FirmwareUpgrade.campaign_id.in_(campaign_ids), FirmwareUpgrade.is_latest)
        .group_by(FirmwareUpgrade.campaign_id, FirmwareUpgrade.status)
    )
    for campaign_id, status, count in db.execute(each):
        found[campaign_id or 0][status] = count
    return found


def upgrades(db: Session, campaign_id: int) -> list[FirmwareUpgrade]:
    """Each charger's upgrade, those that need a person first, then by wave."""
    rank = {UpgradeStatus.FAILED: 0, UpgradeStatus.RUNNING: 1, UpgradeStatus.ASKED: 1, UpgradeStatus.WAITING: 2}
    found = select(FirmwareUpgrade).where(FirmwareUpgrade.campaign_id == campaign_id, FirmwareUpgrade.is_latest)
    loaded = found.options(
        joinedload(FirmwareUpgrade.charger).joinedload(Charger.station), joinedload(FirmwareUpgrade.release)
    )
    return sorted(
        db.scalars(loaded), key=lambda each: (rank.get(each.status, 3), each.wave, each.charger.label, each.id)
    )


def page(
    db: Session, campaign_id: int, statuses: Sequence[UpgradeStatus], cursor: str | None, limit: int
) -> paging.Page[FirmwareUpgrade]:
    """Its chargers by wave; those of the statuses, or all."""
    found = select(FirmwareUpgrade).where(FirmwareUpgrade.campaign_id == campaign_id, FirmwareUpgrade.is_latest)
    if statuses:
        found = found.where(FirmwareUpgrade.status.in_(statuses))
    loaded = found.options(
        joinedload(FirmwareUpgrade.charger).joinedload(Charger.station), joinedload(FirmwareUpgrade.release)
    )
    keys: list[Any] = [FirmwareUpgrade.wave, FirmwareUpgrade.id]
    return paging.fetch_page(db, loaded, keys, cursor=cursor, limit=limit)


def list_page(db: Session, operator_id: int | None, cursor: str | None, limit: int) -> paging.Page[FirmwareCampaign]:
    """The operator's campaigns, the latest first."""
    found = select(FirmwareCampaign).where(FirmwareCampaign.operator_id == operator_id)
    keys: list[Any] = [FirmwareCampaign.id]
    return paging.fetch_page(db, found, keys, descending=True, cursor=cursor, limit=limit)


def candidates(db: Session, operator_id: int, charger_ids: Sequence[int] | None = None) -> "list[Candidate]":
    """The operator's chargers with what they could be upgraded to, or why they cannot; those that should go first
    first.
    """
    wanted = select(Charger).join(Station, Station.id == Charger.station_id).where(Charger.operator_id == operator_id)
    if charger_ids is not None:
        wanted = wanted.where(Charger.id.in_(charger_ids))
    known = firmware_releases.catalogue(db)
    chargers = db.scalars(wanted.options(joinedload(Charger.station)).order_by(Charger.label, Charger.id)).all()
    ids = [charger.id for charger in chargers]
    is_open = select(FirmwareUpgrade).where(FirmwareUpgrade.charger_id.in_(ids), FirmwareUpgrade.status.in_(OPEN))
    open_ones = {each.charger_id: each for each in db.scalars(is_open)}
    found = [_candidate(charger, known, open_ones.get(charger.id)) for charger in chargers]
    return sorted(found, key=lambda each: (each.release is None, not each.charger.is_connected))


@dataclass(frozen=True)
class Candidate:
    """A charger for a campaign: with a release it can be in, without one there is a reason."""

    charger: Charger
    release: FirmwareRelease | None
    reason: str = ""
    is_open: bool = False  # because it has an open upgrade


def _candidate(charger: Charger, known: firmware_releases.Catalogue, other: FirmwareUpgrade | None) -> Candidate:
    if other is not None:
        return Candidate(charger, None, str(firmware_upgrades.AlreadyUpgrading(charger, other)), is_open=True)
    target = known.target(charger.vendor, charger.model, charger.firmware_version)
    if target is None:
        return Candidate(charger, None, "No newer firmware is published for it.")
    return Candidate(charger, target)


def _record(db: Session, verb: str, campaign: FirmwareCampaign, by: str, now: datetime, **detail: object) -> None:
    detail = {"name": campaign.name} | detail
    audit.record(db, verb, "firmware_campaign", campaign.id, operator_id=campaign.operator_id, by=by, now=now, **detail)
