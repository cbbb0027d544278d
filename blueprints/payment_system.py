"""Charging station -> Payment System: its merchants, their credentials, the preferred payment method."""

from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from blueprints import access, hooks, merchant_forms
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.merchant_forms import kind_or_404
from blueprints.stations import frame
from blueprints.till import till
from blueprints.web import done, page
from domain import payment_accounts, settling, station_merchants
from domain.clock import utcnow
from domain.errors import NotFound, Refused
from domain.models.payments import PaymentAccount
from domain.models.stations import Station
from domain.payment_provider import ProviderKind
from domain.rights import Right

bp = Blueprint("payment_system", __name__)

TAB = "Payment System"
READY = "Your charging station is now set up: drivers pay with {name}."


@bp.get("/stations/<int:station_id>/payment")
@access.require(Right.STATIONS, read=True)
def index(station_id: int) -> ResponseReturnValue:
    """The station's merchants."""
    station = access.station_or_404(station_id)
    return _station_page("payment_system/index.html", station, merchants=_merchants(station))


@bp.get("/stations/<int:station_id>/payment/merchants")
@access.require(Right.PAYMENT_CREDENTIALS)
def select_merchant(station_id: int) -> ResponseReturnValue:
    """Choose among the accounts that are there, or add one."""
    station = access.station_or_404(station_id)
    taken = {each.account.id for each in station_merchants.of_station(db.session(), station)}
    own = access.own(PaymentAccount).where(PaymentAccount.id.not_in(taken)).order_by(PaymentAccount.name)
    return _station_page(
        "payment_system/select.html",
        station,
        accounts=list(db.session.scalars(own)),
        offered=payment_accounts.offered(db.session(), station.operator_id),
        kinds=till().providers.kinds,
    )


@bp.get("/stations/<int:station_id>/payment/merchants/new")
@access.require(Right.PAYMENT_CREDENTIALS)
def choose_provider(station_id: int) -> ResponseReturnValue:
    """Which payment provider the new merchant is at."""
    station = access.station_or_404(station_id)
    return _station_page("payment_system/providers.html", station, kinds=list(till().providers.kinds.values()))


@bp.route("/stations/<int:station_id>/payment/merchants/new/<provider>", methods=["GET", "POST"])
@limiter.limit("10/minute", methods=["POST"])
@access.require(Right.PAYMENT_CREDENTIALS)
def add(station_id: int, provider: str) -> ResponseReturnValue:
    """The provider's credentials, tried before they are saved."""
    station, kind = access.station_or_404(station_id), kind_or_404(provider)
    form = merchant_forms.add_form(kind)
    if form.validate_on_submit():
        made = merchant_forms.save_new(form, kind, lambda *tried: _create(station_id, form.name.data, kind, *tried))
        if made is not None:
            return _ready(made)
    station = access.station_or_404(station_id)
    status = 422 if request.method == "POST" else 200
    return _station_page("payment_system/add.html", station, status, kind=kind, form=form)


@bp.post("/stations/<int:station_id>/payment/use")
@access.require(Right.PAYMENT_CREDENTIALS)
def use(station_id: int) -> ResponseReturnValue:
    """The station offers an account that is there, or one of the platform's."""
    station, now, by = access.station_or_404(station_id), utcnow(), current_user.email
    account = db.session.get(PaymentAccount, request.form.get("account", 0, type=int))
    if account is not None and account.operator_id is None:
        account = payment_accounts.take_offered(db.session(), station.operator_id, account, by=by, now=now)
    if account is None or account.operator_id != station.operator_id:
        raise NotFound("There is no such payment account.")
    station_merchants.add(db.session(), station, account, by=by, now=now)
    db.session.commit()
    return _ready(station)


@bp.post("/stations/<int:station_id>/payment/prefer")
@access.require(Right.PAYMENT_CREDENTIALS)
def prefer(station_id: int) -> ResponseReturnValue:
    """The preferred payment method."""
    station = access.station_or_404(station_id)
    account = _account(request.form.get("account", 0, type=int))
    station_merchants.prefer(db.session(), station, account, by=current_user.email, now=utcnow())
    db.session.commit()
    return _ready(station)


