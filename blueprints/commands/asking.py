"""Asking one charger: the dialog of a command with its consequences, and its outcome."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, addresses
from blueprints.commands import bp, call_forms, forms
from blueprints.commands.forms import ASKS, Ask
from blueprints.commands.meaning import means
from blueprints.commands.shown import words
from blueprints.database import db
from blueprints.sidecar import ring
from blueprints.web import dialog, done
from domain import charger_story, commands, configuration, diagnostics
from domain.call_fields import local_moment
from domain.call_words import CALLS, missing
from domain.clock import utcnow
from domain.command_secrets import is_secret
from domain.configuration import Change
from domain.errors import DomainError, Refused
from domain.json_text import InvalidJson
from domain.models.chargers import Charger
from domain.models.commands import Command
from domain.rights import Right


@bp.route("/chargers/<device_id>/reboot", methods=["GET", "POST"])
@access.require(Right.REBOOT)
def reboot(device_id: str) -> ResponseReturnValue:
    """Ask one charger to restart."""
    return ask_for(device_id, ASKS["reboot"])


@bp.route("/chargers/<device_id>/<any(start, stop, unlock):slug>", methods=["GET", "POST"])
@access.require(Right.CHARGING)
def charging(device_id: str, slug: str) -> ResponseReturnValue:
    """Start or stop charging, or release a plug."""
    return ask_for(device_id, ASKS[slug])


@bp.route("/chargers/<device_id>/commands/<slug>", methods=["GET", "POST"])
@access.require(Right.CONFIGURE)
def configure(device_id: str, slug: str) -> ResponseReturnValue:
    """Any other command by its own form, and every CALL of the standard by its schema's."""
    if slug in CALLS:
        return ask_by_schema(device_id, slug)
    ask = ASKS.get(slug)
    if ask is None or ask.right is not Right.CONFIGURE:
        abort(404)
    return ask_for(device_id, ask)


def ask_for(device_id: str, ask: Ask) -> ResponseReturnValue:
    """The dialog of that command, or its outcome."""
    charger, now = access.charger_or_404(device_id), utcnow()
    running = charger_story.running_sessions(db.session, charger.id)
    form = forms.made(ask, charger, running, empty=request.method == "GET")
    status = 200
    if request.method == "POST":
        if form.validate_on_submit():
            try:
                command = queue(charger, ask, form, now)
            except DomainError as refusal:
                db.session.rollback()
                tell(form, refusal)
            else:
                return asked(charger, command, ask.title, now)
        status = 422
    return dialog(
        "commands/_ask.html",
        status,
        title=ask.title,
        ask=ask,
        form=form,
        charger=charger,
        running=running,
        means=means(ask, charger, running, now),
        offline=_offline(charger),
        reason=missing(ask.action, configuration.features(db.session(), charger.id)),
    )


def ask_by_schema(device_id: str, action: str) -> ResponseReturnValue:
    """The dialog with every field of that CALL, or its outcome."""
    charger, now = access.charger_or_404(device_id), utcnow()
    zone = charger.station.time_zone
    status = 200
    if request.method == "GET":
        form = call_forms.empty(action, zone, now)
    elif call_forms.wants_rows():
        form = call_forms.with_rows(call_forms.filled(action, zone))
    else:
        form, status = call_forms.filled(action, zone), 422
        payload = form.payload()
        if payload is not None:
            try:
                command = send(charger, action, payload, now)
            except DomainError as refusal:
                db.session.rollback()
                form.errors.setdefault("", []).append(str(refusal))
            else:
                return asked(charger, command, CALLS[action].title, now)
    return dialog(
        "commands/_call.html",
        status,
        title=CALLS[action].title,
        call=CALLS[action],
        form=form,
        charger=charger,
        offline=_offline(charger),
        reason=missing(action, configuration.features(db.session(), charger.id)),
    )


def asked(charger: Charger, command: Command, title: str, now: datetime) -> ResponseReturnValue:
    """The command is on its way: on the charger's tab its row joins the log."""
    here = (addresses.htmx_page() or "").partition("?")[0]
    tab = url_for("chargers.commands", device_id=charger.device_id)
    return done(
        tab,
        f"{title}: on its way to {charger.label}.",
        cells="commands/_asked.html",
        command=command if here == tab else None,
        now=now,
        **words(now),
    )


def tell(form: Any, refusal: DomainError) -> None:
    """The reasons of a refusal stand at their fields, or above the form."""
    left = []
    for name, sentence in refusal.errors:
        control = form._fields.get(name)
        if control is None:
            left.append(sentence)
        else:
            control.errors = [*control.errors, sentence]
    if left or not refusal.errors:
        form.form_errors.extend([str(refusal), *(text for text in left if text != str(refusal))])


def queue(charger: Charger, ask: Ask, form: Any, now: datetime) -> Command:
    """The command waits for the sidecar.

    Raises:
        DomainError: it cannot be sent as it is.
    """
    if ask.slug == "diagnostics":
        return _upload(charger, form, now)
    try:
        payload = ask.payload(form)
    except InvalidJson as error:
        raise Refused(f"The payload cannot be read. {error}") from error
    if not isinstance(payload, dict):
        raise Refused("The payload is not an object. It begins with { and ends with }.")
    return send(charger, ask.action or form.action.data.strip(), payload, now)


def send(charger: Charger, action: str, payload: dict[str, Any], now: datetime) -> Command:
    """That CALL waits for the sidecar; a change of configuration is remembered as a wish.

    Raises:
        DomainError: it cannot be sent as it is.
    """
    by = current_user.email
    if action == "ChangeConfiguration" and is_text_pair(payload):
        change = Change(payload["key"], None, payload["value"])
        if is_secret(change.name):
            configuration.differences(configuration.values(db.session(), charger.id), {change.name: change.new})
        command = configuration.change(db.session(), charger, [change], by=by, now=now)[0]
    else:
        command = commands.queue(db.session(), charger, action, payload, by=by, now=now)
    db.session.commit()
    ring()
    return command


def is_text_pair(payload: dict[str, Any]) -> bool:
    return set(payload) == {"key", "value"} and all(isinstance(value, str) for value in payload.values())


def _upload(charger: Charger, form: Any, now: datetime) -> Command:
    zone = ZoneInfo(charger.station.time_zone)
    upload = diagnostics.ask(
        db.session(),
        charger,
        form.kind.data,
        current_app.extensions["settings"].public_url,
        by=current_user.email,
        now=now,
        address=form.location.data or None,
        since=local_moment(form.since.data or "", zone),
        until=local_moment(form.until.data or "", zone),
    )
    db.session.commit()
    ring()
    command = upload.command
    if command is None:
        raise Refused("The charger could not be asked.")
    return command


def _offline(charger: Charger) -> str:
    return "" if charger.is_connected else f"{charger.label} is offline. Nothing can be sent to it now."
