"""My Stations -> Firmware upgrade: what could be upgraded, campaigns, and how each charger fares in one."""

import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, exports, lists
from blueprints.database import db
from blueprints.exports import Column
from blueprints.firmware import bp, words
from blueprints.firmware.charger import NothingForm
from blueprints.web import dialog, done, page
from domain import firmware_campaigns, firmware_releases, firmware_states, station_days
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.firmware import CampaignStatus, FirmwareCampaign, FirmwareRelease, FirmwareUpgrade, UpgradeStatus
from domain.rights import Right

LIVE_EVERY = "2s"


class View(StrEnum):
    """The saved views of a campaign's chargers."""

    ALL = "all"
    WAITING = "waiting"
    UPGRADING = "upgrading"
    INSTALLED = "installed"
    FAILED = "failed"
    OTHERS = "others"


U = UpgradeStatus
VIEWS: dict[View, tuple[str, tuple[UpgradeStatus, ...]]] = {
    View.ALL: ("All", ()),
    View.WAITING: ("Waiting", (U.WAITING,)),
    View.UPGRADING: ("Upgrading", (U.ASKED, U.RUNNING)),
    View.INSTALLED: ("Installed", (U.INSTALLED,)),
    View.FAILED: ("Failed", (U.FAILED,)),
    View.OTHERS: ("Left out", (U.LEFT_OUT, U.CANCELLED)),
}
COLUMNS = [
    Column("Charger", lambda row: row.charger.label),
    Column("Device id", lambda row: row.charger.device_id),
    Column("Charging station", lambda row: row.charger.station.name),
    Column("Wave", lambda row: row.wave),
    Column("From version", lambda row: row.from_version),
    Column("To version", lambda row: row.release.version),
    Column("Outcome", words.upgrade_word),
    Column("What happened", lambda row: row.sentence),
    Column("Attempt", lambda row: row.attempt),
    Column("Asked at", lambda row: exports.local(row.asked_at, row.charger.station.time_zone)),
    Column("Ended at", lambda row: exports.local(row.ended_at, row.charger.station.time_zone)),
]


@bp.get("/firmware")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """The operator's firmware at a glance, and the campaigns."""
    operator_id = current_user.operator_id
    found = firmware_campaigns.list_page(db.session(), operator_id, lists.text("cursor", 500), lists.size())
    return page(
        "firmware/index.html",
        "firmware/_campaigns.html",
        found=found,
        list=lists.Address("firmware.index", {"size": lists.size_in_address()}),
        counts=firmware_campaigns.counts_of(db.session(), [each.id for each in found.rows]),
        word=words.CAMPAIGNS,
        Status=UpgradeStatus,
        totals=firmware_states.counts(db.session(), operator_id),
        offers=offers(),
        now=utcnow(),
        zone=station_days.operator_zone(db.session(), operator_id),
    )


def offers() -> list[tuple[FirmwareRelease, int]]:
    """The releases that some of the operator's chargers could be upgraded to, and how many could."""
    known = firmware_releases.catalogue(db.session())
    targets: Counter[int] = Counter()
    by_id = {}
    for charger in db.session.scalars(access.own(Charger)):
        target = known.target(charger.vendor, charger.model, charger.firmware_version)
        if target is not None:
            targets[target.id] += 1
            by_id[target.id] = target
    return [(by_id[release_id], count) for release_id, count in targets.most_common()]


@bp.get("/firmware/<int:campaign_id>")
@access.require(Right.STATIONS, read=True)
def campaign(campaign_id: int) -> ResponseReturnValue:
    """One campaign with each charger's outcome."""
    return page("firmware/campaign.html", "firmware/_rows.html", **_context(_own(campaign_id), utcnow()))


@bp.get("/firmware/<int:campaign_id>/live")
@access.require(Right.STATIONS, read=True)
def campaign_live(campaign_id: int) -> ResponseReturnValue:
    """What changed since the page was made; `seen` is the version of what it shows."""
    context = _context(_own(campaign_id), utcnow())
    if context["version"] == request.args.get("seen"):
        return "", 204
    return render_template("firmware/_campaign_live.html", **context)


