"""Platform -> Payment accounts: merchants of the platform, offered to operators for whom it collects."""

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from blueprints import access, hooks, merchant_forms
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.merchant_forms import kind_or_404
from blueprints.till import till
from blueprints.web import done, page
from domain import payment_accounts
from domain.clock import utcnow
from domain.errors import NotFound
from domain.models.payments import PaymentAccount
from domain.rights import Right

bp = Blueprint("platform_accounts", __name__)


@bp.get("/platform/payment-accounts")
@access.require(Right.SETTLEMENT_REVIEW, read=True)
def index() -> ResponseReturnValue:
    """The platform's merchants, and how many operators took each."""
    taken = aliased(PaymentAccount)
    found = (
        select(PaymentAccount, func.count(taken.id))
        .outerjoin(taken, taken.platform_account_id == PaymentAccount.id)
        .where(PaymentAccount.operator_id.is_(None))
        .group_by(PaymentAccount.id)
        .order_by(PaymentAccount.name)
    )
    kinds = till().providers.kinds
    return page(
        "platform_accounts/index.html",
        rows=[(account, count, hooks.url_of(account)) for account, count in db.session.execute(found)],
        kinds=kinds,
        choices=[kind for kind in kinds.values() if kind.fields],
        zone="UTC",
    )


@bp.route("/platform/payment-accounts/new/<provider>", methods=["GET", "POST"])
@limiter.limit("10/minute", methods=["POST"])
@access.require(Right.SETTLEMENT_REVIEW)
def add(provider: str) -> ResponseReturnValue:
    """Credentials of the platform's own merchant."""
    kind = kind_or_404(provider)
    if not kind.fields:
        raise NotFound("Test money is added at a charging station.")
    form = merchant_forms.add_form(kind)
    if form.validate_on_submit():

        def create(credentials: dict[str, str], probe: merchant_forms.Probe) -> PaymentAccount:
            made = payment_accounts.create(
                db.session(), None, kind, form.name.data, credentials, probe, current_app.config["SECRET_KEY"],
                by=current_user.email, now=utcnow(),
            )  # fmt: skip
            db.session.commit()
            return made

        made = merchant_forms.save_new(form, kind, create)
        if made is not None:
            return done(url_for("platform_accounts.index"), f"{made.name} is offered to operators.")
    return page("platform_accounts/add.html", None, 422 if request.method == "POST" else 200, kind=kind, form=form)


@bp.route("/platform/payment-accounts/<int:account_id>/credentials", methods=["GET", "POST"])
@limiter.limit("10/minute", methods=["POST"])
@access.require(Right.SETTLEMENT_REVIEW)
def credentials(account_id: int) -> ResponseReturnValue:
    """Other credentials of the same merchant."""
    account = _account(account_id)
    kind = kind_or_404(account.provider)
    form = merchant_forms.replace_form(kind)
    if form.validate_on_submit() and merchant_forms.save_replaced(form, kind, account):
        return done(url_for("platform_accounts.index"), f"The credentials of {account.name} are replaced.")
    status = 422 if request.method == "POST" else 200
    return page("platform_accounts/credentials.html", None, status, kind=kind, form=form, account=_account(account_id))


@bp.post("/platform/payment-accounts/<int:account_id>/<any(on, off):way>")
@access.require(Right.SETTLEMENT_REVIEW)
def switch(account_id: int, way: str) -> ResponseReturnValue:
    """Switched off, nobody can pay there, at any operator's station."""
    account = _account(account_id)
    payment_accounts.switch(db.session(), account, on=way == "on", by=current_user.email, now=utcnow())
    db.session.commit()
    return done(url_for("platform_accounts.index"), f"{account.name} is switched {way}.")


def _account(account_id: int) -> PaymentAccount:
    found = db.session.get(PaymentAccount, account_id) if account_id <= hooks.MOST_ID else None
    if found is None or found.operator_id is not None:
        raise NotFound("The platform has no such payment account.")
    return found
