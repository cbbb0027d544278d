"""The driver's phone: what a QR code leads to, and the way from paying to the bill. Works without JavaScript."""

import secrets
from datetime import datetime

from flask import Blueprint, current_app, flash, jsonify, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from blueprints import access, driver_figures, driver_language, driver_place, driver_words
from blueprints.database import db
from blueprints.driver_place import Place
from blueprints.limits import limiter
from blueprints.power import words as power_words
from blueprints.till import till
from blueprints.web import page
from domain import billing, doorbell, journey, payments, photos, qr_codes, settling
from domain.clock import utcnow
from domain.commands import ChargerOffline
from domain.errors import Conflict, DomainError, NotFound, Refused
from domain.journey import Phase, Story
from domain.models.chargers import Charger, Connector, QrCode
from domain.models.charging import ChargingSession
from domain.models.operators import Operator
from domain.models.payments import Payment, PaymentStatus
from domain.models.stations import Station
from domain.power import share_of

bp = Blueprint("driver", __name__)
for figure in (*driver_figures.FILTERS, *driver_words.FILTERS):
    bp.add_app_template_filter(figure)

THEME_COLOUR, BACKGROUND_COLOUR = "#0b6b4f", "#f4f6f7"  # --brand and --ground of driver.css
ICONS = (("192", "192x192", "any"), ("512", "512x512", "any"), ("maskable-512", "512x512", "maskable"))
MOST_REMEMBERED = 5  # payments that a browser knows to be its own


@bp.get("/c/<code>")
@access.public
def charger(code: str) -> ResponseReturnValue:
    """The price, the plugs, and the way to pay."""
    return _charger_page(code)


@bp.get("/c/<code>/app.webmanifest")
@access.public
def manifest(code: str) -> ResponseReturnValue:
    """What a phone needs to keep this charger among its apps."""
    place = _place(code)
    here = url_for("driver.charger", code=place.qr_code.code)
    answer = jsonify(
        id=here,
        name=f"{place.station.operator.name}, {place.charger.label}",
        short_name=place.charger.label,
        lang=driver_language.now(),
        start_url=here,
        scope="/",
        display="standalone",
        theme_color=THEME_COLOUR,
        background_color=BACKGROUND_COLOUR,
        icons=[
            {
                "src": url_for("static", filename=f"icons/app-{name}.png"),
                "type": "image/png",
                "sizes": size,
                "purpose": purpose,
            }
            for name, size, purpose in ICONS
        ],
    )
    answer.mimetype = "application/manifest+json"
    return answer


@bp.post("/c/<code>", endpoint="pay")
@limiter.limit("30/minute")
@access.public
def pay(code: str) -> ResponseReturnValue:
    """A hold for the chosen plug; on to the provider's page."""
    try:
        payment = _chosen(_place(code))
    except DomainError as refusal:
        db.session.rollback()
        return _charger_page(code, refusal)
    db.session.commit()
    _remember(payment.token)
    return _to_checkout(payment)


@bp.get("/s/<token>")
@access.public
def story(token: str) -> ResponseReturnValue:
    """Where this driver stands: hold, charging, bill."""
    _look_again(token)
    return _story_page(token)


@bp.post("/s/<token>/pay", endpoint="pay_again")
@limiter.limit("30/minute")
@access.public
def pay_again(token: str) -> ResponseReturnValue:
    """On to the provider's page once more."""
    return _to_checkout(_payment(token))


@bp.post("/s/<token>/start")
@access.public
def start(token: str) -> ResponseReturnValue:
    """Ask the charger to start."""
    payment = _payment(token)
    try:
        journey.start(db.session(), payment.id, utcnow())
    except ChargerOffline:
        return _refused(token, gettext("The charger is not connected right now. Wait a moment, then press again."))
    except (Conflict, Refused) as refusal:
        return _refused(token, driver_words.refusal(refusal))
    return _asked(token)


@bp.post("/s/<token>/stop")
@access.public
def stop(token: str) -> ResponseReturnValue:
    """Ask the charger to stop."""
    payment = _payment(token)
    try:
        journey.stop(db.session(), payment.id, utcnow())
    except ChargerOffline:
        text = gettext("The charger is not connected right now. Stop at the car: unlock it, then pull the plug.")
        return _refused(token, text)
    except Refused as refusal:
        return _refused(token, driver_words.refusal(refusal))
    return _asked(token)