@bp.post("/stations/<int:station_id>/payment/<int:account_id>/remove")
@access.require(Right.PAYMENT_CREDENTIALS)
def remove(station_id: int, account_id: int) -> ResponseReturnValue:
    """The station offers this account no more."""
    station, account = access.station_or_404(station_id), _account(account_id)
    station_merchants.remove(db.session(), station, account, by=current_user.email, now=utcnow())
    db.session.commit()
    return done(_home(station), f"{account.name} is no longer offered at {station.name}.")


@bp.route("/stations/<int:station_id>/payment/<int:account_id>/credentials", methods=["GET", "POST"])
@limiter.limit("10/minute", methods=["POST"])
@access.require(Right.PAYMENT_CREDENTIALS_CHANGE)
def credentials(station_id: int, account_id: int) -> ResponseReturnValue:
    """Other credentials of the same merchant."""
    station, account = access.station_or_404(station_id), _account(account_id)
    kind = kind_or_404(account.provider)
    if account.sealed_credentials is None:
        raise NotFound("This payment account has no credentials of yours.")
    form = merchant_forms.replace_form(kind)
    if form.validate_on_submit() and merchant_forms.save_replaced(form, kind, account):
        return done(_home(station), f"The credentials of {account.name} are replaced.")
    station, account = access.station_or_404(station_id), _account(account_id)
    status = 422 if request.method == "POST" else 200
    return _station_page("payment_system/credentials.html", station, status, kind=kind, form=form, account=account)


@bp.post("/stations/<int:station_id>/payment/<int:account_id>/<any(on, off):way>")
@access.require(Right.PAYMENT_CREDENTIALS)
def switch(station_id: int, account_id: int, way: str) -> ResponseReturnValue:
    """Switched off, nobody can pay there, at any station."""
    station, account = access.station_or_404(station_id), _account(account_id)
    payment_accounts.switch(db.session(), account, on=way == "on", by=current_user.email, now=utcnow())
    db.session.commit()
    return done(_home(station), f"{account.name} is switched {way}.")


@bp.post("/stations/<int:station_id>/payment/<int:account_id>/check")
@limiter.limit("10/minute")
@access.require(Right.PAYMENT_CREDENTIALS)
def check(station_id: int, account_id: int) -> ResponseReturnValue:
    """Ask the provider whether it takes the credentials now."""
    station, account = access.station_or_404(station_id), _account(account_id)
    db.session.commit()
    works = settling.recheck_account(till(), account.id, utcnow(), by=current_user.email)
    told = "works" if works else "still takes no payments"
    return done(_home(station), f"{account.name} {told}.")


def _create(station_id: int, name: str, kind: ProviderKind, credentials: dict[str, str], probe: Any) -> Station:
    station, now, by = access.station_or_404(station_id), utcnow(), current_user.email
    if kind.fields:
        secret_key = current_app.config["SECRET_KEY"]
        account = payment_accounts.create(
            db.session(), station.operator_id, kind, name, credentials, probe, secret_key, by=by, now=now
        )
    elif kind.name == payment_accounts.SANDBOX:
        account = payment_accounts.create_sandbox(
            db.session(), station.operator, name, by=by, now=now, everywhere=False
        )
    else:
        raise Refused("This provider cannot be added here.")
    station_merchants.add(db.session(), station, account, by=by, now=now)
    db.session.commit()
    return station


def _merchants(station: Station) -> list[dict[str, Any]]:
    kinds = till().providers.kinds
    return [
        {
            "account": each.account,
            "holder": each.holder,
            "kind": kinds.get(each.account.provider),
            "is_preferred": each.is_preferred,
            "can_take_payments": each.can_take_payments,
            "is_own": each.account.platform_account_id is None,
            "hook_url": hooks.url_of(each.account) if each.account.sealed_credentials else None,
        }
        for each in station_merchants.of_station(db.session(), station)
    ]


def _account(account_id: int) -> PaymentAccount:
    if not 0 < account_id <= hooks.MOST_ID:
        raise NotFound("There is no such payment account.")
    return access.own_or_404(PaymentAccount, "payment account", id=account_id)


def _ready(station: Station) -> ResponseReturnValue:
    chosen = db.session.scalar(select(PaymentAccount.name).where(PaymentAccount.id == station.payment_account_id))
    return done(_home(station), READY.format(name=chosen))


def _home(station: Station) -> str:
    return url_for("payment_system.index", station_id=station.id)


def _station_page(template: str, station: Station, status: int = 200, **context: Any) -> ResponseReturnValue:
    return page(template, None, status, **context, **frame(station, TAB, utcnow()))
