"""Asking many chargers: those that are ticked, or all that match the filter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import IntegerField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import NumberRange, Optional

from blueprints import access, lists
from blueprints.commands import bp, call_forms, forms
from blueprints.commands.asking import tell
from blueprints.commands.meaning import ending_sessions
from blueprints.database import db
from blueprints.sidecar import ring
from blueprints.web import dialog, done
from domain import charger_list, rounds
from domain.call_words import CALLS
from domain.charger_states import IS_RUNNING
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.rights import Right

MOST_PICKED = 200
USUAL_PACE = 5
A_SITE = 10  # more than so many are not rebooted at once unless somebody says so
DAY_S = 24 * 3600


class PaceForm(FlaskForm):
    """How fast, and what about those that are offline."""

    pace = RadioField(
        "Pace", choices=[SelectChoice("all", "All at once"), SelectChoice("some", "A few at a time")], default="all"
    )
    at_once = IntegerField(
        "How many at a time", [Optional(), NumberRange(1, 500, "Write a number from 1 to 500.")], default=USUAL_PACE
    )
    offline = RadioField(
        "Those that are offline",
        choices=[
            SelectChoice("leave", "Leave them out"),
            SelectChoice("wait", "Ask them when they are back, within 24 hours"),
        ],
        default="leave",
    )


@dataclass(frozen=True)
class Many:
    """A command for many. `calls` turns the filled form into what each charger is asked."""

    slug: str
    title: str
    verb: str
    icon: str
    lead: str
    form: type[FlaskForm]
    calls: Callable[[Any], list[tuple[str, dict[str, Any]]]]
    is_risky: bool = False


def _upload(form: Any) -> list[tuple[str, dict[str, Any]]]:
    address = current_app.extensions["settings"].public_url
    return [(rounds.UPLOAD_DIAGNOSTICS, {"kind": form.kind.data, "public_url": address})]


def _one(slug: str) -> Callable[[Any], list[tuple[str, dict[str, Any]]]]:
    ask = forms.ASKS[slug]
    return lambda form: [(ask.action, ask.payload(form))]


MANY = {
    each.slug: each
    for each in (
        Many("reboot", "Reboot", "Reboot", "refresh", "", forms.RebootForm, _one("reboot"), is_risky=True),
        Many(
            "availability",
            "Availability",
            "Change availability",
            "power",
            "The whole chargers go into service or out of it; running sessions end first.",
            forms.WholeAvailabilityForm,
            lambda form: [("ChangeAvailability", {"connectorId": 0, "type": form.kind.data})],
        ),
        Many(
            "trigger",
            "Trigger message",
            "Ask for the message",
            "send",
            "Each charger sends this message again now.",
            forms.WholeTriggerForm,
            lambda form: [("TriggerMessage", {"requestedMessage": form.message.data})],
        ),
        Many(
            "clear-cache",
            "Clear cache",
            "Clear cache",
            "trash",
            "The chargers forget which cards they have seen accepted, and ask again for each of them.",
            forms.NothingForm,
            _one("clear-cache"),
        ),
        Many(
            "get-configuration",
            "Read configuration",
            "Read",
            "eye",
            "What they say appears on the Configuration tab of each charger.",
            forms.ReadForm,
            _one("get-configuration"),
        ),
        Many(
            "change-configuration",
            "Change configuration",
            "Change",
            "settings",
            "The same key of every charger gets the same value.",
            forms.ChangeForm,
            _one("change-configuration"),
        ),
        Many(
            "sync-list",
            "Sync local list",
            "Sync",
            "list-check",
            "Each charger gets the cards that it lacks, and forgets those that are gone.",
            forms.NothingForm,
            lambda _form: [(rounds.SYNC_LOCAL_LIST, {})],
        ),
        Many(
            "diagnostics",
            "Upload diagnostics",
            "Ask for diagnostics",
            "file-text",
            "Each charger gets an address of its own to upload to.",
            forms.KindOfDiagnosticsForm,
            _upload,
        ),
    )
}
# CALLs that make sense for many as they are, by the form of their schema.
BY_SCHEMA = (
    "GetLocalListVersion",
    "UnlockConnector",
    "ExtendedTriggerMessage",
    "DataTransfer",
    "ClearChargingProfile",
    "InstallCertificate",
    "GetInstalledCertificateIds",
    "DeleteCertificate",
)


@dataclass(frozen=True)
class Selection:
    """The chosen chargers, and the words in an address that choose them again."""

    chargers: list[Charger]
    address: dict[str, Any]
    is_filter: bool

    @property
    def online(self) -> list[Charger]:
        return [charger for charger in self.chargers if charger.is_connected]

    @property
    def hidden(self) -> list[tuple[str, Any]]:
        """The same for a form."""
        pairs = ((name, value) for name, value in self.address.items() if value)
        return [(n, each) for n, value in pairs for each in (value if isinstance(value, list) else [value])]

    @property
    def named(self) -> str:
        if len(self.chargers) == 1:
            return self.chargers[0].label
        return f"{len(self.chargers):,} chargers"


def selection(now: datetime) -> Selection:
    """What was ticked, or all that match the filter of the list."""
    if request.values.get("all"):
        text, station = request.values.get("q", "")[:100].strip(), request.values.get("station", "")
        view = request.values.get("view", "")
        wanted = charger_list.Filter(
            view=charger_list.View(view) if view in set(charger_list.View) else charger_list.View.ALL,
            text=text,
            station_id=int(station) if station.isascii() and station.isdigit() and len(station) < 19 else None,
            firmware=request.values.get("firmware", "")[:100],
        )
        matching = charger_list.all_of(db.session(), current_user.operator_id, wanted, now).order_by(
            Charger.station_id, Charger.id
        )
        found = [charger for charger, *_ in db.session.execute(matching.limit(rounds.MOST_CHARGERS + 1))]
        address = {"all": "1", "q": text, "station": wanted.station_id, "view": view, "firmware": wanted.firmware}
        return Selection(found, address, is_filter=True)
    picked = list(dict.fromkeys(request.values.getlist("pick")))[:MOST_PICKED]
    rows = access.own(Charger).where(Charger.device_id.in_(picked)).order_by(Charger.label)
    return Selection(list(db.session.scalars(rows)), {"pick": picked}, is_filter=False)


@bp.get("/commands/bulk")
@access.require(Right.REBOOT)
def choose() -> ResponseReturnValue:
    """Which command for the chosen chargers."""
    chosen = selection(utcnow())
    if not chosen.chargers:
        return _nobody()
    mine = [each for each in MANY.values() if each.slug == "reboot" or access.may(Right.CONFIGURE)]
    return dialog(
        "commands/_choose.html",
        title="Ask several chargers",
        chosen=chosen,
        asks=mine,
        calls=[(action, CALLS[action]) for action in BY_SCHEMA] if access.may(Right.CONFIGURE) else [],
        many_url=many_url,
    )


@bp.route("/commands/reboot", methods=["GET", "POST"])
@access.require(Right.REBOOT)
def reboot_many() -> ResponseReturnValue:
    """Ask the chosen chargers to restart."""
    return ask_many(MANY["reboot"])


@bp.route("/commands/bulk/ask", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def many() -> ResponseReturnValue:
    """Ask the chosen chargers anything else that suits many; `ask` names it."""
    slug = request.values.get("ask", "")
    if slug in BY_SCHEMA:
        return ask_many_by_schema(slug)
    if slug not in MANY:
        abort(404)
    return ask_many(MANY[slug])


def many_url(slug: str, chosen: Selection) -> str:
    if slug == "reboot":
        return url_for("commands.reboot_many", **chosen.address)
    return url_for("commands.many", ask=slug, **chosen.address)


def ask_many(ask: Many) -> ResponseReturnValue:
    """The question with its consequences, or the round's page."""
    now = utcnow()
    chosen = selection(now)
    if not chosen.chargers:
        return _nobody()
    is_asked = request.method == "POST"
    form, pace = (ask.form(), PaceForm()) if is_asked else (ask.form(formdata=None), _first_pace(ask, chosen))
    # Both are checked, so that every field tells at once.
    if is_asked and all([form.validate(), pace.validate()]):
        try:
            return _begin(chosen, ask.title, ask.calls(form), pace, now)
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
    return dialog(
        "commands/_many.html",
        422 if is_asked else 200,
        title=ask.title,
        ask=ask,
        form=form,
        call=None,
        **_about(chosen, pace, ask.is_risky, now),
    )


