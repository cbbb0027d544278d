"""A charger's tab Firmware upgrade: its word, what is new, its history, and the button Upgrade."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import BooleanField, DateTimeLocalField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from blueprints import access
from blueprints.chargers import detail
from blueprints.database import db
from blueprints.firmware import bp, words
from blueprints.forms import is_near
from blueprints.web import dialog, done, page
from domain import charger_story, firmware_releases, firmware_states, firmware_upgrades
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.models.firmware import FirmwareRelease
from domain.rights import Right

WAITS = (1, 7, 30)  # days
TYPED = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


class UpgradeForm(FlaskForm):
    release = SelectField("Version", coerce=int)
    when = RadioField(
        "When",
        choices=[SelectChoice("now", "As soon as possible"), SelectChoice("later", "Not before")],
        default="now",
    )
    at = DateTimeLocalField("Date and time", [Optional(), is_near], format=TYPED)
    waits = SelectField(
        "If the charger is not there, try for",
        coerce=int,
        choices=[SelectChoice(days, f"{days} {'day' if days == 1 else 'days'}") for days in WAITS],
        default=7,
        validators=[InputRequired()],
    )
    during_session = BooleanField("Also while a car charges")


class NothingForm(FlaskForm):
    """Only the question."""


@bp.get("/chargers/<device_id>/firmware")
@access.require(Right.STATIONS, read=True)
def charger(device_id: str) -> ResponseReturnValue:
    """One charger's firmware; live while an upgrade is open."""
    device, now = access.charger_or_404(device_id), utcnow()
    return page(
        "firmware/charger.html",
        "firmware/_charger.html",
        releases=known_releases(device),
        upgrades=firmware_upgrades.history(db.session(), device.id),
        state=firmware_states.states(db.session(), [device])[device.id],
        upgrade_word=words.upgrade_word,
        step=firmware_states.step,
        **detail.frame(device, "Firmware upgrade", now),
    )


@bp.route("/chargers/<device_id>/firmware/upgrade", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_UPGRADE)
def upgrade(device_id: str) -> ResponseReturnValue:
    """Upgrade one charger."""
    device, now = access.charger_or_404(device_id), utcnow()
    form = UpgradeForm() if request.method == "POST" else UpgradeForm(formdata=None)
    known = firmware_releases.catalogue(db.session())
    choices = known.choices(device.vendor, device.model, device.firmware_version)
    form.release.choices = [SelectChoice(each.id, each.version) for each in choices]
    zone = device.station.time_zone
    status = 200
    if request.method == "POST":
        status = 422
        if form.validate_on_submit() and (times := _times(form, zone, now)):
            try:
                release = firmware_releases.get(db.session(), form.release.data)
                firmware_upgrades.plan(
                    db.session(),
                    device,
                    release,
                    by=current_user.email,
                    now=now,
                    not_before=times[0],
                    ends_at=times[1],
                    during_session=form.during_session.data,
                )
            except DomainError as refusal:
                db.session.rollback()
                form.form_errors.append(str(refusal))
            else:
                db.session.commit()
                said = f"{device.label} is upgraded to {release.version} as soon as possible."
                if form.when.data == "later":
                    said = f"{device.label} will be upgraded to {release.version}."
                return done(url_for("firmware.charger", device_id=device_id), said)
    running = charger_story.running_sessions(db.session(), device.id)
    state = firmware_states.states(db.session(), [device], known)[device.id]
    return dialog(
        "firmware/_upgrade.html",
        status,
        title="Upgrade",
        form=form,
        charger=device,
        zone=zone,
        choices=choices,
        state=state,
        running=running,
        means=_means(device, choices[0] if choices else None, running),
    )


def _times(form: UpgradeForm, zone: str, now: datetime) -> tuple[datetime, datetime] | None:
    begins = now
    if form.when.data == "later":
        if form.at.data is None:
            form.at.errors = ["Give the date and time."]
            return None
        begins = form.at.data.replace(tzinfo=ZoneInfo(zone))
        if begins <= now:
            form.at.errors = ["This moment has passed."]
            return None
    return begins, begins + timedelta(days=form.waits.data)


def _means(device: Charger, release: FirmwareRelease | None, running: list[ChargingSession]) -> list[tuple[str, str]]:
    if release is None:
        return []
    then = "The upgrade waits until it has ended, unless you tick the box below."
    told = [
        ("bolt", Markup("<b>{}</b> {}").format(f"1 session runs on connector {each.connector_number}.", then))
        for each in running
    ]
    told.append(("power", f"{device.label} restarts and is unavailable to drivers, usually for 5 to 15 minutes."))
    if not device.is_connected:
        told.append(("wifi-off", f"{device.label} is offline now; it is upgraded when it is back."))
    told.append(("history", "This cannot be undone from here: older firmware is not offered."))
    return told


@bp.route("/chargers/<device_id>/firmware/cancel", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_UPGRADE)
def cancel(device_id: str) -> ResponseReturnValue:
    """Give the charger's open upgrade up."""
    device, now = access.charger_or_404(device_id), utcnow()
    current = firmware_upgrades.open_upgrade(db.session(), device.id)
    form = NothingForm() if request.method == "POST" else NothingForm(formdata=None)
    back = url_for("firmware.charger", device_id=device_id)
    if request.method == "POST" and form.validate_on_submit() and current is not None:
        firmware_upgrades.cancel(db.session(), current.id, by=current_user.email, now=now)
        db.session.commit()
        return done(back, f"The upgrade of {device.label} is cancelled.")
    status = 422 if request.method == "POST" else 200
    return dialog(
        "firmware/_cancel.html", status, title="Cancel upgrade", form=form, charger=device, current=current, back=back
    )


def known_releases(device: Charger) -> list[FirmwareRelease]:
    """What is published for the charger's model, the newest first."""
    return firmware_releases.catalogue(db.session()).of(device.vendor, device.model)