@bp.post("/s/<token>/cancel")
@access.public
def cancel(token: str) -> ResponseReturnValue:
    """Let the hold go before anything was charged."""
    payment = _payment(token)
    try:
        journey.cancel(db.session(), payment.id, utcnow())
    except (Conflict, Refused) as refusal:
        return _refused(token, driver_words.refusal(refusal))
    db.session.commit()
    settling.settle_payment(till(), payment.id, utcnow())
    return redirect(url_for("driver.story", token=token), 303)


# --- The page of a QR code -----------------------------------------------------------------------------------


def _charger_page(code: str, refusal: DomainError | None = None) -> ResponseReturnValue:
    qr_code = db.session.scalar(select(QrCode).where(QrCode.code == code.upper()))
    if qr_code is None:
        return page("driver/no_charger.html", status=404, title=gettext("Unknown code"), is_unknown=True)
    if qr_code.charger_id is None:
        driver_language.know(country=db.session.get_one(Operator, qr_code.operator_id).country)
        return page("driver/no_charger.html", status=404, title=gettext("Code not in use yet"), is_unknown=False)
    place = _place(code)
    mine = _mine(place.charger)
    status = 200 if refusal is None else 409 if isinstance(refusal, Conflict) else 422
    return page(
        "driver/charger.html",
        "driver/_offer.html",
        status,
        place=place,
        brand_name=place.station.operator.name,
        is_test=place.is_test,
        refusal=driver_words.refusal(refusal) if refusal else None,
        nonce=secrets.token_urlsafe(16),
        chosen=_preselected(place),
        mine=mine,
        is_charging=mine is not None and payments.has_charging(db.session(), mine.id),
        trouble=driver_place.trouble(place),
        opens=driver_place.opens(place),
        manifest=_manifest_address(code),
        kinds=till().providers.kinds,
        photos=photos.of_station(db.session(), place.station),
    )


def _place(code: str) -> Place:
    place = driver_place.find(code)
    driver_language.know(country=_country(place.station))
    return place


def _country(station: Station) -> str | None:
    return station.country or station.operator.country


def _manifest_address(code: str) -> str:
    # Browsers fetch it without cookies, so the address tells the language.
    return url_for("driver.manifest", code=code.upper(), lang=driver_language.now())


def _preselected(place: Place) -> int | None:
    asked = request.form.get("connector", type=int) or place.qr_code.connector_number
    usable = [plug.number for plug in place.plugs if plug.is_usable]
    return asked if asked in usable else usable[0] if len(usable) == 1 else None


def _chosen(place: Place) -> Payment:
    connector = request.form.get("connector", type=int)
    plug = next((plug for plug in place.plugs if plug.number == connector), None)
    if plug is None:
        raise Refused(gettext("Choose a plug first."))
    nonce = request.form.get("nonce", "")[:100]
    token = payments.secret_token(current_app.config["SECRET_KEY"], nonce, place.charger.id, plug.number)
    known = payments.by_token(db.session(), token)
    if known is not None and known.status not in payments.ENDED:
        return known  # a second click
    if place.is_closed:
        raise Conflict(gettext("This station has just closed. Come back when it opens, or use another station."))
    if not plug.is_usable:
        raise Conflict(gettext("This plug has just been taken or went out of service. Choose another one."))
    if place.tariff is None or place.prices is None:
        raise Refused(gettext("The price of this charger is not known right now, so nothing can be paid."))
    if request.form.get("tariff", type=int) != place.tariff.id:
        raise Conflict(gettext("The price has changed since you looked at it. Look at the new one, then press again."))
    if known is not None or not nonce:
        token = secrets.token_hex(20)
    return payments.create(
        db.session(),
        place.charger,
        plug.number,
        place.tariff,
        token=token,
        locale=driver_language.now(),
        now=utcnow(),
        account_id=request.form.get("account", type=int),
        hold_minor=_most(place),
    )


def _most(place: Place) -> int | None:
    chosen = request.form.get("hold", type=int)
    if chosen is not None and chosen not in place.holds:
        raise Refused(gettext("Choose one of the amounts that are shown."))
    return chosen


def _remember(token: str) -> None:
    kept = [known for known in cookie.get("payments", []) if known != token]
    cookie["payments"] = [*kept, token][-MOST_REMEMBERED:]


def _mine(charger: Charger) -> Payment | None:
    """The payment of this browser on which it charges, or may charge, at that charger."""
    own = select(Payment).where(
        Payment.token.in_(cookie.get("payments", [])),
        Payment.charger_id == charger.id,
        Payment.status == PaymentStatus.AUTHORISED,
    )
    return db.session.scalar(own.order_by(Payment.id.desc()).limit(1))


