"""Charger -> Configuration: what it is set to, changing several keys at once, comparing, copying to others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm

from blueprints import access, lists
from blueprints.chargers.detail import frame
from blueprints.database import db
from blueprints.sidecar import ring
from blueprints.web import dialog, done, page
from domain import configuration, rounds
from domain.clock import utcnow
from domain.command_secrets import is_secret
from domain.configuration_keys import KNOWN, VENDOR, Shape, group_of, is_same
from domain.errors import Conflict, DomainError, Refused
from domain.models.chargers import Charger
from domain.models.commands import Command
from domain.models.configuration import ConfigurationValue
from domain.rights import Right

bp = Blueprint("configuration", __name__)

VIEWS = {"all": "All", "open": "Not true yet", "changeable": "Changeable", "vendor": "Of the vendor"}
PREFIX = "value:"
MOST_OFFERED = 500


@bp.get("/chargers/<device_id>/configuration")
@access.require(Right.STATIONS, read=True)
def index(device_id: str) -> ResponseReturnValue:
    """The keys as the charger told them, each with what it should be."""
    charger, now = access.charger_or_404(device_id), utcnow()
    return page("configuration/index.html", "configuration/_keys.html", **_shown(charger, now, typed={}, errors={}))


@bp.get("/chargers/<device_id>/configuration/live")
@access.require(Right.STATIONS, read=True)
def live(device_id: str) -> ResponseReturnValue:
    """How far reading is; the keys anew once it has ended."""
    charger, now = access.charger_or_404(device_id), utcnow()
    return render_template("configuration/_state_live.html", **_shown(charger, now, typed={}, errors={}))


def _shown(charger: Charger, now: datetime, typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    known = configuration.values(db.session(), charger.id)
    reading = configuration.reading_of(db.session(), charger.id)
    view = lists.text("view", 20)
    view = view if view in VIEWS else "all"
    text = lists.text("q")
    waiting = [each for each in known.values() if is_open(each, charger)]
    groups: dict[str, list[ConfigurationValue]] = {}
    for each in known.values():
        if _fits(each, view, text, charger):
            groups.setdefault(group_of(each.name), []).append(each)
    order = [*dict.fromkeys(key.group for key in KNOWN.values()), VENDOR]
    commands = {each.command_id for each in waiting if each.command_id}
    under_way = {command_id for command_id in commands if not db.session.get_one(Command, command_id).is_settled}
    is_reading = reading is not None and configuration.is_going_on(db.session(), reading)
    return {
        "groups": [(name, groups[name]) for name in order if name in groups],
        "known": KNOWN,
        "count": len(known),
        "reading": reading,
        "is_reading": is_reading,
        "is_moving": is_reading or bool(under_way),
        "under_way": under_way,
        "waiting": waiting,
        "reboots": [each for each in known.values() if configuration.needs_reboot(each, charger)],
        "needs_reboot": lambda each: configuration.needs_reboot(each, charger),
        "is_secret": is_secret,
        "Shape": Shape,
        "view": view,
        "views": VIEWS,
        "text": text,
        "list": lists.Address(
            "configuration.index", {"q": text, "view": None if view == "all" else view}, device_id=charger.device_id
        ),
        "typed": typed,
        "errors": errors,
        **frame(charger, "Configuration", now),
    }


def is_open(found: ConfigurationValue, charger: Charger) -> bool:
    """Whether what is wished is not true yet."""
    return found.wished is not None or configuration.needs_reboot(found, charger)


def _fits(found: ConfigurationValue, view: str, text: str, charger: Charger) -> bool:
    if view == "open" and not is_open(found, charger):
        return False
    if view == "changeable" and found.is_readonly:
        return False
    if view == "vendor" and found.name in KNOWN:
        return False
    known = KNOWN.get(found.name)
    shown = "" if is_secret(found.name) else found.value or ""
    return text.lower() in f"{found.name} {shown} {known.words if known else ''}".lower()


@bp.post("/chargers/<device_id>/configuration/read")
@access.require(Right.CONFIGURE)
def read(device_id: str) -> ResponseReturnValue:
    """The charger is asked for all its keys."""
    charger = access.charger_or_404(device_id)
    configuration.read(db.session(), charger, by=current_user.email, now=utcnow())
    db.session.commit()
    ring()
    return done(url_for("configuration.index", device_id=device_id), "The charger is asked for its configuration.")


@bp.post("/chargers/<device_id>/configuration/check")
@access.require(Right.CONFIGURE)
def check(device_id: str) -> ResponseReturnValue:
    """The difference before it is sent."""
    charger = access.charger_or_404(device_id)
    return _check(charger, _typed())


def _check(charger: Charger, typed: dict[str, str]) -> ResponseReturnValue:
    known, now = configuration.values(db.session(), charger.id), utcnow()
    try:
        changes = configuration.differences(known, typed)
    except Refused as refusal:
        shown = _shown(charger, now, typed, dict(refusal.errors))
        return page("configuration/index.html", "configuration/_keys.html", 422, refusal=str(refusal), **shown)
    return dialog(
        "configuration/_check.html",
        title="Changes",
        charger=charger,
        changes=changes,
        known=KNOWN,
        form=FlaskForm(formdata=None),
    )


@bp.post("/chargers/<device_id>/configuration/change")
@access.require(Right.CONFIGURE)
def change(device_id: str) -> ResponseReturnValue:
    """Each change goes out as a command of its own."""
    charger, now = access.charger_or_404(device_id), utcnow()
    known = configuration.values(db.session(), charger.id)
    form = FlaskForm(formdata=None)
    changes = []
    try:
        changes = configuration.differences(known, _typed())
        configuration.change(db.session(), charger, changes, by=current_user.email, now=now)
    except DomainError as refusal:
        db.session.rollback()
        form.form_errors.extend([str(refusal), *(f"{name}: {text}" for name, text in refusal.errors)])
        return dialog(
            "configuration/_check.html", 422, title="Changes", charger=charger, changes=changes, known=KNOWN, form=form
        )
    db.session.commit()
    ring()
    said = "1 change is on its way." if len(changes) == 1 else f"{len(changes)} changes are on their way."
    return done(url_for("configuration.index", device_id=device_id), said)


@bp.post("/chargers/<device_id>/configuration/give-up")
@access.require(Right.CONFIGURE)
def give_up(device_id: str) -> ResponseReturnValue:
    """What the charger says is right after all."""
    charger = access.charger_or_404(device_id)
    configuration.give_up(db.session(), charger, request.form.get("key", "")[:50])
    db.session.commit()
    return done(url_for("configuration.index", device_id=device_id), "The wish is dropped.")


def _typed() -> dict[str, str]:
    """The values in the form by key; `new_key` and `new_value` are a key that the charger did not tell."""
    typed = {name.removeprefix(PREFIX): text.strip() for name, text in request.form.items() if name.startswith(PREFIX)}
    new = request.form.get("new_key", "").strip()
    if new:
        typed[new] = request.form.get("new_value", "").strip()
    return typed


# --- Comparing and copying ------------------------------------------------------------------------------------


@bp.get("/chargers/<device_id>/configuration/compare")
@access.require(Right.STATIONS, read=True)
def compare(device_id: str) -> ResponseReturnValue:
    """Two chargers side by side; ticked settings can be copied to others."""
    charger, now = access.charger_or_404(device_id), utcnow()
    with_id = lists.text("with", 100)
    other = access.charger_or_404(with_id) if with_id else None
    ours = configuration.values(db.session(), charger.id)
    theirs = configuration.values(db.session(), other.id) if other else {}
    names = sorted(ours.keys() | theirs.keys(), key=str.lower)
    rows = [
        (name, ours.get(name), theirs.get(name), _is_alike(name, ours.get(name), theirs.get(name))) for name in names
    ]
    if other and not lists.text("all"):
        rows = [row for row in rows if not row[3]]
    return page(
        "configuration/compare.html",
        "configuration/_compare.html",
        other=other,
        others=_others(charger),
        rows=rows,
        shows_all=bool(lists.text("all")),
        same=len(names) - len(rows) if other else 0,
        known=KNOWN,
        is_secret=is_secret,
        list=lists.Address(
            "configuration.compare", {"with": with_id, "all": lists.text("all")}, device_id=charger.device_id
        ),
        **frame(charger, "Configuration", now),
    )


def _is_alike(name: str, ours: ConfigurationValue | None, theirs: ConfigurationValue | None) -> bool:
    if ours is None or theirs is None or is_secret(name):
        return is_secret(name)
    return is_same(name, ours.value, theirs.value)


def _others(charger: Charger) -> list[Charger]:
    """Chargers of the operator, those of the same model first."""
    mine = access.own(Charger).where(Charger.id != charger.id).order_by(Charger.label).limit(MOST_OFFERED)
    return sorted(db.session.scalars(mine), key=lambda each: (each.model or "") != (charger.model or ""))


@bp.route("/chargers/<device_id>/configuration/copy", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def copy(device_id: str) -> ResponseReturnValue:
    """The ticked settings of this charger for the ticked others, as a round."""
    charger, now = access.charger_or_404(device_id), utcnow()
    known = configuration.values(db.session(), charger.id)
    names = [name for name in dict.fromkeys(request.values.getlist("key")) if name in known]
    settings = [
        (name, known[name].value or "") for name in names if not is_secret(name) and not known[name].is_readonly
    ]
    if not settings:
        flash("Tick at least one setting that can be changed.", "warn")
        return redirect(url_for("configuration.compare", device_id=device_id), 303)
    form = FlaskForm() if request.method == "POST" else FlaskForm(formdata=None)
    others = _others(charger)
    picked = request.form.getlist("to")
    if request.method == "POST" and form.validate():
        chosen = [other for other in others if other.device_id in picked]
        try:
            begun = rounds.begin(
                db.session(),
                charger.operator_id,
                [other.id for other in chosen],
                f"Copy settings of {charger.label}",
                [("ChangeConfiguration", {"key": name, "value": value}) for name, value in settings],
                by=current_user.email,
                now=now,
            )
        except (Refused, Conflict) as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            ring()
            return done(url_for("commands.round_", round_id=begun.id), f"{len(settings)} settings are on their way.")
    return dialog(
        "configuration/_copy.html",
        422 if request.method == "POST" else 200,
        title="Copy settings",
        charger=charger,
        settings=settings,
        others=others,
        picked=picked,
        form=form,
    )
