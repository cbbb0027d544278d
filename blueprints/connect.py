"""Charger -> Connect: what to type into the charger, its password shown once, and how far it has come."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm

from blueprints import access, once
from blueprints.chargers.detail import frame
from blueprints.database import db
from blueprints.formats import duration, kwh
from blueprints.handshakes import OUTCOMES, advice
from blueprints.web import dialog, done, page
from domain import certificates, chargers, connecting
from domain.clock import utcnow
from domain.connecting import Clock, Progress
from domain.models.chargers import Charger
from domain.rights import Right
from domain.settings import Settings

bp = Blueprint("connect", __name__)

_DEFAULT_PORTS = {"ws": 80, "wss": 443}


class Address(NamedTuple):
    """Where a charger connects, in one piece and apart, as chargers' forms ask for it."""

    url: str  # "ws://host:9000/HE60D01930041"
    base: str  # the same without the device id
    host: str
    port: int


class Line(NamedTuple):
    """One step of the checklist."""

    title: str
    text: str
    is_done: bool
    at: datetime | None = None
    is_trouble: bool = False


@bp.get("/chargers/<device_id>/connect")
@access.require(Right.STATIONS, read=True)
def index(device_id: str) -> ResponseReturnValue:
    """What to type, and the live checklist."""
    charger, now = access.charger_or_404(device_id), utcnow()
    settings: Settings = current_app.extensions["settings"]
    seen = connecting.progress(db.session, charger, now)
    return page(
        "connect/index.html",
        addresses=addresses(settings, charger.device_id),
        has_tls=certificates.files(settings.instance_dir).certificate.exists(),
        password=once.take(_secret_of(charger), now),
        lines=list(lines(charger, seen)),
        seen=seen,
        **frame(charger, "Connect", now),
    )


@bp.get("/chargers/<device_id>/connect/live")
@access.require(Right.STATIONS, read=True)
def live(device_id: str) -> ResponseReturnValue:
    """The checklist again, with the head of the page."""
    charger, now = access.charger_or_404(device_id), utcnow()
    seen = connecting.progress(db.session, charger, now)
    return render_template(
        "connect/_live.html", lines=list(lines(charger, seen)), seen=seen, **frame(charger, "Connect", now)
    )


@bp.route("/chargers/<device_id>/connect/password", methods=["GET", "POST"])
@access.require(Right.CHARGER_KEYS)
def password(device_id: str) -> ResponseReturnValue:
    """A new password, shown once; the old one opens nothing any more."""
    charger, form = access.charger_or_404(device_id), FlaskForm()
    if request.method == "POST" and form.validate_on_submit():
        now = utcnow()
        key = chargers.renew_password(db.session, charger, by=current_user.email, now=now)
        db.session.commit()
        return done(hand_over(charger, key, now), "The charger has a new password. Copy it now: it is shown once.")
    return dialog("connect/_password_ask.html", title="New password", charger=charger, form=form)


def hand_over(charger: Charger, key: str, now: datetime) -> str:
    """The address of the connect page, which shows that password once, to this person."""
    once.keep(_secret_of(charger), key, now)
    return url_for("connect.index", device_id=charger.device_id)


def addresses(settings: Settings, device_id: str) -> dict[str, Address]:
    """Where that charger connects with "ws" and with "wss".

    OCPP_PUBLIC_URL says one of the two; the other has the same host and the port of this installation.
    """
    told = urlsplit(settings.ocpp_public_url)
    host = told.hostname or "localhost"
    ports = {"ws": settings.ocpp_port, "wss": settings.ocpp_tls_port}
    if told.scheme in ports:
        ports[told.scheme] = told.port or _DEFAULT_PORTS[told.scheme]
    written = f"[{host}]" if ":" in host else host
    bases = {scheme: f"{scheme}://{written}:{port}{told.path.rstrip('/')}" for scheme, port in ports.items()}
    identity = quote(device_id, safe="")
    return {scheme: Address(f"{base}/{identity}", base, host, ports[scheme]) for scheme, base in bases.items()}


def lines(charger: Charger, seen: Progress) -> Iterator[Line]:
    """The checklist in words, each missing step with what to do."""
    yield _handshake(charger, seen)
    yield Line(
        "Boot accepted",
        f"{charger.vendor or ''} {charger.model or ''}".strip() or "It told its make and model."
        if seen.booted_at
        else "After connecting the charger sends BootNotification by itself. If it does not, reboot it."
        if seen.handshake_at
        else "Follows by itself once the charger is connected.",
        seen.booted_at is not None,
        seen.booted_at,
    )
    yield _clock(seen.clock)
    number = len(seen.connectors)
    yield Line(
        "Connectors seen",
        f"{number} connector" + ("" if number == 1 else "s") + " reported"
        if number
        else "The charger reports each plug after its boot. If it stays silent, reboot it, or ask for a "
        "StatusNotification under OCPP Manage Service.",
        number > 0,
        max((each.reported_at for each in seen.connectors if each.reported_at), default=None),
    )
    charge = seen.test_charge
    yield Line(
        "Test charge",
        f"{kwh(charge.energy_wh)} delivered"
        if charge
        else "Plug in a car, start with a card or by scanning the QR code, charge for a few minutes, then stop.",
        charge is not None,
        charge.stopped_at if charge else None,
    )


def _handshake(charger: Charger, seen: Progress) -> Line:
    title = "Handshake seen"
    if seen.refused is not None:
        found = OUTCOMES[seen.refused.outcome]
        times = f", {seen.refused.repeats} times" if seen.refused.repeats > 1 else ""
        return Line(title, f"{found.name}{times}. {advice(seen.refused)}", False, seen.refused.at, True)
    if seen.is_connected:
        return Line(title, f"Connected with OCPP {charger.ocpp_version or ''}".strip(), True, seen.handshake_at)
    if seen.handshake_at:
        text = "It was connected and is offline now. Check its power and network."
        return Line(title, text, True, charger.disconnected_at or seen.handshake_at)
    if seen.sent_instead:
        text = (
            f"A charger that calls itself {seen.sent_instead} was refused: capitals and small letters differ. "
            f"Type {charger.device_id} into it."
        )
        return Line(title, text, False, None, True)
    text = (
        "Nothing has arrived under this device id yet. Type the address above into the charger, check that the device "
        "id at its end is the charger's own, that the charger has network, and that nothing blocks the port."
    )
    return Line(title, text, False)


def _clock(clock: Clock | None) -> Line:
    title = "Clock ok"
    if clock is None:
        return Line(
            title, "Our answer to its boot sets the clock; its first status report shows whether it took it.", False
        )
    if clock.is_right:
        return Line(title, "Within a minute of ours", True, clock.told_at)
    if clock.behind is None:
        text = "It sends no time that can be read. Set its clock, or switch time synchronisation on, then reboot it."
        return Line(title, text, False, clock.told_at, True)
    way = "behind" if clock.behind > timedelta(0) else "ahead"
    gap = duration(int(abs(clock.behind).total_seconds()))
    text = (
        f"It is {gap} {way}. Set its time zone to UTC or the right one, switch synchronisation with the central "
        "system on, then reboot it. Until then we bill by our own clock where its cannot be meant."
    )
    return Line(title, text, False, clock.told_at, True)


def _secret_of(charger: Charger) -> str:
    return f"charger password {charger.id}"
