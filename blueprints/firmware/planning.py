"""Planning a campaign: which chargers, who first, in what waves, when, and when to stop."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateTimeLocalField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional

from blueprints import access, lists
from blueprints.database import db
from blueprints.electricity.forms import is_clock
from blueprints.firmware import bp
from blueprints.firmware.charger import TYPED
from blueprints.forms import is_near
from blueprints.web import done, page, wants_fragment
from domain import firmware_campaigns, station_days
from domain.clock import utcnow
from domain.errors import DomainError, Refused
from domain.firmware_campaigns import MOST_CHARGERS, Candidate, Plan
from domain.models.chargers import Charger
from domain.models.operators import Role
from domain.rights import Right

UNITS = {"chargers": "chargers", "percent": "percent of all", "all": "all at once"}


def optional_clock(form: FlaskForm, field: StringField) -> None:
    if (field.data or "").strip():
        is_clock(form, field)


class PlanForm(FlaskForm):
    name = StringField("Name", [InputRequired("Give it a name.")])
    canaries = IntegerField(
        "Go first", [InputRequired("Use 0 or more."), NumberRange(0, MOST_CHARGERS, f"From 0 to {MOST_CHARGERS:,}.")]
    )
    wave = IntegerField(
        "Then in waves of", [Optional(), NumberRange(1, MOST_CHARGERS, f"From 1 to {MOST_CHARGERS:,}.")]
    )
    unit = SelectField("Counted in", choices=[SelectChoice(key, text) for key, text in UNITS.items()])
    window_from = StringField("Only from", [optional_clock])
    window_until = StringField("until", [optional_clock])
    stop_after = IntegerField(
        "Stop after",
        [
            InputRequired("Use 0 (never) or more."),
            NumberRange(0, MOST_CHARGERS, f"From 0 (never) to {MOST_CHARGERS:,}."),
        ],
    )
    starts_at = DateTimeLocalField("Not before", [Optional(), is_near], format=TYPED)
    ends_at = DateTimeLocalField("Ends", [InputRequired("Give the end."), is_near], format=TYPED)
    during_sessions = BooleanField("Also while a car charges")


@bp.route("/firmware/new", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_UPGRADE)
def plan() -> ResponseReturnValue:
    """A new campaign over the picked chargers, or over all that could be upgraded."""
    if request.method == "GET" and wants_fragment():  # the button of a list: this is a page of its own
        response = make_response("")
        response.headers["HX-Redirect"] = request.full_path
        return response
    now = utcnow()
    zone = station_days.operator_zone(db.session(), current_user.operator_id)
    form = PlanForm() if request.method == "POST" else PlanForm(formdata=None)
    if request.method == "GET":
        _fill(form, zone, now)
        return page("firmware/plan.html", **_context(form, zone, _offered(), None))
    picked = request.form.getlist("pick")
    if form.validate_on_submit():
        try:
            wanted = _plan(form, zone, now)
            campaign = firmware_campaigns.begin(
                db.session(),
                current_user.operator_id,
                wanted,
                _picks(picked),
                by=current_user.email,
                needs_second=current_user.role is Role.TECHNICIAN and len(picked) > 1,
                now=now,
            )
        except DomainError as refusal:
            db.session.rollback()
            _tell(form, refusal)
        else:
            db.session.commit()
            said = f"{campaign.name} has begun."
            if campaign.status == "proposed":
                said = f"{campaign.name} is planned. Somebody else has to agree before it begins."
            elif campaign.starts_at > now:
                said = f"{campaign.name} is planned."
            return done(url_for("firmware.campaign", campaign_id=campaign.id), said)
    return page("firmware/plan.html", "firmware/_plan.html", 422, **_context(form, zone, _offered(), set(picked)))


def _context(form: PlanForm, zone: str, offered: list[Candidate], picked: set[str] | None) -> dict[str, Any]:
    return {
        "form": form,
        "zone": zone,
        "zones": len({each.charger.station.time_zone for each in offered}) > 1,
        "able": [each for each in offered if each.release is not None],
        "unable": [each for each in offered if each.release is None],
        "picked": picked,
        "is_technician": current_user.role is Role.TECHNICIAN,
        "names": request.values.getlist("of"),
        "filter": {"release": lists.whole("release"), "station": lists.whole("station")},
    }


def _offered() -> list[Candidate]:
    """Those that the address names; without a name everything that could be upgraded."""
    names = request.values.getlist("of") or (request.args.getlist("pick") if request.method == "GET" else [])
    release, station = lists.whole("release"), lists.whole("station")
    ids = None
    if names:
        ids = list(
            db.session.scalars(access.own(Charger).where(Charger.device_id.in_(names)).with_only_columns(Charger.id))
        )
    found = firmware_campaigns.candidates(db.session(), current_user.operator_id, ids)
    return [
        each
        for each in found
        if (names or each.release is not None or each.is_open)
        and (release is None or (each.release is not None and each.release.id == release))
        and (station is None or each.charger.station_id == station)
    ]


def _picks(names: list[str]) -> list[tuple[Charger, Any]]:
    """The picked chargers with their releases, those that go first first.

    Raises:
        Refused: one of them cannot be upgraded; foreign ones are unknown.
    """
    ids = db.session.scalars(
        access.own(Charger).where(Charger.device_id.in_(names)).with_only_columns(Charger.id)
    ).all()
    found = firmware_campaigns.candidates(db.session(), current_user.operator_id, list(ids))
    for each in found:
        if each.release is None:
            raise Refused(each.reason if each.is_open else f"{each.charger.label}: {each.reason}")
    return [(each.charger, each.release) for each in found]


def _plan(form: PlanForm, zone: str, now: datetime) -> Plan:
    unit, wave = form.unit.data, form.wave.data
    if unit != "all" and wave is None:
        raise Refused("Say how many.", [("wave", "Say how many, or choose all at once.")])
    window = [_minutes(text) for text in (form.window_from.data, form.window_until.data)]
    if (window[0] is None) != (window[1] is None):
        missing = "window_from" if window[0] is None else "window_until"
        raise Refused("Give both times or none.", [(missing, "Give both times or none.")])
    return Plan(
        name=form.name.data or "",
        starts_at=_moment(form.starts_at.data, zone) or now,
        ends_at=_moment(form.ends_at.data, zone) or now,
        canaries=form.canaries.data or 0,
        wave_size=wave if unit == "chargers" else None,
        wave_percent=wave if unit == "percent" else None,
        window=(window[0], window[1]) if window[0] is not None and window[1] is not None else None,
        stop_after=form.stop_after.data or 0,
        during_sessions=form.during_sessions.data,
    )


def _minutes(text: str | None) -> int | None:
    if not (text or "").strip():
        return None
    hours, _, minutes = (text or "").strip().partition(":")
    return int(hours) * 60 + int(minutes)


def _moment(typed: datetime | None, zone: str) -> datetime | None:
    return typed.replace(tzinfo=ZoneInfo(zone)) if typed else None


def _fill(form: PlanForm, zone: str, now: datetime) -> None:
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None, second=0, microsecond=0)
    form.name.data = f"Upgrade of {local:%d %b %Y}"
    form.canaries.data, form.wave.data, form.unit.data, form.stop_after.data = 1, 10, "chargers", 2
    form.ends_at.data = local + timedelta(days=7)


def _tell(form: PlanForm, refusal: DomainError) -> None:
    at_fields = [(name, text) for name, text in refusal.errors if name in form]
    for name, text in at_fields:
        form[name].errors = [*form[name].errors, text]
    if not at_fields:
        form.form_errors.append(str(refusal))