def ask_many_by_schema(action: str) -> ResponseReturnValue:
    """The same for a CALL with the form of its schema."""
    now = utcnow()
    chosen = selection(now)
    if not chosen.chargers:
        return _nobody()
    zone, is_asked = chosen.chargers[0].station.time_zone, request.method == "POST"
    call, pace = (call_forms.filled(action, zone), PaceForm()) if is_asked else (
        call_forms.empty(action, zone, now), PaceForm(formdata=None),
    )  # fmt: skip
    status = 200
    if is_asked and call_forms.wants_rows():
        call = call_forms.with_rows(call)
    elif is_asked:
        status, payload = 422, call.payload()
        if pace.validate() and payload is not None:
            try:
                return _begin(chosen, CALLS[action].title, [(action, payload)], pace, now)
            except DomainError as refusal:
                db.session.rollback()
                call.errors.setdefault("", []).append(str(refusal))
    told = CALLS[action]
    ask = Many(action, told.title, "Send", "terminal-2", told.lead, FlaskForm, lambda _form: [])
    return dialog(
        "commands/_many.html", status, title=told.title, ask=ask, form=None, call=call,
        **_about(chosen, pace, False, now),
    )  # fmt: skip


def _first_pace(ask: Many, chosen: Selection) -> PaceForm:
    pace = PaceForm(formdata=None)
    if ask.is_risky and len(chosen.chargers) > A_SITE:
        pace.pace.data = "some"
    return pace


