"""The driver's phone: what a QR code leads to, and the way from paying to the bill. Works without JavaScript."""

import secrets
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy import select

from blueprints import access, driver_figures
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.power import words as power_words
from blueprints.till import till
from blueprints.web import page
from domain import (
    billing,
    doorbell,
    journey,
    payments,
    photos,
    plugs,
    price_list,
    qr_codes,
    settling,
    station_hours,
    station_merchants,
    tariff_book,
)
from domain.clock import utcnow
from domain.commands import ChargerOffline
from domain.errors import Conflict, DomainError, NotFound, Refused
from domain.hours import Now
from domain.journey import Phase, Story
from domain.models.chargers import Charger, Connector, QrCode
from domain.models.charging import ChargingSession
from domain.models.payments import Payment, PaymentAccount, PaymentStatus
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.plugs import Plug, PlugState
from domain.power import share_of
from domain.price_list import PriceList
from domain.station_merchants import Merchant
from domain.tariffs import parse_tariff

bp = Blueprint("driver", __name__)
for figure in driver_figures.FILTERS:
    bp.add_app_template_filter(figure)

MOST_REMEMBERED = 5  # payments that a browser knows to be its own


class Place(NamedTuple):
    """Everything the page of a QR code shows."""

    qr_code: QrCode
    charger: Charger
    station: Station
    merchants: list[Merchant]  # all of the station's, also those that take no payments now
    plugs: list[Plug]
    tariff: Tariff | None
    prices: PriceList | None
    hours: Now

    @property
    def is_closed(self) -> bool:
        """Whether nobody may start here now."""
        return self.station.refuses_outside_hours and not self.hours.is_open

    @property
    def ways(self) -> list[Merchant]:
        """Where a driver can pay now, the preferred one first."""
        return [each for each in self.merchants if each.can_take_payments]

    @property
    def account(self) -> PaymentAccount | None:
        return self.ways[0].account if self.ways else None

    @property
    def is_test(self) -> bool:
        return self.account is not None and self.account.is_test

    @property
    def is_payable(self) -> bool:
        can_pay = self.account is not None and self.prices is not None and not self.is_closed
        return can_pay and any(plug.is_usable for plug in self.plugs)


@bp.get("/c/<code>")
@access.public
def charger(code: str) -> ResponseReturnValue:
    """The price, the plugs, and the way to pay."""
    return _charger_page(code)


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
    except Conflict as refusal:
        return _refused(token, str(refusal))
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
    return _asked(token)


@bp.post("/s/<token>/cancel")
@access.public
def cancel(token: str) -> ResponseReturnValue:
    """Let the hold go before anything was charged."""
    payment = _payment(token)
    try:
        journey.cancel(db.session(), payment.id, utcnow())
    except Conflict as refusal:
        return _refused(token, str(refusal))
    db.session.commit()
    settling.settle_payment(till(), payment.id, utcnow())
    return redirect(url_for("driver.story", token=token), 303)


# --- The page of a QR code -----------------------------------------------------------------------------------


def _charger_page(code: str, refusal: DomainError | None = None) -> ResponseReturnValue:
    qr_code = db.session.scalar(select(QrCode).where(QrCode.code == code.upper()))
    if qr_code is None:
        return page("driver/no_charger.html", status=404, title=gettext("Unknown code"), is_unknown=True)
    if qr_code.charger_id is None:
        return page("driver/no_charger.html", status=404, title=gettext("Code not in use yet"), is_unknown=False)
    place = _place(code)
    status = 200 if refusal is None else 409 if isinstance(refusal, Conflict) else 422
    return page(
        "driver/charger.html",
        "driver/_offer.html",
        status,
        place=place,
        brand_name=place.station.operator.name,
        is_test=place.is_test,
        refusal=refusal,
        nonce=secrets.token_urlsafe(16),
        chosen=_preselected(place),
        mine=_mine(place.charger),
        trouble=_trouble(place),
        opens=opens(place),
        kinds=till().providers.kinds,
        photos=photos.of_station(db.session(), place.station),
    )


def opens(place: Place) -> str | None:
    """When a closed station opens, on its own clock."""
    if place.hours.is_open or place.hours.until is None:
        return None
    zone, locale = ZoneInfo(place.station.time_zone), str(get_locale() or "en")
    return station_hours.moment_words(place.hours.until, utcnow(), zone, locale)


def _place(code: str) -> Place:
    now = utcnow()
    qr_code = db.session.scalar(select(QrCode).where(QrCode.code == code.upper(), QrCode.charger_id.is_not(None)))
    if qr_code is None:
        raise NotFound("This code does not lead to a charger.")
    found = db.session.get_one(Charger, qr_code.charger_id)
    station = found.station
    tariff = tariff_book.in_force(db.session(), station.id, now)
    prices = None
    if tariff is not None:
        zone = ZoneInfo(station.time_zone)
        prices = price_list.price_list(parse_tariff(tariff.terms), zone, now, tariff.currency)
    return Place(
        qr_code,
        found,
        station,
        station_merchants.of_station(db.session(), station),
        plugs.of_charger(db.session(), found),
        tariff,
        prices,
        station_hours.now_at(station, now),
    )


def _preselected(place: Place) -> int | None:
    asked = request.form.get("connector", type=int) or place.qr_code.connector_number
    usable = [plug.number for plug in place.plugs if plug.is_usable]
    return asked if asked in usable else usable[0] if len(usable) == 1 else None


def _trouble(place: Place) -> str | None:
    """The word for why nobody can pay here now."""
    states = {plug.state for plug in place.plugs}
    if not place.charger.is_connected:
        return "offline"
    if place.is_closed:
        return "closed"
    if place.tariff is None or place.prices is None:
        return "no_price"
    if place.account is None:
        return "not_available" if place.merchants else "no_account"
    if not states:
        return "no_plugs"
    if any(plug.is_usable for plug in place.plugs):
        return None
    return "faulted" if states <= {PlugState.FAULTED, PlugState.OUT_OF_SERVICE} else "busy"


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
        raise Conflict(gettext("This station has just closed, so nothing was charged."))
    if not plug.is_usable:
        raise Conflict(gettext("This plug has just been taken or went out of service. Choose another one."))
    if place.tariff is None or place.prices is None:
        raise Refused(gettext("The price of this charger is not known right now, so nothing can be paid."))
    if request.form.get("tariff", type=int) != place.tariff.id:
        raise Conflict(gettext("The price has changed since you looked at it. Look at the new one, then press again."))
    if known is not None or not nonce:
        token = secrets.token_hex(20)
    locale = str(get_locale() or "en")
    return payments.create(
        db.session(),
        place.charger,
        plug.number,
        place.tariff,
        token=token,
        locale=locale,
        now=utcnow(),
        account_id=request.form.get("account", type=int),
    )


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
        code=qr_codes.of_charger(db.session(), told.charger),
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
    db.session.commit()  # ends the transaction, keeps the values
    if payment is None or payment.provider_ref is None or payment.status not in payments.BEFORE_HOLD:
        return
    now = utcnow()
    if settling.may_look(payment, now):  # read first: looking again must not cost a write
        settling.settle_payment(till(), payment.id, now, at_once=True)


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
    return f"{connector.kind}, {number}" if connector and connector.kind else number