@bp.get("/firmware/<int:campaign_id>/export.csv", defaults={"kind": "csv"})
@bp.get("/firmware/<int:campaign_id>/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.STATIONS, read=True)
def export(campaign_id: int, kind: str) -> ResponseReturnValue:
    """Each charger's outcome as a file."""
    rows = firmware_campaigns.upgrades(db.session(), _own(campaign_id).id)
    return exports.answer(kind, "firmware-campaign", COLUMNS, rows)


@bp.route("/firmware/<int:campaign_id>/<any(approve, pause, resume, cancel, retry):verb>", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_UPGRADE)
def change(campaign_id: int, verb: str) -> ResponseReturnValue:
    """Agree to a campaign, let it rest, go on, end, or try the failed ones again."""
    form = NothingForm() if request.method == "POST" else NothingForm(formdata=None)
    back = url_for("firmware.campaign", campaign_id=campaign_id)
    found = _own(campaign_id, to_change=request.method == "POST")
    if request.method == "POST" and form.validate_on_submit():
        try:
            said = _act(found, verb, utcnow())
        except DomainError as refusal:
            db.session.rollback()
            found = _own(campaign_id)
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            return done(back, said)
    return dialog(
        "firmware/_change.html",
        422 if request.method == "POST" else 200,
        title=QUESTIONS[verb][0].format(found.name),
        question=QUESTIONS[verb],
        verb=verb,
        form=form,
        campaign=found,
        counts=firmware_campaigns.counts(db.session(), campaign_id),
        back=back,
        Status=UpgradeStatus,
    )


# verb -> question, button, the way back, tone
QUESTIONS = {
    "approve": ("Agree to {}?", "Agree and begin", "Not now", "go"),
    "pause": ("Pause {}?", "Pause", "Keep running", "go"),
    "resume": ("Go on with {}?", "Go on", "Not yet", "go"),
    "cancel": ("Cancel {}?", "Cancel campaign", "Keep it", "stop"),
    "retry": ("Try the failed chargers of {} again?", "Retry failed", "Not now", "go"),
}


def _act(found: FirmwareCampaign, verb: str, now: datetime) -> str:
    by = current_user.email
    if verb == "retry":
        count, cannot = firmware_campaigns.retry(db.session(), found, by=by, now=now)
        said = f"{count} {'charger is' if count == 1 else 'chargers are'} tried again."
        return " ".join([said, *cannot[:3]])
    acts: Mapping[str, Any] = {
        "approve": firmware_campaigns.approve,
        "pause": firmware_campaigns.pause,
        "resume": firmware_campaigns.resume,
        "cancel": firmware_campaigns.cancel,
    }
    acts[verb](db.session(), found, by=by, now=now)
    told = {"approve": "begins", "pause": "is paused", "resume": "goes on", "cancel": "is cancelled"}
    return f"{found.name} {told[verb]}."


def _own(campaign_id: int, *, to_change: bool = False) -> FirmwareCampaign:
    return firmware_campaigns.get(db.session(), current_user.operator_id, campaign_id, to_change=to_change)


def _context(found: FirmwareCampaign, now: datetime) -> dict[str, Any]:
    view = lists.choice("view", View, View.ALL) or View.ALL
    rows = firmware_campaigns.page(db.session(), found.id, VIEWS[view][1], lists.text("cursor", 500), lists.size())
    counts = firmware_campaigns.counts(db.session(), found.id)
    values = {"view": None if view is View.ALL else view.value, "size": lists.size_in_address()}
    return {
        "campaign": found,
        "word": words.CAMPAIGNS[found.status],
        "counts": counts,
        "total": sum(counts.values()),
        "ended": sum(counts[status] for status in (U.INSTALLED, U.FAILED, U.LEFT_OUT))
        + (0 if found.status is CampaignStatus.CANCELLED else counts[U.CANCELLED]),
        "view": view,
        "views": [
            (name, view.value, sum(counts[status] for status in statuses or counts))
            for view, (name, statuses) in VIEWS.items()
        ],
        "found": rows,
        "list": lists.Address("firmware.campaign", values, campaign_id=found.id),
        "upgrade_word": words.upgrade_word,
        "step": firmware_states.step,
        "clock": words.clock,
        "is_live": found.status not in (CampaignStatus.DONE, CampaignStatus.CANCELLED)
        or bool(counts[U.ASKED] + counts[U.RUNNING]),
        "version": _version(found, counts, rows.rows),
        "Status": UpgradeStatus,
        "now": now,
        "zone": station_days.operator_zone(db.session(), found.operator_id),
    }


def _version(found: FirmwareCampaign, counts: Mapping[UpgradeStatus, int], rows: list[FirmwareUpgrade]) -> str:
    """A short text that changes with anything that the page shows live."""
    state = [
        found.status,
        found.sentence,
        *counts.items(),
        *((row.id, row.status, row.said, row.sentence) for row in rows),
    ]
    state += [(row.fetched_at is None, row.charger.is_connected) for row in rows]
    return f"{zlib.crc32(repr(state).encode()):x}"