def _begin(
    chosen: Selection, title: str, calls: list[tuple[str, dict[str, Any]]], pace: PaceForm, now: datetime
) -> ResponseReturnValue:
    begun = rounds.begin(
        db.session(),
        current_user.operator_id,
        [charger.id for charger in chosen.chargers],
        title,
        calls,
        by=current_user.email,
        now=now,
        pace=(pace.at_once.data or USUAL_PACE) if pace.pace.data == "some" else None,
        wait_s=DAY_S if pace.offline.data == "wait" else None,
    )
    db.session.commit()
    ring()
    return done(url_for("commands.round_", round_id=begun.id), f"{title}: asked of {chosen.named}.")


def _about(chosen: Selection, pace: PaceForm, is_risky: bool, now: datetime) -> dict[str, Any]:
    online = chosen.online
    away = len(chosen.chargers) - len(online)
    told: list[tuple[str, Any]] = []
    if is_risky:
        told += ending_sessions(_running(online), now)
        told.append(("plug", "The chargers are unavailable to drivers for a minute or two each."))
    else:
        told.append(("cpu", f"{len(online):,} of {len(chosen.chargers):,} are online and asked now."))
    if away:
        names = ", ".join(charger.label for charger in chosen.chargers if not charger.is_connected)
        who = names if away <= MOST_NAMED else f"{away:,} chargers"
        told.append(("wifi-off", f"{who} {'is' if away == 1 else 'are'} offline and left out."))
    return {"chosen": chosen, "online": online, "pace": pace, "means": told, "is_risky": is_risky}


MOST_NAMED = 5


def _running(online: list[Charger]) -> list[ChargingSession]:
    found: list[ChargingSession] = []
    numbers = [charger.id for charger in online]
    for start in range(0, len(numbers), 500):
        part = select(ChargingSession).where(IS_RUNNING, ChargingSession.charger_id.in_(numbers[start : start + 500]))
        found += db.session.scalars(part)
    return found


def _nobody() -> ResponseReturnValue:
    flash("Tick at least one charger first.")
    return redirect(url_for("commands.index" if lists.text("all") else "chargers.index"), 303)