def _to_checkout(payment: Payment) -> ResponseReturnValue:
    settling.settle_payment(till(), payment.id, utcnow(), at_once=True)
    payment = _reloaded(payment)
    if payment.status is PaymentStatus.ACTION_REQUIRED and payment.checkout_url:
        return redirect(payment.checkout_url, 303)
    return redirect(url_for("driver.story", token=payment.token), 303)


# --- From the hold to the bill -------------------------------------------------------------------------------


def _story_page(token: str, refusal: str | None = None, status: int = 200) -> ResponseReturnValue:
    now = utcnow()
    told = journey.tell(db.session(), token, now)
    code = qr_codes.of_charger(db.session(), told.charger)
    _speak(told.payment, told.charger)
    running = told.charging if told.phase in (Phase.CHARGING, Phase.STOPPING) else None
    return page(
        "driver/story.html",
        "driver/_story.html",
        status,
        story=told,
        token=token,
        refusal=refusal,
        station=told.charger.station,
        brand_name=told.charger.station.operator.name,
        is_test=told.payment.is_test if told.payment else False,
        so_far=billing.cost_so_far(db.session(), running, now) if running else None,
        lasted_s=_lasted_s(told, now),
        plug=_plug_name(told),
        is_parked=_connector_status(told) in ("SuspendedEV", "Finishing"),
        deadline=payments.start_deadline(told.payment) if told.payment else None,
        is_broken=_connector_status(told) in ("Faulted", "Unavailable"),
        code=code,
        manifest=_manifest_address(code.code) if code else None,
        share_text=_share_text(running),
        Phase=Phase,
    )


def _share_text(running: ChargingSession | None) -> str | None:
    """Why the car gets less than it could, where a station's power is shared."""
    found = share_of(db.session(), running) if running is not None else None
    return power_words.driver_text(found[0]) if found else None


def _look_again(token: str) -> None:
    """What a redirect says is never believed: the provider is asked."""
    payment = payments.by_token(db.session(), token)
    if payment is not None:
        _keep_choice(payment)
    db.session.commit()  # ends the transaction, keeps the values
    if payment is None or payment.provider_ref is None or payment.status not in payments.BEFORE_HOLD:
        return
    now = utcnow()
    if settling.may_look(payment, now):  # read first: looking again must not cost a write
        settling.settle_payment(till(), payment.id, now, at_once=True)


def _keep_choice(payment: Payment) -> None:
    """The payment's language is the one that its driver has chosen by hand."""
    wish = request.args.get("lang")
    if wish in driver_language.LANGUAGES and wish != payment.locale:
        payments.keep_language(db.session(), payment.id, wish)


def _speak(payment: Payment | None, charger: Charger) -> None:
    driver_language.know(payment.locale if payment else None, _country(charger.station))


def _asked(token: str) -> ResponseReturnValue:
    db.session.commit()
    doorbell.ring(current_app.extensions["settings"].instance_dir)
    return redirect(url_for("driver.story", token=token), 303)


def _refused(token: str, sentence: str) -> ResponseReturnValue:
    db.session.rollback()
    flash(sentence, "bad")
    return redirect(url_for("driver.story", token=token), 303)


def _payment(token: str) -> Payment:
    payment = payments.by_token(db.session(), token)
    if payment is None:
        raise NotFound(gettext("This link does not lead anywhere. Scan the code on the charger to begin."))
    _speak(payment, db.session.get_one(Charger, payment.charger_id))
    db.session.commit()
    return payment


def _reloaded(payment: Payment) -> Payment:
    db.session.expire_all()
    return db.session.get_one(Payment, payment.id)


def _lasted_s(told: Story, now: datetime) -> int:
    if told.charging is None:
        return 0
    return int(((told.charging.stopped_at or now) - told.charging.started_at).total_seconds())


def _connector(told: Story) -> Connector | None:
    return db.session.scalar(
        select(Connector).where(Connector.charger_id == told.charger.id, Connector.number == told.connector_number)
    )


def _connector_status(told: Story) -> str | None:
    connector = _connector(told)
    return connector.status if connector else None


def _plug_name(told: Story) -> str:
    connector = _connector(told)
    number = gettext("Plug %(number)s", number=told.connector_number)
    return f"{driver_words.plug_kind(connector.kind)}, {number}" if connector and connector.kind else number
